import { LakesteadError } from '#core';
import type { Lease, StatementOptions } from '#engine';
import { ident, join, literal, type Sql, sql } from '#sql';
import type { ObjectStore } from '#storage';

import { type Action, type DeletionVectorDescriptor, parseAction, type RemoveFile } from './actions.ts';
import { partitionKeys } from './column-mapping.ts';
import { duckdbFieldNames } from './duckdb-struct.ts';
import { decodeFilePath } from './file-path.ts';
import type { Checkpoint } from './log-segment.ts';
import { emptyState, LiveFilesBuilder, type LogState, replayCommits } from './replay.ts';

/**
 * The state that a checkpoint holds, without its tombstones. The list of files goes from Parquet through DuckDB to
 * columns, never to an object a file.
 *
 * @throws {LakesteadError} `DELTA_UNSUPPORTED` for a v2 checkpoint under a classic name
 */
export async function readCheckpoint(
  store: ObjectStore,
  checkpoint: Checkpoint,
  lease: Lease,
  options: StatementOptions,
): Promise<LogState> {
  const paths = await Promise.all(checkpoint.paths.map(async (path) => await store.readable(path)));
  const relation = sql`read_parquet(${literal(paths)}, union_by_name = true)`;
  const columns = new Map<string, readonly string[]>();
  for (const row of await lease.rows(sql`DESCRIBE SELECT * FROM ${relation}`, options)) {
    columns.set(String(row['column_name']), duckdbFieldNames(String(row['column_type'])));
  }
  const where = checkpoint.paths[0] ?? '';
  if (columns.has('sidecar') && (await lease.rows(sql`SELECT 1 FROM ${relation} WHERE sidecar IS NOT NULL LIMIT 1`, options)).length > 0) {
    throw new LakesteadError('DELTA_UNSUPPORTED', `${where} keeps its files in sidecars (v2Checkpoint), which is not supported yet`, {
      data: { features: ['v2Checkpoint'] },
    });
  }
  const small = await readSmallActions(relation, columns, lease, where, options);
  const state = replayCommits(emptyState, [{ actions: small, path: where }]);
  const files = new LiveFilesBuilder(partitionKeys(state.metadata));
  if (columns.has('add')) await readFiles(relation, columns.get('add') ?? [], files, lease, where, options);
  return { ...state, files: files.finish() };
}

/** The removed files that a checkpoint lists: only a writer of the next checkpoint wants them. */
export async function readTombstones(
  store: ObjectStore,
  checkpoint: Checkpoint,
  lease: Lease,
  options: StatementOptions,
): Promise<readonly RemoveFile[]> {
  const paths = await Promise.all(checkpoint.paths.map(async (path) => await store.readable(path)));
  const relation = sql`read_parquet(${literal(paths)}, union_by_name = true)`;
  const described = await lease.rows(sql`DESCRIBE SELECT * FROM ${relation}`, options);
  if (!described.some((row) => row['column_name'] === 'remove')) return [];
  const tombstones: RemoveFile[] = [];
  const { batches } = await lease.stream(sql`SELECT to_json("remove")::VARCHAR FROM ${relation} WHERE "remove".path IS NOT NULL`, options);
  for await (const { columns } of batches) {
    for (const json of columns[0] ?? []) {
      const { remove } = parseAction(`{"remove":${String(json)}}`, checkpoint.paths[0] ?? '');
      if (remove) tombstones.push(remove);
    }
  }
  return tombstones;
}

async function readSmallActions(
  relation: Sql,
  columns: ReadonlyMap<string, readonly string[]>,
  lease: Lease,
  where: string,
  options: StatementOptions,
): Promise<Action[]> {
  // One field of each that is never null: DuckDB gives a struct of nulls for a missing group of some writers.
  const kinds = { protocol: 'minReaderVersion', metaData: 'id', txn: 'appId', domainMetadata: 'domain' };
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
  const { batches } = await lease.stream(
    sql`SELECT "add".path, "add".size::DOUBLE, "add".modificationTime::DOUBLE, ${json('partitionValues')}, ${stats}::VARCHAR,
      CASE WHEN ${field('deletionVector')} IS NOT NULL THEN ${json('deletionVector')} END, ${extras}
      FROM ${relation} WHERE "add".path IS NOT NULL`,
    options,
  );
  for await (const { rowCount, columns } of batches) {
    for (let row = 0; row < rowCount; row += 1) {
      const text = (column: number) => {
        const value = columns[column]?.[row];
        return typeof value === 'string' ? value : undefined;
      };
      const path = text(0) ?? '';
      const values = text(3);
      const vector = text(5);
      const extra = text(6);
      files.add(decodeFilePath(path, where), {
        path,
        size: Number(columns[1]?.[row]),
        modificationTime: Number(columns[2]?.[row]),
        // The text is DuckDB's of a map of strings, or of the struct below: its shape is the column's type.
        partitionValues: values === undefined || values === '{}' ? {} : (JSON.parse(values) as Record<string, string | null>),
        stats: text(4),
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
