import { ownerPrincipal } from '#access';
import { LakesteadError } from '#core';
import type { SourceColumn, SourceQuery } from '#connectors';
import type { Lease, StatementOptions } from '#engine';
import { ident, join, sql, type Sql, unsafeSql } from '#sql';

import { isObject, type Value, type ValueObject } from '../expression/index.ts';
import { supportedTypes } from '../properties.ts';
import { parseTimeSpan } from '../load/parse-activity.ts';
import { addColumns, needsFilePath } from './additional-columns.ts';
import { readDelta } from './delta-source.ts';
import { fileReader } from './file-format.ts';
import { findFiles } from './find-files.ts';
import { procedureCall } from './procedure-call.ts';
import { isOn } from './is-on.ts';
import { refuseOthers } from './refuse-options.ts';
import { type BoundDataset, tableOf } from './resolve-dataset.ts';
import type { ActivityScope } from './activity-scope.ts';

/** Rows of a source as a SELECT for the lease that was given, in the lake's types. */
export type SourceRelation = AsyncDisposable & {
  readonly columns: readonly SourceColumn[];
  readonly sql: Sql;
  /** Bytes that came over the wire or from files; undefined for a database in the engine itself. */
  readonly bytesRead: () => number | undefined;
  /** Of a source of files. */
  readonly filesRead?: number;
  /** The rows of each file alone, with its path below the source's folder. */
  readonly parts?: readonly { readonly relativePath: string; open(): Promise<Rows> }[];
};

type Rows = { readonly columns: readonly SourceColumn[]; readonly sql: Sql };

const fileFormats: Readonly<Record<string, 'parquet' | 'csv' | 'json'>> = {
  ParquetSource: 'parquet',
  DelimitedTextSource: 'csv',
  JsonSource: 'json',
};

const deltaSources = ['AzureDatabricksDeltaLakeSource', 'LakehouseTableSource'];
const sqlSources = supportedTypes('Source').filter(
  (type) => !(type in fileFormats) && !deltaSources.includes(type) && type !== 'BinarySource',
);

/** Opens what a Copy or Lookup reads. Rows over the wire go into a temporary table of the lease, batch by batch. */
export async function readSource(
  source: ValueObject,
  dataset: BoundDataset,
  lease: Lease,
  scope: ActivityScope,
  onProgress?: StatementOptions['onProgress'],
): Promise<SourceRelation> {
  const type = String(source['type']);
  const additional = source['additionalColumns'];
  if (sqlSources.includes(type)) {
    const relation = await readDatabase(source, dataset, lease, scope, onProgress);
    return { ...relation, ...addColumns(relation, additional) };
  }
  if (deltaSources.includes(type)) {
    const relation = await readDelta(source, dataset, lease, scope);
    return { ...relation, ...addColumns(relation, additional) };
  }
  if (type in fileFormats) return await readFiles(source, dataset, lease, scope);
  throw new LakesteadError('FACTORY_UNSUPPORTED', `a source of type ${type} is not supported`, {
    hint: `supported: ${[...sqlSources, ...Object.keys(fileFormats), ...deltaSources].join(', ')}`,
  });
}

function queryOf(source: ValueObject, dataset: BoundDataset): SourceQuery {
  const query = source['sqlReaderQuery'] ?? source['query'];
  if (typeof query === 'string' && query.trim() !== '') return { kind: 'query', text: query };
  const procedure = source['sqlReaderStoredProcedureName'];
  if (typeof procedure === 'string' && procedure !== '')
    return { kind: 'query', text: procedureCall(procedure, source['storedProcedureParameters']) };
  if (source['partitionQuery'] !== undefined && source['partitionQuery'] !== null)
    throw new LakesteadError('FACTORY_UNSUPPORTED', 'the property partitionQuery of a source is not supported');
  const table = tableOf(dataset);
  if (table !== undefined) return { kind: 'table', ...table };
  throw new LakesteadError('FACTORY_INVALID', `the source has neither a query nor a table: the dataset '${dataset.name}' names none`);
}

