import { LakesteadError } from '#core';
import { join, literal, type Sql, sql } from '#sql';

import type { Action, AddFile, Metadata, RemoveFile } from './actions.ts';
import { columnMappingOf, partitionKeys, physicalName } from './column-mapping.ts';
import { loadDeletionVector } from './deletion-vector.ts';
import { canWiden } from './duckdb-types.ts';
import { decodeFilePath } from './file-path.ts';
import { listCommits } from './log-segment.ts';
import { readCommits } from './read-commits.ts';
import { planToSql } from './relation.ts';
import { deletionVectorId } from './replay.ts';
import type { ScanFile, ScanPlan } from './scan-plan.ts';
import { findField, parseSchema, type StructField } from './schema.ts';
import { loadSnapshot, type Snapshot, type SnapshotOptions, type TableLocation } from './snapshot.ts';
import { commitTimes, findVersionAt } from './time-travel.ts';

/** Which changes: both ends are included. Without `to` (or `toTimestamp`) up to the newest version. */
export type ChangesOptions = Omit<SnapshotOptions, 'version' | 'timestamp'> & {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly fromTimestamp?: Date | undefined;
  readonly toTimestamp?: Date | undefined;
};

/** The changes of a range of versions as a SELECT of DuckDB: the columns of the last version and `_change_type`, `_commit_version`, `_commit_timestamp`. */
export type Changes = { readonly from: number; readonly to: number; readonly sql: Sql };

const changeType: StructField = { name: '_change_type', type: 'string', nullable: false, metadata: {} };

/**
 * The change feed of a table: from its change files where a commit has some, else from the files that it added and
 * removed and their deletion vectors.
 *
 * @throws {LakesteadError} `DELTA_UNSUPPORTED` when the feed was not on in the whole range, or the schema changed in a way
 *   that the protocol does not bridge; `DELTA_VERSION_NOT_FOUND`
 */
export async function readChanges(location: TableLocation, options: ChangesOptions): Promise<Changes> {
  const read = { lease: options.lease, signal: options.signal };
  const newest = await loadSnapshot(location, read);
  const { from, to } = await findRange(location, newest, options);
  const last = to === newest.version ? newest : await loadSnapshot(location, { ...read, version: to });
  const first = from === to ? last : await loadSnapshot(location, { ...read, version: from });
  const files = (await listCommits(location.store, location.path)).filter(({ version }) => version >= from && version <= to);
  const commits = await readCommits(location.store, files);
  if (commits.length !== to - from + 1) {
    throw new LakesteadError('DELTA_VERSION_NOT_FOUND', `the log of ${last.table} no longer has all commits from ${from} to ${to}`, {
      hint: 'lakestead delta history lists the versions that are still there',
    });
  }
  const times = new Map((await commitTimes(location, isTimed(newest.metadata))).map(({ version, time }) => [version, time]));
  let { metadata } = first;
  const branches: Sql[] = [];
  for (const { actions, commit } of commits) {
    metadata = actions.find(({ metaData }) => metaData)?.metaData ?? metadata;
    checkMetadata(metadata, last, commit.version);
    const time = new Date(times.get(commit.version) ?? commit.modifiedAt.getTime()).toISOString();
    for (const { plan, type } of await planCommit(location, last, actions, commit.path)) {
      const rows = await planToSql(plan, location.store, { scope: options.lease, signal: options.signal });
      const kind = type === undefined ? sql`` : sql`${literal(type)} AS _change_type, `;
      branches.push(
        sql`SELECT *, ${kind}${literal(commit.version)}::BIGINT AS _commit_version, CAST(${literal(time)} AS TIMESTAMPTZ) AS _commit_timestamp FROM (${rows}) AS changed`,
      );
    }
  }
  if (branches.length > 0) return { from, to, sql: join(branches, ' UNION ALL ') };
  const none = await planToSql(makePlan(last, []), location.store);
  const facts = sql`CAST(NULL AS VARCHAR) AS _change_type, CAST(NULL AS BIGINT) AS _commit_version, CAST(NULL AS TIMESTAMPTZ) AS _commit_timestamp`;
  return { from, to, sql: sql`SELECT *, ${facts} FROM (${none}) AS changed` };
}

async function findRange(location: TableLocation, newest: Snapshot, options: ChangesOptions): Promise<{ from: number; to: number }> {
  const facts = { table: newest.table, hasInCommitTimestamps: isTimed(newest.metadata) };
  const since = options.fromTimestamp?.getTime();
  const from =
    since === undefined
      ? options.from
      : (await commitTimes(location, facts.hasInCommitTimestamps)).find(({ time }) => time >= since)?.version;
  if (from === undefined || from > newest.version) {
    throw since === undefined && from === undefined
      ? new LakesteadError('USAGE', `the changes of ${newest.table} need a first version or timestamp`, { hint: 'give --from' })
      : new LakesteadError(
          'DELTA_VERSION_NOT_FOUND',
          `the changes of ${newest.table} were to start after its newest version, ${newest.version}`,
        );
  }
  const until = options.toTimestamp;
  const to = until === undefined ? (options.to ?? newest.version) : await findVersionAt(location, until, facts);
  if (to >= from) return { from, to };
  throw new LakesteadError('USAGE', `the changes of ${newest.table} cannot go from version ${from} to ${to}`, {
    hint: 'the first version comes before the last',
  });
}

