import { LakesteadError } from '#core';
import type { ObjectInfo, ObjectStore } from '#storage';

/** What a version is read from: a checkpoint (or none) and the commits after it, without a gap. */
export type LogSegment = {
  readonly version: number;
  readonly checkpoint: Checkpoint | undefined;
  /** Ascending, without a gap between them; where commits are gone, log compaction files stand for them. */
  readonly commits: readonly CommitFile[];
};

/**
 * A complete checkpoint: a classic one in one file or all parts of several, or a v2 one, whose name has a UUID and which
 * may be JSON. The files of the table may be listed in sidecars that it names.
 */
export type Checkpoint = { readonly version: number; readonly paths: readonly string[] };

/** A commit's file in the store, or a log compaction file, whose last version it is. */
export type CommitFile = { readonly version: number; readonly path: string; readonly modifiedAt: Date };

type LogFile =
  | { readonly kind: 'commit'; readonly version: number }
  | { readonly kind: 'compacted'; readonly version: number; readonly to: number }
  | { readonly kind: 'checkpoint'; readonly version: number }
  | { readonly kind: 'part'; readonly version: number; readonly part: number; readonly parts: number }
  | { readonly kind: 'v2'; readonly version: number };

/** The folder of a table's log in its store. */
export function logFolder(tablePath: string): string {
  return tablePath === '' ? '_delta_log' : `${tablePath}/_delta_log`;
}

/** The path of a version's commit. */
export function commitPath(tablePath: string, version: number): string {
  return `${logFolder(tablePath)}/${padVersion(version)}.json`;
}

/** The path of a version's checkpoint in one file. */
export function checkpointPath(tablePath: string, version: number): string {
  return `${logFolder(tablePath)}/${padVersion(version)}.checkpoint.parquet`;
}

/** The path of a v2 checkpoint: several of one version may lie side by side. */
export function v2CheckpointPath(tablePath: string, version: number, uuid: string): string {
  return `${logFolder(tablePath)}/${padVersion(version)}.checkpoint.${uuid}.parquet`;
}

/** The path of the hint at the newest checkpoint. */
export function lastCheckpointPath(tablePath: string): string {
  return `${logFolder(tablePath)}/_last_checkpoint`;
}

function padVersion(version: number): string {
  return String(version).padStart(20, '0');
}

function parseLogName(name: string): LogFile | undefined {
  const [, digits, rest] = /^(\d{20})\.(.+)$/.exec(name) ?? [];
  if (digits === undefined || rest === undefined) return undefined;
  const version = Number(digits);
  if (rest === 'json') return { kind: 'commit', version };
  const [, to] = /^(\d{20})\.compacted\.json$/.exec(rest) ?? [];
  if (to !== undefined) return { kind: 'compacted', version, to: Number(to) };
  if (rest === 'checkpoint.parquet') return { kind: 'checkpoint', version };
  const [, part, parts] = /^checkpoint\.(\d{10})\.(\d{10})\.parquet$/.exec(rest) ?? [];
  if (part !== undefined && parts !== undefined) return { kind: 'part', version, part: Number(part), parts: Number(parts) };
  if (/^checkpoint\.[0-9a-f-]{36}\.(?:json|parquet)$/i.test(rest)) return { kind: 'v2', version };
  return undefined;
}

/**
 * Finds what to read for `version` (default: the newest). Lists the log from the newest checkpoint that
 * `_last_checkpoint` hints at, or the whole log where that hint is missing, damaged or wrong.
 *
 * @returns `undefined` when there is no log at all
 * @throws {LakesteadError} `DELTA_VERSION_NOT_FOUND` when that version is not in the log, `DELTA_CORRUPT` for gaps
 */
export async function findLogSegment(store: ObjectStore, tablePath: string, version?: number): Promise<LogSegment | undefined> {
  const hint = await readLastCheckpoint(store, tablePath);
  if (hint !== undefined && (version === undefined || hint <= version)) {
    const files = await listLog(store, tablePath, hint);
    // A hint at a checkpoint that is not there (or at none older than it) costs this one more listing.
    const segment = files.length > 0 ? tryMakeSegment(files, tablePath, version) : undefined;
    if (segment !== undefined) return segment;
  }
  const files = await listLog(store, tablePath, 0);
  if (files.length === 0) return undefined;
  return makeSegment(files, tablePath, version);
}