async function readDatabase(
  source: ValueObject,
  dataset: BoundDataset,
  lease: Lease,
  scope: ActivityScope,
  onProgress: StatementOptions['onProgress'],
): Promise<SourceRelation> {
  const { signal, state } = scope;
  refuseOthers(source, String(source['type']), 'a source');
  const connector = await state.ports.openConnector(dataset.service, signal);
  try {
    const timeout = source['queryTimeout'];
    const timeoutMs =
      typeof timeout === 'string' ? parseTimeSpan(timeout, (problem) => new LakesteadError('FACTORY_INVALID', problem)) : undefined;
    const { columns, rows } = await connector.read(queryOf(source, dataset), { lease, signal, timeoutMs });
    if (rows.kind === 'relation')
      return {
        columns,
        sql: rows.sql,
        bytesRead: () => undefined,
        [Symbol.asyncDispose]: async () => {
          await connector[Symbol.asyncDispose]();
          if (rows.release !== undefined) await lease.run(rows.release);
        },
      };
    const definitions = columns.map(({ name, lakeType }) => sql`${ident(name)} ${unsafeSql(lakeType)}`);
    await lease.run(sql`CREATE OR REPLACE TEMP TABLE incoming (${join(definitions)})`, { signal });
    await lease.append({ table: 'incoming' }, rows.batches, { signal, onProgress });
    return {
      columns,
      sql: sql`SELECT * FROM temp.incoming`,
      bytesRead: rows.bytesRead,
      [Symbol.asyncDispose]: async () => {
        await connector[Symbol.asyncDispose]();
        await lease.run(sql`DROP TABLE IF EXISTS temp.incoming`);
      },
    };
  } catch (error) {
    await connector[Symbol.asyncDispose]();
    throw error;
  }
}

async function readFiles(source: ValueObject, dataset: BoundDataset, lease: Lease, scope: ActivityScope): Promise<SourceRelation> {
  refuseOthers(source, String(source['type']), 'a source of files');
  const files = await findFiles(dataset, source['storeSettings'], scope);
  const gateway = await scope.state.ports.gateway();
  const format = fileFormats[String(source['type'])] ?? 'parquet';
  const settings = isObject(source['formatSettings']) ? source['formatSettings'] : {};
  if (isOn(source['storeSettings'], 'deleteFilesAfterCompletion'))
    throw new LakesteadError('FACTORY_UNSUPPORTED', 'deleteFilesAfterCompletion is for a Copy of Binary datasets', { hint: 'take it out' });
  const found: { readonly relativePath: string; readonly paths: readonly string[] }[] = [];
  for (const { address, relativePath } of files) {
    const relation = await gateway.resolveLake({ principal: ownerPrincipal, address, format, lease, signal: scope.signal });
    if (relation.kind === 'files') found.push({ relativePath, paths: relation.paths });
  }
  const additional = source['additionalColumns'];
  const open = async (paths: readonly string[], relativePath?: string): Promise<Rows> => {
    const query = await fileReader(dataset, settings, paths, lease);
    return addColumns({ columns: (await describe(lease, query, scope)).columns, sql: query }, additional, relativePath);
  };
  const parts = found.map(({ relativePath, paths }) => ({ relativePath, open: async () => await open(paths, relativePath) }));
  const all = needsFilePath(additional)
    ? await unite(parts, lease, scope)
    : await open(
        found.flatMap(({ paths }) => paths),
        parts[0]?.relativePath,
      );
  return {
    ...all,
    parts,
    bytesRead: () => files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    filesRead: files.length,
    [Symbol.asyncDispose]: async () => await Promise.resolve(),
  };
}

/** Rows of several files whose columns differ by the file. */
async function unite(parts: NonNullable<SourceRelation['parts']>, lease: Lease, scope: ActivityScope): Promise<Rows> {
  const queries: Sql[] = [];
  for (const part of parts) queries.push(sql`(${(await part.open()).sql})`);
  const query = join(queries, ' UNION ALL BY NAME ');
  return { columns: (await describe(lease, query, scope)).columns, sql: query };
}

/** Columns of a query as the lake has them. */
export async function describe(lease: Lease, query: Sql, scope: ActivityScope): Promise<{ columns: readonly SourceColumn[] }> {
  const rows = await lease.rows(sql`DESCRIBE ${query}`, { signal: scope.signal });
  return {
    columns: rows.map((row) => ({
      name: String(row['column_name']),
      sourceType: String(row['column_type']),
      lakeType: String(row['column_type']),
      nullable: true,
    })),
  };
}

/** `typeProperties.source` or `.sink` as an object. */
export function objectProperty(value: Value | undefined, what: string): ValueObject {
  if (isObject(value)) return value;
  throw new LakesteadError('FACTORY_INVALID', `the activity has no ${what}`);
}