function isTimed(metadata: Metadata): boolean {
  return metadata.configuration['delta.enableInCommitTimestamps'] === 'true';
}

/** What was written under `metadata` must be readable as the last version has it. */
function checkMetadata(metadata: Metadata, last: Snapshot, version: number): void {
  const refuse = (what: string, hint: string) =>
    new LakesteadError('DELTA_UNSUPPORTED', `the change feed of ${last.table} cannot be read at version ${version}: ${what}`, {
      hint,
      data: { features: ['changeDataFeed'], version },
    });
  if (metadata.configuration['delta.enableChangeDataFeed']?.toLowerCase() !== 'true')
    throw refuse('delta.enableChangeDataFeed is not on there', 'read versions in which the property is on');
  if (metadata === last.metadata) return;
  if (String(metadata.partitionColumns) !== String(last.metadata.partitionColumns))
    throw refuse(`its partitioning is another one in version ${last.version}`, 'end the range before that change');
  const mapping = columnMappingOf(last.metadata);
  const old = parseSchema(metadata.schemaString, `the metadata of version ${version}`);
  for (const field of old.fields) {
    const now = findField(last.schema, field.name);
    const isSame =
      now !== undefined && canWiden(field.type, now.type) && physicalName(field, columnMappingOf(metadata)) === physicalName(now, mapping);
    if (!isSame) throw refuse(`its column ${field.name} is another one in version ${last.version}`, 'end the range before that change');
  }
}

type Part = { readonly plan: ScanPlan; readonly type: 'insert' | 'delete' | undefined };

async function planCommit(location: TableLocation, last: Snapshot, actions: readonly Action[], where: string): Promise<readonly Part[]> {
  const changes = actions.flatMap(({ cdc }) => (cdc ? [toFile(last, cdc, where)] : []));
  if (changes.length > 0) {
    const plan = makePlan(last, changes);
    // Change files have no field id for what is no column of the table, so they are read by names.
    const columnMapping = plan.columnMapping === 'id' ? 'name' : plan.columnMapping;
    return [{ plan: { ...plan, columnMapping, columns: [...plan.columns, changeType] }, type: undefined }];
  }
  const adds = new Map<string, AddFile>();
  const removes = new Map<string, RemoveFile>();
  for (const { add, remove } of actions) {
    if (add?.dataChange === true) adds.set(decodeFilePath(add.path, where), add);
    if (remove?.dataChange === true) removes.set(decodeFilePath(remove.path, where), remove);
  }
  const inserted: ScanFile[] = [];
  const deleted: ScanFile[] = [];
  for (const [path, add] of adds) {
    const remove = removes.get(path);
    if (remove === undefined) {
      inserted.push(toFile(last, add, where));
      continue;
    }
    // The same file with other deletion vectors: what one has and the other has not.
    removes.delete(path);
    if (deletionVectorId(add.deletionVector) === deletionVectorId(remove.deletionVector)) continue;
    const [before, after] = await Promise.all([remove, add].map(async (file) => await loadRows(location, file)));
    const { deletionVector: _, ...whole } = toFile(last, add, where);
    const gone = minus(after, before);
    const back = minus(before, after);
    if (gone.length > 0) deleted.push({ ...whole, onlyRows: gone });
    if (back.length > 0) inserted.push({ ...whole, onlyRows: back });
  }
  for (const remove of removes.values()) deleted.push(toFile(last, remove, where));
  const parts: Part[] = [];
  if (deleted.length > 0) parts.push({ plan: makePlan(last, deleted), type: 'delete' });
  if (inserted.length > 0) parts.push({ plan: makePlan(last, inserted), type: 'insert' });
  return parts;
}

async function loadRows(location: TableLocation, { deletionVector }: AddFile | RemoveFile): Promise<readonly number[]> {
  return deletionVector === undefined ? [] : await loadDeletionVector(location.store, location.path, deletionVector);
}

function minus(rows: readonly number[] = [], others: readonly number[] = []): readonly number[] {
  const known = new Set(others);
  return rows.filter((row) => !known.has(row));
}

type LoggedFile = Pick<RemoveFile, 'path' | 'partitionValues' | 'size'> & Partial<Pick<RemoveFile, 'deletionVector'>>;

function toFile(last: Snapshot, file: LoggedFile, where: string): ScanFile {
  const keys = partitionKeys(last.metadata);
  if (file.partitionValues === undefined && keys.length > 0) {
    throw new LakesteadError('DELTA_UNSUPPORTED', `${where} does not say which partition the removed file ${file.path} was in`, {
      hint: 'the engine that wrote it left it out, so what was deleted cannot be told: read other versions',
    });
  }
  return {
    path: decodeFilePath(file.path, where),
    sizeBytes: file.size ?? 0,
    partitionValues: keys.map((key) => file.partitionValues?.[key] || null),
    ...(file.deletionVector === undefined ? {} : { deletionVector: file.deletionVector }),
  };
}

function makePlan(last: Snapshot, files: readonly ScanFile[]): ScanPlan {
  return { ...last.scan({ filter: [] }), files, bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}
