import { LakesteadError } from '#core';
import type { Engine, Lease } from '#engine';
import type { ObjectStore } from '#storage';

import { type Action, type Metadata, type Protocol } from './actions.ts';
import { checkCancelled } from './cancel.ts';
import { type ChooseFiles, readCheckpoint } from './checkpoint-read.ts';
import type { LiveFiles } from './live-files.ts';
import { type CommitFile, commitPath, findLogSegment, listNewCommits, type LogSegment } from './log-segment.ts';
import { checkReadable, schemaOf } from './protocol-support.ts';
import { readCommits } from './read-commits.ts';
import { emptyState, type LogState, replayCommits } from './replay.ts';
import { type Condition, filterOfFiles, planScan, type ScanOptions, type ScanPlan } from './scan-plan.ts';
import type { StructType } from './schema.ts';
import { findVersionAt } from './time-travel.ts';
import { verifyChecksum } from './version-checksum.ts';

/** One version of a table: plain data that never changes. */
export type Snapshot = {
  /** For messages: the store's root and the table's path in it. */
  readonly table: string;
  /** The table's folder in its store. */
  readonly path: string;
  readonly version: number;
  /** When this version was committed: its in-commit timestamp, else the modification time of its log file, as Spark has it. */
  readonly timestamp: Date;
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  readonly schema: StructType;
  readonly partitionColumns: readonly string[];
  readonly files: LiveFiles;
  /** The version of the checkpoint it was read from. */
  readonly checkpointVersion: number | undefined;
  /** All that the log says, with what only writers need. */
  readonly log: LogState;
  /** Which files to read for those columns and that filter. */
  scan(options?: ScanOptions): ScanPlan;
};

/** Where a table is and what reads its Parquet. `path` is its folder in the store. */
export type TableLocation = { readonly store: ObjectStore; readonly path: string; readonly engine: Engine };

