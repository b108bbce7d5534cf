import type { Lease, StatementOptions } from '#engine';
import { ident, join, literal, type Sql, sql } from '#sql';
import type { ObjectStore } from '#storage';

import { type Action, type DeletionVectorDescriptor, parseAction, parseCommit, type RemoveFile } from './actions.ts';
import { partitionKeys } from './column-mapping.ts';
import { duckdbFieldNames } from './duckdb-struct.ts';
import { type FileColumns, statisticsIn } from './file-filter.ts';
import { decodeFilePath, escapeGlob } from './file-path.ts';
import type { Checkpoint } from './log-segment.ts';
import { emptyState, LiveFilesBuilder, type LogState, replayCommits } from './replay.ts';

/** Which files of a long list are wanted. */
type FileChoice = {
  /** False for files that are not wanted, and for those whose partition alone says so. */
  readonly fits: (files: FileColumns) => Sql;
  readonly fitsPartition: (files: FileColumns) => Sql;
  /** Paths as the log spells them: these files stay, whatever is known of them. */
  readonly always: readonly string[];
};

/** Says which files are wanted, from what the checkpoint says of the table; `undefined` for all. */
export type ChooseFiles = (state: LogState, lease: Lease) => Promise<FileChoice | undefined>;

/** Of shorter lists all files are read: then they are known to whoever comes next. */
const minFilesToChooseFrom = 10_000;

/**
 * The state that a checkpoint holds, without its tombstones. The list of files goes from Parquet through DuckDB to
 * columns, never to an object a file; only a JSON checkpoint without sidecars is read line by line.
 *
 * @param choose of a long list only the wanted files are read; the state then says how many others there are
 * @throws {LakesteadError} `STORAGE_NOT_FOUND` or `STORAGE_FAILED` when a sidecar is missing
 */
export async function readCheckpoint(
  store: ObjectStore,
  checkpoint: Checkpoint,
  lease: Lease,
  options: StatementOptions,
  choose?: ChooseFiles,
): Promise<LogState> {
  const { small, sources, where } = await readTop(store, checkpoint, lease, options);
  const state = replayCommits(emptyState, [{ actions: small, path: where }]);
  const keys = partitionKeys(state.metadata);
  const files = new LiveFilesBuilder(keys);
  for (let index = 0; index < state.files.count; index += 1)
    files.copy(
      state.files,
      index,
      partitionKeys(state.metadata).map((_, key) => key),
    );
  const lists = sources.flatMap(({ relation, columns }) => {
    const fields = columns.get('add');
    return fields === undefined ? [] : [{ relation, fields }];
  });
  const total = choose === undefined ? undefined : await countFiles(lists, lease, options);
  const choice = total === undefined || total.files < minFilesToChooseFrom ? undefined : await choose?.(state, lease);
  let otherPartitions = 0;
  for (const list of lists) {
    const wanted = choice === undefined ? undefined : chosenOf(choice, list, keys);
    if (wanted !== undefined) otherPartitions += await countOthers(wanted.relation, wanted.fitsPartition, lease, options);
    await readFiles(wanted?.relation ?? list.relation, list.fields, files, { lease, where, wanted: wanted?.fits }, options);
  }
  const found = files.finish();
  if (choice === undefined || total === undefined) return { ...state, files: found };
  const leftOut = { files: total.files - (found.count - state.files.count), bytes: total.bytes - (found.totalBytes - state.files.totalBytes) }; // prettier-ignore
  return { ...state, files: { ...found, leftOut: { ...leftOut, byPartition: otherPartitions, byStatistics: leftOut.files - otherPartitions } } }; // prettier-ignore
}

type FileList = { readonly relation: Sql; readonly fields: readonly string[] };

async function countFiles(lists: readonly FileList[], lease: Lease, options: StatementOptions) {
  const total = { files: 0, bytes: 0 };
  for (const { relation } of lists) {
    const [row] = await lease.rows(
      sql`SELECT count(*)::DOUBLE AS files, coalesce(sum("add".size), 0)::DOUBLE AS bytes FROM ${relation} WHERE "add".path IS NOT NULL`,
      options,
    );
    total.files += Number(row?.['files']);
    total.bytes += Number(row?.['bytes']);
  }
  return total;
}

async function countOthers(relation: Sql, fits: Sql, lease: Lease, options: StatementOptions): Promise<number> {
  const [row] = await lease.rows(sql`SELECT count(*)::DOUBLE AS n FROM ${relation} WHERE "add".path IS NOT NULL AND NOT ${fits}`, options);
  return Number(row?.['n']);
}