/** The versions that have a checkpoint of which no part is missing, from the paths of a log's files. */
export function checkpointVersions(paths: readonly string[]): readonly number[] {
  const parts = new Map<string, number>();
  return paths.flatMap((path) => {
    const file = parseLogName(nameOf(path));
    if (file?.kind === 'checkpoint' || file?.kind === 'v2') return [file.version];
    if (file?.kind !== 'part') return [];
    const key = `${file.version}/${file.parts}`;
    const found = (parts.get(key) ?? 0) + 1;
    parts.set(key, found);
    return found === file.parts ? [file.version] : [];
  });
}

/** Commits after `version`, ascending and without a gap: what brings a snapshot forward. */
export async function listNewCommits(store: ObjectStore, tablePath: string, version: number): Promise<readonly CommitFile[]> {
  const commits: CommitFile[] = [];
  for await (const info of store.list(logFolder(tablePath), { after: commitPath(tablePath, version) })) {
    const file = parseLogName(nameOf(info.path));
    if (file?.kind === 'commit') commits.push({ version: file.version, path: info.path, modifiedAt: info.modifiedAt });
  }
  checkContinuous(commits, tablePath, version + 1);
  return commits;
}

/** Every commit that is still there as JSON, ascending; gaps are left as they are. */
export async function listCommits(store: ObjectStore, tablePath: string): Promise<readonly CommitFile[]> {
  const files = await listLog(store, tablePath, 0);
  return files.flatMap(({ file, info }) =>
    file.kind === 'commit' ? [{ version: file.version, path: info.path, modifiedAt: info.modifiedAt }] : [],
  );
}

async function readLastCheckpoint(store: ObjectStore, tablePath: string): Promise<number | undefined> {
  try {
    const hint: unknown = JSON.parse(new TextDecoder().decode(await store.get(lastCheckpointPath(tablePath))));
    if (typeof hint === 'object' && hint !== null && 'version' in hint && Number.isSafeInteger(hint.version)) return Number(hint.version);
    return undefined;
  } catch (error) {
    // The hint only saves a listing: a missing or damaged one is no loss.
    if (error instanceof SyntaxError || (error instanceof LakesteadError && error.code === 'STORAGE_NOT_FOUND')) return undefined;
    throw error;
  }
}

type ListedFile = { readonly file: LogFile; readonly info: ObjectInfo };

async function listLog(store: ObjectStore, tablePath: string, fromVersion: number): Promise<ListedFile[]> {
  const folder = logFolder(tablePath);
  const files: ListedFile[] = [];
  // Everything of a version begins with its 20 digits and a dot, which is less than any character that follows them.
  const after = fromVersion === 0 ? undefined : `${folder}/${padVersion(fromVersion)}`;
  for await (const info of store.list(folder, after === undefined ? {} : { after })) {
    if (info.path.indexOf('/', folder.length + 1) !== -1) continue; // sidecars, staged commits
    const file = parseLogName(nameOf(info.path));
    if (file !== undefined) files.push({ file, info });
  }
  return files;
}

function tryMakeSegment(files: readonly ListedFile[], tablePath: string, version: number | undefined): LogSegment | undefined {
  try {
    return makeSegment(files, tablePath, version);
  } catch (error) {
    if (error instanceof LakesteadError) return undefined; // the whole log is listed next, and that one says what is wrong
    throw error;
  }
}

