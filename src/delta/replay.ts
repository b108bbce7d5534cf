import type { Action, AddFile, DeletionVectorDescriptor, DomainMetadata, Metadata, Protocol, RemoveFile, Txn } from './actions.ts';
import { partitionKeys } from './column-mapping.ts';
import { decodeFilePath, encodeFilePath } from './file-path.ts';
import type { LiveFiles } from './live-files.ts';

/** What the log says about a table up to a version, before it is checked for what we can read. */
export type LogState = {
  readonly protocol: Protocol | undefined;
  readonly metadata: Metadata | undefined;
  readonly files: LiveFiles;
  readonly txns: ReadonlyMap<string, Txn>;
  readonly domains: ReadonlyMap<string, DomainMetadata>;
  /** Removed files of the commits replayed since the checkpoint: with the checkpoint's own, what a new checkpoint lists. */
  readonly tombstones: readonly RemoveFile[];
};

/** Nothing yet: what the first commit starts from. */
export const emptyState: LogState = {
  protocol: undefined,
  metadata: undefined,
  files: {
    count: 0,
    totalBytes: 0,
    memoryBytes: 0,
    paths: [],
    sizes: [],
    modificationTimes: [],
    partitionValues: [],
    stats: [],
    spelledPaths: new Map(),
    deletionVectors: new Map(),
    extras: new Map(),
  },
  txns: new Map(),
  domains: new Map(),
  tombstones: [],
};

/** The identity of a deletion vector: with the path it makes a file unique in the log. */
export function deletionVectorId(vector: DeletionVectorDescriptor | undefined): string {
  if (vector === undefined) return '';
  return `${vector.storageType}${vector.pathOrInlineDv}${vector.offset === undefined ? '' : `@${vector.offset}`}`;
}

function keyOf(path: string, vector: DeletionVectorDescriptor | undefined): string {
  return vector === undefined ? path : `${path}\0${deletionVectorId(vector)}`;
}

/**
 * The state after further commits, oldest first. The state that came in stays as it is, so that whoever reads it goes on.
 *
 * @param commits the actions of each commit, with its file for messages
 */
export function replayCommits(
  state: LogState,
  commits: readonly { readonly actions: readonly Action[]; readonly path: string }[],
): LogState {
  let { protocol, metadata } = state;
  const txns = new Map(state.txns);
  const domains = new Map(state.domains);
  const tombstones = new Map(state.tombstones.map((remove) => [keyOf(remove.path, remove.deletionVector), remove]));
  // Of each file only the last word counts, so the columns are touched once, after all commits.
  const lastWord = new Map<string, AddFile | undefined>();
  for (const { actions, path: where } of commits) {
    for (const action of actions) {
      protocol = action.protocol ?? protocol;
      metadata = action.metaData ?? metadata;
      if (action.txn) txns.set(action.txn.appId, action.txn);
      if (action.domainMetadata) domains.set(action.domainMetadata.domain, action.domainMetadata);
      // Within one commit a remove and an add of a file come in any order; the add is what is in the table. With
      // deletion vectors they differ in key.
      if (action.remove) {
        const key = keyOf(decodeFilePath(action.remove.path, where), action.remove.deletionVector);
        if (!isAddedIn(actions, action.remove)) lastWord.set(key, undefined);
        tombstones.set(keyOf(action.remove.path, action.remove.deletionVector), action.remove);
      }
      if (action.add) {
        lastWord.set(keyOf(decodeFilePath(action.add.path, where), action.add.deletionVector), action.add);
        tombstones.delete(keyOf(action.add.path, action.add.deletionVector));
      }
    }
  }
  const files = applyChanges(state.files, partitionKeys(state.metadata), partitionKeys(metadata), lastWord);
  return { protocol, metadata, files, txns, domains, tombstones: [...tombstones.values()] };
}

function isAddedIn(actions: readonly Action[], remove: RemoveFile): boolean {
  return actions.some(
    ({ add }) => add?.path === remove.path && deletionVectorId(add.deletionVector) === deletionVectorId(remove.deletionVector),
  );
}