/** One list of files with their facts, a choice as SQL over it, and the part of that which goes by partitions. */
function chosenOf({ fits, fitsPartition, always }: FileChoice, list: FileList, keys: readonly string[]) {
  const { statistic, facts } = statisticsIn(statsOf(list.fields));
  const columns: FileColumns = { partitionValue: (index) => sql`"add"."partitionValues"[${literal(keys[index] ?? '')}]`, statistic };
  const named = always.length === 0 ? sql`false` : sql`"add".path IN (SELECT unnest(${literal(always)}))`;
  const fitting = sql`(${fits(columns)} OR ${named})`;
  return {
    relation: sql`(SELECT "add", ${facts()} AS facts FROM ${list.relation}) AS listed`,
    fits: fitting,
    fitsPartition: sql`(${fitsPartition(columns)} OR ${named})`,
  };
}

/** The statistics as JSON text: some writers keep them as columns alone. */
function statsOf(fields: readonly string[]): Sql {
  const text = fields.includes('stats') ? sql`"add".stats` : sql`NULL`;
  return fields.includes('stats_parsed') ? sql`coalesce(${text}, to_json("add".stats_parsed)::VARCHAR)` : text;
}

/** The removed files that a checkpoint lists: only a writer of the next checkpoint wants them. */
export async function readTombstones(
  store: ObjectStore,
  checkpoint: Checkpoint,
  lease: Lease,
  options: StatementOptions,
): Promise<readonly RemoveFile[]> {
  const { small, sources, where } = await readTop(store, checkpoint, lease, options);
  const tombstones = small.flatMap(({ remove }) => (remove ? [remove] : []));
  for (const { relation, columns: found } of sources) {
    if (!found.has('remove')) continue;
    const { batches } = await lease.stream(
      sql`SELECT to_json("remove")::VARCHAR FROM ${relation} WHERE "remove".path IS NOT NULL`,
      options,
    );
    for await (const { columns } of batches) {
      for (const json of columns[0] ?? []) {
        const { remove } = parseAction(`{"remove":${String(json)}}`, where);
        if (remove) tombstones.push(remove);
      }
    }
  }
  return tombstones;
}

/** Parquet files of actions, with their columns and the fields of each. */
type Source = { readonly relation: Sql; readonly columns: ReadonlyMap<string, readonly string[]> };

/** What stands in the checkpoint itself, and where its lists of files are. */
async function readTop(store: ObjectStore, checkpoint: Checkpoint, lease: Lease, options: StatementOptions) {
  const where = checkpoint.paths[0] ?? '';
  const sources: Source[] = [];
  let small: readonly Action[];
  if (where.endsWith('.json')) {
    small = parseCommit(new TextDecoder().decode(await store.get(where)), where);
  } else {
    const source = await openSource(store, checkpoint.paths, lease, options);
    sources.push(source);
    small = await readSmallActions(source.relation, source.columns, lease, where, options);
  }
  const sidecars = small.flatMap(({ sidecar }) => (sidecar ? [sidecarPath(where, sidecar.path)] : []));
  if (sidecars.length > 0) sources.push(await openSource(store, sidecars, lease, options));
  return { small, sources, where };
}

function sidecarPath(checkpointFile: string, path: string): string {
  const folder = `${checkpointFile.slice(0, checkpointFile.lastIndexOf('/'))}/_sidecars`;
  return `${folder}/${decodeFilePath(path, checkpointFile)}`;
}

async function openSource(store: ObjectStore, paths: readonly string[], lease: Lease, options: StatementOptions): Promise<Source> {
  const files = await Promise.all(
    paths.map(async (path) => escapeGlob(await store.readable(path, { scope: lease, signal: options.signal }))),
  );
  const relation = sql`read_parquet(${literal(files)}, union_by_name = true, hive_partitioning = false)`;
  const described = await lease.rows(sql`DESCRIBE SELECT * FROM ${relation}`, options);
  return { relation, columns: new Map(described.map((row) => [String(row['column_name']), duckdbFieldNames(String(row['column_type']))])) };
}