/** Which state of a table: a version, the newest at or before an instant, or (neither) the newest. */
export type SnapshotOptions = {
  readonly version?: number | undefined;
  readonly timestamp?: Date | undefined;
  /** The connection that reads checkpoints; default one of the engine's. Whoever holds a lease should hand it in: waiting for a second one can last. */
  readonly lease?: Lease | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** For messages. */
export function describeLocation({ store, path }: Pick<TableLocation, 'store' | 'path'>): string {
  return path === '' ? store.root : `${store.root}/${path}`;
}

type CacheEntry = { readonly snapshot: Snapshot; readonly newestCommit: CommitFile | undefined };

/** The newest known snapshot of each table of a store. Bounded by what their lists of files take. */
const caches = new WeakMap<ObjectStore, Map<string, CacheEntry>>();
let maxCachedBytes = 512 * 1024 * 1024;

/**
 * How many bytes the snapshots of one store that are kept for the process may take, all together; default 512 MiB. The newest one is
 * kept in any case, and whoever holds a snapshot keeps it.
 */
export function limitSnapshotCache(bytes: number): void {
  maxCachedBytes = bytes;
}

/**
 * Loads a version of a table. The newest one is kept for the process and brought forward by one listing of what came
 * after it.
 *
 * @throws {LakesteadError} `DELTA_NOT_A_TABLE`, `DELTA_VERSION_NOT_FOUND`, `DELTA_CORRUPT`, `DELTA_UNSUPPORTED`
 */
export async function loadSnapshot(location: TableLocation, options: SnapshotOptions = {}): Promise<Snapshot> {
  return await load(location, options);
}

/** What a table is, before its files are listed. */
type TableDefinition = Pick<Snapshot, 'table' | 'metadata' | 'schema' | 'partitionColumns'>;

/** What rows must fulfil, told from what the table is. */
export type ConditionsFor = (definition: TableDefinition, lease: Lease) => Promise<readonly Condition[]>;

/**
 * A snapshot for one scan: of a long list in a checkpoint only files that can hold such rows are listed, and how many others there
 * are is told. A table whose snapshot is known already, or has few files, is loaded as {@link loadSnapshot} does.
 */
export async function loadForScan(location: TableLocation, options: SnapshotOptions, conditionsFor: ConditionsFor): Promise<Snapshot> {
  try {
    return await load(location, options, conditionsFor);
  } catch (error) {
    // Of a log that does not add up the whole list says what is wrong, if anything is.
    if (error instanceof LakesteadError && error.code === 'DELTA_CORRUPT') return await load(location, options);
    throw error;
  }
}

async function load(location: TableLocation, options: SnapshotOptions, conditionsFor?: ConditionsFor): Promise<Snapshot> {
  checkCancelled(options.signal);
  if (options.timestamp !== undefined) {
    const { metadata, table } = await loadSnapshot(location, { ...options, timestamp: undefined });
    const version = await findVersionAt(location, options.timestamp, { table, hasInCommitTimestamps: hasInCommitTimestamps(metadata) });
    return await load(location, { ...options, timestamp: undefined, version }, conditionsFor);
  }
  const { version } = options;
  const cached = caches.get(location.store)?.get(location.path);
  if (cached !== undefined) {
    if (version === cached.snapshot.version && (await isSameCommit(location, cached))) return cached.snapshot;
    const newer = version === undefined ? await bringForward(location, cached) : undefined;
    if (newer !== undefined) return remember(location, newer);
  }
  const segment = await findLogSegment(location.store, location.path, version);
  if (segment === undefined) {
    throw new LakesteadError('DELTA_NOT_A_TABLE', `${describeLocation(location)} is no Delta table: it has no _delta_log with commits`, {
      hint: 'check the path; "lakestead table list" shows the tables of the lake',
    });
  }
  const entry = await loadSegment(location, segment, options, conditionsFor);
  return version === undefined && entry.snapshot.files.leftOut === undefined ? remember(location, entry) : entry.snapshot;
}

function remember({ store, path }: TableLocation, entry: CacheEntry): Snapshot {
  const cache = caches.get(store) ?? new Map<string, CacheEntry>();
  caches.set(store, cache);
  // Of two loads at a time the older may end last.
  const held = cache.get(path);
  if (held === undefined || held.snapshot.version <= entry.snapshot.version || held.snapshot.metadata.id !== entry.snapshot.metadata.id) {
    cache.delete(path);
    cache.set(path, entry);
  }
  let bytes = [...cache.values()].reduce((sum, { snapshot }) => sum + snapshot.files.memoryBytes, 0);
  for (const [key, { snapshot }] of cache) {
    if (bytes <= maxCachedBytes || cache.size === 1) break;
    cache.delete(key);
    bytes -= snapshot.files.memoryBytes;
  }
  return entry.snapshot;
}

/** Forgets what is known of a table: for whoever replaces its folder. */
export function forgetSnapshot({ store, path }: Pick<TableLocation, 'store' | 'path'>): void {
  caches.get(store)?.delete(path);
}

async function isSameCommit({ store }: TableLocation, { newestCommit }: CacheEntry): Promise<boolean> {
  if (newestCommit === undefined) return false;
  const found = await store.find(newestCommit.path);
  return found?.modifiedAt.getTime() === newestCommit.modifiedAt.getTime();
}

async function bringForward(location: TableLocation, cached: CacheEntry): Promise<CacheEntry | undefined> {
  const { snapshot, newestCommit } = cached;
  if (newestCommit === undefined) return undefined;
  let commits: readonly CommitFile[];
  try {
    commits = await listNewCommits(location.store, location.path, snapshot.version - 1);
  } catch (error) {
    // Someone put another table here, or cleaned the log: then the whole log says what is true.
    if (error instanceof LakesteadError && error.code === 'DELTA_CORRUPT') return undefined;
    throw error;
  }
  // The version we know must still be the same file: a folder that was removed and made anew starts its versions again.
  const [known, ...later] = commits;
  if (known?.version !== snapshot.version || known.modifiedAt.getTime() !== newestCommit.modifiedAt.getTime()) return undefined;
  if (later.length === 0) return cached;
  const parsed = await readCommits(location.store, later);
  const state = replayCommits(snapshot.log, parsed);
  return makeEntry(location, state, later.at(-1), parsed.at(-1)?.actions, snapshot.checkpointVersion, undefined);
}

async function loadSegment(
  location: TableLocation,
  segment: LogSegment,
  options: SnapshotOptions,
  conditionsFor: ConditionsFor | undefined,
): Promise<CacheEntry> {
  const { checkpoint } = segment;
  const reading = readCommits(location.store, segment.commits);
  const choose = conditionsFor === undefined ? undefined : chooserOf(location, reading, conditionsFor);
  const start = checkpoint === undefined ? emptyState : await withLease(location, options, async (lease) => await readCheckpoint(location.store, checkpoint, lease, options, choose)).catch(async (error: unknown) => {
    await Promise.allSettled([reading]);
    throw error;
  }); // prettier-ignore
  const commits = await reading;
  checkCancelled(options.signal);
  let newest = segment.commits.at(-1);
  let lastActions = commits.at(-1)?.actions;
  if (newest === undefined) {
    const info = await location.store.find(commitPath(location.path, segment.version));
    if (info !== undefined) {
      newest = { version: segment.version, path: info.path, modifiedAt: info.modifiedAt };
      if (hasInCommitTimestamps(start.metadata)) lastActions = (await readCommits(location.store, [newest]))[0]?.actions;
    }
  }
  const checkpointInfo = newest === undefined ? await location.store.find(checkpoint?.paths[0] ?? '') : undefined;
  const state = replayCommits(start, commits);
  await verifyChecksum(location.store, location.path, segment.version, state);
  return makeEntry(location, state, newest, lastActions, checkpoint?.version, checkpointInfo?.modifiedAt, segment.version);
}

/** So many files that later commits name can be told to the engine one by one. */
const maxNamedFiles = 10_000;

/** Which files of a checkpoint a scan wants; those that later commits name are wanted whatever is known of them. */
function chooserOf(location: TableLocation, reading: ReturnType<typeof readCommits>, conditionsFor: ConditionsFor): ChooseFiles {
  return async (state, lease) => {
    const actions = (await reading).flatMap((commit) => commit.actions);
    const always = new Set(actions.flatMap(({ add, remove }) => add?.path ?? remove?.path ?? []));
    const metadata = actions.findLast(({ metaData }) => metaData)?.metaData ?? state.metadata;
    const protocol = actions.findLast((action) => action.protocol)?.protocol ?? state.protocol;
    if (metadata === undefined || protocol === undefined || always.size > maxNamedFiles) return undefined;
    const table = describeLocation(location);
    checkReadable(protocol, table);
    const definition = { table, metadata, schema: schemaOf(metadata, table), partitionColumns: metadata.partitionColumns };
    const filter = filterOfFiles(definition, await conditionsFor(definition, lease));
    return filter === undefined ? undefined : { ...filter, always: [...always] };
  };
}

function makeEntry(
  location: TableLocation,
  log: LogState,
  newestCommit: CommitFile | undefined,
  lastActions: readonly Action[] | undefined,
  checkpointVersion: number | undefined,
  otherTime: Date | undefined,
  version = newestCommit?.version ?? 0,
): CacheEntry {
  const table = describeLocation(location);
  const { protocol, metadata } = log;
  if (protocol === undefined || metadata === undefined) {
    throw new LakesteadError(
      'DELTA_CORRUPT',
      `the log of ${table} has no ${protocol === undefined ? 'protocol' : 'metaData'} action up to version ${version}`,
      {
        hint: 'the log was damaged or is not complete: restore _delta_log from a copy',
      },
    );
  }
  checkReadable(protocol, table);
  const schema = schemaOf(metadata, table);
  const inCommit = hasInCommitTimestamps(metadata)
    ? lastActions?.find(({ commitInfo }) => commitInfo)?.commitInfo?.inCommitTimestamp
    : undefined;
  const snapshot: Snapshot = {
    table,
    path: location.path,
    version,
    timestamp: inCommit === undefined ? (newestCommit?.modifiedAt ?? otherTime ?? new Date(0)) : new Date(inCommit),
    protocol,
    metadata,
    schema,
    partitionColumns: metadata.partitionColumns,
    files: log.files,
    checkpointVersion,
    // Only a writer of a checkpoint wants the removed files, and reads them itself: here they would grow without end.
    log: { ...log, tombstones: [] },
    scan: (options = {}) => planScan(snapshot, options),
  };
  return { snapshot, newestCommit };
}

function hasInCommitTimestamps(metadata: Metadata | undefined): boolean {
  return metadata?.configuration['delta.enableInCommitTimestamps'] === 'true';
}

/** Runs work with the lease that was handed in, or with one of the engine's. */
export async function withLease<T>(
  { engine }: TableLocation,
  options: { readonly lease?: Lease | undefined; readonly signal?: AbortSignal | undefined },
  work: (lease: Lease) => Promise<T>,
): Promise<T> {
  if (options.lease !== undefined) return await work(options.lease);
  return await engine.withLease(work, { signal: options.signal });
}