function makeSegment(files: readonly ListedFile[], tablePath: string, version: number | undefined): LogSegment {
  const upTo = version ?? Number.POSITIVE_INFINITY;
  const checkpoint = findCheckpoint(files, upTo);
  const from = checkpoint === undefined ? 0 : checkpoint.version + 1;
  const commits = chooseCommits(files, tablePath, from, upTo);
  const newest = commits.at(-1)?.version ?? checkpoint?.version;
  if (newest === undefined || (version !== undefined && newest !== version)) {
    const oldest = files[0]?.file.version;
    throw new LakesteadError(
      'DELTA_VERSION_NOT_FOUND',
      `version ${version ?? 0} of ${tablePath === '' ? 'the table' : tablePath} is not in its log, which goes from ${oldest ?? 0} to ${files.at(-1)?.file.version ?? 0}`,
      {
        hint: 'lakestead delta history lists the versions',
      },
    );
  }
  return { version: newest, checkpoint, commits };
}

/**
 * What to replay from a version on: the commits. Log compaction files only stand for those that are gone: what they add to the log is
 * speed, and not every writer of them holds to one action a file. Of the newest version the commit itself comes last in any case, since
 * only it says when that was.
 *
 * @throws {LakesteadError} `DELTA_CORRUPT` for a gap
 */
function chooseCommits(files: readonly ListedFile[], tablePath: string, from: number, upTo: number): readonly CommitFile[] {
  const commits = new Map<number, CommitFile>();
  const compacted: { readonly first: number; readonly file: CommitFile }[] = [];
  let newest = from - 1;
  for (const { file, info } of files) {
    const { path, modifiedAt } = info;
    const to = file.kind === 'compacted' ? file.to : file.version;
    if (file.version < from || to > upTo || !(file.kind === 'commit' || file.kind === 'compacted')) continue;
    newest = Math.max(newest, to);
    if (file.kind === 'commit') commits.set(to, { version: to, path, modifiedAt });
    else compacted.push({ first: file.version, file: { version: to, path, modifiedAt } });
  }
  const chosen: CommitFile[] = [];
  for (let next = from; next <= newest; next = (chosen.at(-1)?.version ?? next) + 1) {
    const commit = commits.get(next);
    if (commit !== undefined) {
      chosen.push(commit);
      continue;
    }
    const bridge = compacted.filter(({ first, file }) => first <= next && file.version >= next).toSorted((a, b) => b.file.version - a.file.version)[0]; // prettier-ignore
    if (bridge === undefined) {
      const later = [...commits.keys()].filter((version) => version > next);
      throw lacking(tablePath, next, later.reduce((a, b) => Math.min(a, b), newest)); // prettier-ignore
    }
    while ((chosen.at(-1)?.version ?? -1) >= bridge.first) chosen.pop();
    chosen.push(bridge.file);
  }
  const last = commits.get(newest);
  return last === undefined || chosen.at(-1) === last ? chosen : [...chosen, last];
}

function findCheckpoint(files: readonly ListedFile[], upTo: number): Checkpoint | undefined {
  const parts = new Map<string, string[]>();
  let best: Checkpoint | undefined;
  const offer = (candidate: Checkpoint) => {
    if (best === undefined || candidate.version >= best.version) best = candidate;
  };
  for (const { file, info } of files) {
    if (file.version > upTo) continue;
    if (file.kind === 'checkpoint' || file.kind === 'v2') offer({ version: file.version, paths: [info.path] });
    if (file.kind !== 'part') continue;
    // Checkpoints of one version in different numbers of parts may lie side by side, some of them incomplete.
    const key = `${file.version}/${file.parts}`;
    const found = [...(parts.get(key) ?? []), info.path];
    parts.set(key, found);
    if (found.length === file.parts) offer({ version: file.version, paths: found });
  }
  return best;
}

function checkContinuous(commits: readonly CommitFile[], tablePath: string, from: number): void {
  commits.forEach(({ version }, index) => {
    if (version !== from + index) throw lacking(tablePath, from + index, version);
  });
}

function lacking(tablePath: string, version: number, next: number): LakesteadError {
  return new LakesteadError('DELTA_CORRUPT', `the log of ${tablePath} lacks version ${version}: the next one is ${next}`, {
    hint: 'a log file was removed: restore it, or read an older version with --version',
    data: { missingVersion: version },
  });
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