async function readSmallActions(
  relation: Sql,
  columns: ReadonlyMap<string, readonly string[]>,
  lease: Lease,
  where: string,
  options: StatementOptions,
): Promise<Action[]> {
  // One field of each that is never null: DuckDB gives a struct of nulls for a missing group of some writers.
  const kinds = { protocol: 'minReaderVersion', metaData: 'id', txn: 'appId', domainMetadata: 'domain', sidecar: 'path' };
  const present = Object.entries(kinds).filter(([kind]) => columns.has(kind));
  if (present.length === 0) return [];
  const isThere = present.map(([kind, field]) => sql`${ident(kind)}.${ident(field)} IS NOT NULL`);
  const texts = present.map(([kind], index) => sql`CASE WHEN ${isThere[index] ?? sql`false`} THEN to_json(${ident(kind)})::VARCHAR END AS ${ident(kind)}`); // prettier-ignore
  const rows = await lease.rows(sql`SELECT ${join(texts)} FROM ${relation} WHERE ${join(isThere, ' OR ')}`, options);
  return present.flatMap(([kind]) =>
    rows.flatMap((row) => (typeof row[kind] === 'string' ? [parseAction(`{"${kind}":${row[kind]}}`, where)] : [])),
  );
}

const maxParsed = 10_000;
/** Neither in a path, which is percent-encoded, nor in JSON. */
const separator = '\u001E';

async function readFiles(
  relation: Sql,
  fields: readonly string[],
  files: LiveFilesBuilder,
  { lease, where, wanted = sql`true` }: { readonly lease: Lease; readonly where: string; readonly wanted?: Sql | undefined },
  options: StatementOptions,
): Promise<void> {
  const field = (name: string, otherwise: Sql = sql`NULL`) => (fields.includes(name) ? sql`"add".${ident(name)}` : otherwise);
  const json = (name: string) => (fields.includes(name) ? sql`to_json("add".${ident(name)})::VARCHAR` : sql`NULL`);
  const stats = statsOf(fields);
  const rest = ['tags', 'baseRowId', 'defaultRowCommitVersion', 'clusteringProvider'].filter((name) => fields.includes(name));
  const extras = rest.length === 0 ? sql`NULL` : sql`CASE WHEN ${join(rest.map((name) => sql`${field(name)} IS NOT NULL`), ' OR ')} THEN to_json(struct_pack(${join(rest.map((name) => sql`${ident(name)} := ${field(name)}`))}))::VARCHAR END`; // prettier-ignore
  // A text costs more to get than to cut: two of a file come as one.
  const both = sql`"add".path || ${literal(separator)} || coalesce(${stats}::VARCHAR, '')`;
  const { batches } = await lease.stream(
    sql`SELECT ${both}, "add".size::DOUBLE, "add".modificationTime::DOUBLE, ${files.isPartitioned ? json('partitionValues') : sql`NULL`}, NULL,
      CASE WHEN ${field('deletionVector')} IS NOT NULL THEN ${json('deletionVector')} END, ${extras}
      FROM ${relation} WHERE "add".path IS NOT NULL AND ${wanted}`,
    options,
  );
  // Many files share a partition: their values are parsed once.
  const parsed = new Map<string, Record<string, string | null>>();
  for await (const { rowCount, columns } of batches) {
    if (parsed.size > maxParsed) parsed.clear();
    for (let row = 0; row < rowCount; row += 1) {
      const text = (column: number) => {
        const value = columns[column]?.[row];
        return typeof value === 'string' ? value : undefined;
      };
      const packed = text(0) ?? '';
      const cut = packed.indexOf(separator);
      const path = packed.slice(0, cut);
      const values = text(3) ?? '{}';
      // The text is DuckDB's of a map of strings, or of the structs below: its shape is the column's type.
      const partitionValues = parsed.get(values) ?? (JSON.parse(values) as Record<string, string | null>);
      parsed.set(values, partitionValues);
      const vector = text(5);
      const extra = text(6);
      files.add(decodeFilePath(path, where), {
        path,
        size: Number(columns[1]?.[row]),
        modificationTime: Number(columns[2]?.[row]),
        partitionValues,
        stats: packed.slice(cut + 1) || undefined,
        tags: undefined,
        baseRowId: undefined,
        defaultRowCommitVersion: undefined,
        clusteringProvider: undefined,
        deletionVector: parseVector(vector),
        ...(extra === undefined ? {} : (JSON.parse(extra) as object)),
      });
    }
  }
}

function parseVector(json: string | undefined): DeletionVectorDescriptor | undefined {
  if (json === undefined) return undefined;
  const vector = JSON.parse(json) as Record<string, unknown>; // as above
  if (typeof vector['storageType'] !== 'string') return undefined; // a struct of nulls
  return {
    storageType: vector['storageType'],
    pathOrInlineDv: String(vector['pathOrInlineDv']),
    offset: typeof vector['offset'] === 'number' ? vector['offset'] : undefined,
    sizeInBytes: Number(vector['sizeInBytes']),
    cardinality: Number(vector['cardinality']),
  };
}