function applyChanges(
  files: LiveFiles,
  oldColumns: readonly string[],
  columns: readonly string[],
  lastWord: ReadonlyMap<string, AddFile | undefined>,
): LiveFiles {
  if (lastWord.size === 0 && oldColumns.join('\0') === columns.join('\0')) return files;
  const builder = new LiveFilesBuilder(columns);
  const columnIndexes = columns.map((column) => oldColumns.indexOf(column));
  for (let index = 0; index < files.count; index += 1) {
    const path = files.paths[index] ?? '';
    if (!lastWord.has(keyOf(path, files.deletionVectors.get(index)))) builder.copy(files, index, columnIndexes);
  }
  for (const [key, add] of lastWord) {
    if (add !== undefined) builder.add(key.split('\0')[0] ?? '', add);
  }
  return { ...builder.finish(), leftOut: files.leftOut };
}

/** What a file takes beside its texts: places in columns, headers of strings. */
const bytesPerFile = 100;

/** Fills the columns of {@link LiveFiles} file by file. */
export class LiveFilesBuilder {
  readonly #partitionColumns: readonly string[];
  readonly #paths: string[] = [];
  readonly #sizes: number[] = [];
  readonly #modificationTimes: number[] = [];
  readonly #partitionValues: (string | null)[][];
  readonly #stats: (string | null)[] = [];
  readonly #spelledPaths = new Map<number, string>();
  readonly #deletionVectors = new Map<number, DeletionVectorDescriptor>();
  readonly #extras = new Map<number, Readonly<Record<string, unknown>>>();
  #totalBytes = 0;
  #memoryBytes = 0;

  constructor(partitionColumns: readonly string[]) {
    this.#partitionColumns = partitionColumns;
    this.#partitionValues = partitionColumns.map(() => []);
  }

  get isPartitioned(): boolean {
    return this.#partitionColumns.length > 0;
  }

  /** Appends a file; `path` is its decoded path. */
  add(path: string, file: Omit<AddFile, 'dataChange'>): void {
    const index = this.#paths.length;
    if (encodeFilePath(path) !== file.path) this.#spelledPaths.set(index, file.path);
    this.#push(path, file.size, file.modificationTime, file.stats ?? null);
    this.#partitionColumns.forEach((column, position) => {
      // Writers disagree about the empty string; the protocol says that it is null, for every type.
      this.#partitionValues[position]?.push(file.partitionValues[column] || null);
    });
    if (file.deletionVector !== undefined) this.#deletionVectors.set(index, file.deletionVector);
    const { tags, baseRowId, defaultRowCommitVersion, clusteringProvider } = file;
    if (tags === undefined && baseRowId === undefined && defaultRowCommitVersion === undefined && clusteringProvider === undefined) return;
    const extras = Object.entries({ tags, baseRowId, defaultRowCommitVersion, clusteringProvider }).filter(
      ([, value]) => value !== undefined,
    );
    if (extras.length > 0) this.#extras.set(index, Object.fromEntries(extras));
  }

  /** Appends file `index` of other columns; `columnIndexes` says where each partition column was there. */
  copy(files: LiveFiles, index: number, columnIndexes: readonly number[]): void {
    const target = this.#paths.length;
    this.#push(files.paths[index] ?? '', files.sizes[index] ?? 0, files.modificationTimes[index] ?? 0, files.stats[index] ?? null);
    columnIndexes.forEach((from, position) => this.#partitionValues[position]?.push(files.partitionValues[from]?.[index] ?? null));
    const spelled = files.spelledPaths.get(index);
    if (spelled !== undefined) this.#spelledPaths.set(target, spelled);
    const vector = files.deletionVectors.get(index);
    if (vector !== undefined) this.#deletionVectors.set(target, vector);
    const extras = files.extras.get(index);
    if (extras !== undefined) this.#extras.set(target, extras);
  }

  #push(path: string, size: number, modificationTime: number, stats: string | null): void {
    this.#paths.push(path);
    this.#sizes.push(size);
    this.#modificationTimes.push(modificationTime);
    this.#stats.push(stats);
    this.#totalBytes += size;
    this.#memoryBytes += path.length + (stats?.length ?? 0) + bytesPerFile;
  }

  finish(): LiveFiles {
    return {
      count: this.#paths.length,
      totalBytes: this.#totalBytes,
      memoryBytes: this.#memoryBytes,
      paths: this.#paths,
      sizes: this.#sizes,
      modificationTimes: this.#modificationTimes,
      partitionValues: this.#partitionValues,
      stats: this.#stats,
      spelledPaths: this.#spelledPaths,
      deletionVectors: this.#deletionVectors,
      extras: this.#extras,
    };
  }
}
