import type { Lease } from '#engine';
import { LakesteadError } from '#core';
import type { SourceColumn, SourceQuery } from '#connectors';
import { ident, join, literal, sql, type Sql, unsafeSql } from '#sql';

import { isObject, type Value, type ValueObject } from '../expression/index.ts';
import { parseTimeSpan } from '../load/parse-activity.ts';
import { type BoundDataset, fileLocation } from './resolve-dataset.ts';
import type { ActivityScope } from './run-pipeline.ts';

/** Rows of a source as a SELECT for the lease that was given, in the lake's types. */
export type SourceRelation = AsyncDisposable & {
  readonly columns: readonly SourceColumn[];
  readonly sql: Sql;
  /** Bytes that came over the wire or from files; undefined for a database in the engine itself. */
  readonly bytesRead: () => number | undefined;
};

const sqlSources = [
  'SqlServerSource',
  'AzureSqlSource',
  'SqlMISource',
  'SqlDWSource',
  'SqlSource',
  'PostgreSqlSource',
  'PostgreSqlV2Source',
  'AzurePostgreSqlSource',
];

/** Opens what a Copy or Lookup reads. Rows over the wire go into a temporary table of the lease, batch by batch. */
export async function readSource(source: ValueObject, dataset: BoundDataset, lease: Lease, scope: ActivityScope): Promise<SourceRelation> {
  const type = String(source['type']);
  if (sqlSources.includes(type)) return await readDatabase(source, dataset, lease, scope);
  if (type === 'ParquetSource' || type === 'DelimitedTextSource' || type === 'JsonSource') return await readFiles(dataset, lease, scope);
  throw new LakesteadError('FACTORY_UNSUPPORTED', `a source of type ${type} is not supported`, {
    hint: `supported: ${[...sqlSources, 'ParquetSource', 'DelimitedTextSource', 'JsonSource'].join(', ')}`,
  });
}

function queryOf(source: ValueObject, dataset: BoundDataset): SourceQuery {
  const query = source['sqlReaderQuery'] ?? source['query'];
  if (typeof query === 'string' && query.trim() !== '') return { kind: 'query', text: query };
  for (const key of ['sqlReaderStoredProcedureName', 'partitionQuery']) {
    if (source[key] !== undefined && source[key] !== null)
      throw new LakesteadError('FACTORY_UNSUPPORTED', `the property ${key} of a source is not supported`);
  }
  const { schema, table, tableName } = dataset.typeProperties;
  if (typeof table === 'string' && table !== '')
    return { kind: 'table', table, ...(typeof schema === 'string' && schema !== '' ? { schema } : {}) };
  if (typeof tableName === 'string' && tableName !== '') {
    const [first = '', second] = tableName.replaceAll(/[[\]]/g, '').split('.');
    return second === undefined ? { kind: 'table', table: first } : { kind: 'table', schema: first, table: second };
  }
  throw new LakesteadError('FACTORY_INVALID', `the source has neither a query nor a table: the dataset '${dataset.name}' names none`);
}

async function readDatabase(source: ValueObject, dataset: BoundDataset, lease: Lease, scope: ActivityScope): Promise<SourceRelation> {
  const { signal, state } = scope;
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
        [Symbol.asyncDispose]: async () => await connector[Symbol.asyncDispose](),
      };
    const definitions = columns.map(({ name, lakeType }) => sql`${ident(name)} ${unsafeSql(lakeType)}`);
    await lease.run(sql`CREATE OR REPLACE TEMP TABLE incoming (${join(definitions)})`, { signal });
    await lease.append({ table: 'incoming' }, rows.batches, { signal });
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

async function readFiles(dataset: BoundDataset, lease: Lease, scope: ActivityScope): Promise<SourceRelation> {
  const { lake } = scope.state.ports;
  const location = fileLocation(dataset);
  const { store, path } = await lake.resolve(location.file === '' ? location.folder : `${location.folder}/${location.file}`);
  const paths: string[] = [];
  let bytes = 0;
  const single = location.file === '' ? undefined : await store.find(path);
  if (single !== undefined) {
    paths.push(await store.readable(path));
    bytes += single.sizeBytes;
  } else if (location.file === '') {
    for await (const object of store.list(path)) {
      paths.push(await store.readable(object.path));
      bytes += object.sizeBytes;
    }
  }
  if (paths.length === 0)
    throw new LakesteadError(
      'STORAGE_NOT_FOUND',
      `there is no file at ${location.folder}${location.file === '' ? '' : `/${location.file}`}`,
    );
  const query = sql`SELECT * FROM ${readerOf(dataset, paths)}`;
  const { columns } = await describe(lease, query, scope);
  return { columns, sql: query, bytesRead: () => bytes, [Symbol.asyncDispose]: async () => await Promise.resolve() };
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

function readerOf(dataset: BoundDataset, paths: readonly string[]): Sql {
  const list = literal(paths);
  const { typeProperties } = dataset;
  const option = (name: string, fallback: string): string => {
    const value: Value | undefined = typeProperties[name];
    return typeof value === 'string' ? value : fallback;
  };
  switch (dataset.type) {
    case 'Parquet':
      return sql`read_parquet(${list})`;
    case 'DelimitedText': {
      const header = typeProperties['firstRowAsHeader'] === true;
      return sql`read_csv(${list}, all_varchar = true, header = ${literal(header)}, delim = ${literal(option('columnDelimiter', ','))}, quote = ${literal(option('quoteChar', '"'))}, escape = ${literal(option('escapeChar', String.raw`\\`).slice(0, 1))}, nullstr = ${literal(option('nullValue', ''))})`;
    }
    case 'Json':
      return sql`read_json_auto(${list})`;
    default:
      throw new LakesteadError('FACTORY_UNSUPPORTED', `a dataset of type ${dataset.type} cannot be read as rows`);
  }
}

/** `typeProperties.source` or `.sink` as an object. */
export function objectProperty(value: Value | undefined, what: string): ValueObject {
  if (isObject(value)) return value;
  throw new LakesteadError('FACTORY_INVALID', `the activity has no ${what}`);
}
