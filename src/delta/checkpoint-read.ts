import type { Lease, StatementOptions } from '#engine';
import { ident, join, literal, type Sql, sql } from '#sql';
import type { ObjectStore } from '#storage';

import { type Action, type DeletionVectorDescriptor, parseAction, parseCommit, type RemoveFile } from './actions.ts';
import { partitionKeys } from './column-mapping.ts';
import { duckdbFieldNames } from './duckdb-struct.ts';
import { decodeFilePath, escapeGlob } from './file-path.ts';
import type { Checkpoint } from './log-segment.ts';
import { emptyState, LiveFilesBuilder, type LogState, replayCommits } from './replay.ts';

/**
 * The state that a checkpoint holds, without its tombstones. The list of files goes from Parquet through DuckDB to
 * columns, never to an object a file; only a JSON checkpoint without sidecars is read line by line.
 *
 * @throws {LakesteadError} `STORAGE_NOT_FOUND` or `STORAGE_FAILED` when a sidecar is missing
 */
export async function readCheckpoint(
  store: ObjectStore,
  checkpoint: Checkpoint,
  lease: Lease,
  options: StatementOptions,
): Promise<LogState> {
  const { small, sources, where } = await readTop(store, checkpoint, lease, options);
  const state = replayCommits(emptyState, [{ actions: small, path: where }]);
  const files = new LiveFilesBuilder(partitionKeys(state.metadata));
  for (let index = 0; index < state.files.count; index += 1)
    files.copy(
      state.files,
      index,
      partitionKeys(state.metadata).map((_, key) => key),
    );
  for (const { relation, columns } of sources) {
    const fields = columns.get('add');
    if (fields !== undefined) await readFiles(relation, fields, files, lease, where, options);
  }
  return { ...state, files: files.finish() };
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
  const actions: Action[] = [];
  for (const [kind, field] of present) {
    const rows = await lease.rows(
      sql`SELECT to_json(${ident(kind)})::VARCHAR AS json FROM ${relation} WHERE ${ident(kind)}.${ident(field)} IS NOT NULL`,
      options,
    );
    for (const row of rows) actions.push(parseAction(`{"${kind}":${String(row['json'])}}`, where));
  }
  return actions;
}

const maxParsed = 10_000;
/** Neither in a path, which is percent-encoded, nor in JSON. */
const separator = '\u001E';

async function readFiles(
  relation: Sql,
  fields: readonly string[],
  files: LiveFilesBuilder,
  lease: Lease,
  where: string,
  options: StatementOptions,
): Promise<void> {
  const field = (name: string, otherwise: Sql = sql`NULL`) => (fields.includes(name) ? sql`"add".${ident(name)}` : otherwise);
  const json = (name: string) => (fields.includes(name) ? sql`to_json("add".${ident(name)})::VARCHAR` : sql`NULL`);
  const stats = fields.includes('stats_parsed') ? sql`coalesce(${field('stats')}, ${json('stats_parsed')})` : field('stats');
  const rest = ['tags', 'baseRowId', 'defaultRowCommitVersion', 'clusteringProvider'].filter((name) => fields.includes(name));
  const extras = rest.length === 0 ? sql`NULL` : sql`CASE WHEN ${join(rest.map((name) => sql`${field(name)} IS NOT NULL`), ' OR ')} THEN to_json(struct_pack(${join(rest.map((name) => sql`${ident(name)} := ${field(name)}`))}))::VARCHAR END`; // prettier-ignore
  // A text costs more to get than to cut: two of a file come as one.
  const both = sql`"add".path || ${literal(separator)} || coalesce(${stats}::VARCHAR, '')`;
  const { batches } = await lease.stream(
    sql`SELECT ${both}, "add".size::DOUBLE, "add".modificationTime::DOUBLE, ${files.isPartitioned ? json('partitionValues') : sql`NULL`}, NULL,
      CASE WHEN ${field('deletionVector')} IS NOT NULL THEN ${json('deletionVector')} END, ${extras}
      FROM ${relation} WHERE "add".path IS NOT NULL`,
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
