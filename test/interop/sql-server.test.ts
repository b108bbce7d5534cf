import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { DuckDBBlobValue, DuckDBDecimalValue, DuckDBTimestampValue, DuckDBValue } from '@duckdb/node-api';
import { expect, test } from 'vitest';

import { lakesteadJson, temporaryFolder } from '../support/cli.ts';
import { findFaults } from '../support/end-state.ts';
import { openSecondOpinion, type SecondOpinion } from '../support/second-opinion.ts';
import { makeSeedProject } from '../support/seed-project.ts';
import { findSharedData } from '../support/shared-data.ts';
import { startTdsServer } from '../services/tds-server.ts';
import { bytes, colMetadata, done, nbcRow, type WireColumn, type WireType, types } from '../services/tds-tokens.ts';

const factory = findSharedData('seed-factory');
const data = findSharedData('saleslt');

test.skipIf(factory === undefined || data === undefined)(
  'the same main job runs from a SQL Server over TDS by changing the environment',
  { timeout: 180_000 },
  async () => {
    using folder = temporaryFolder();
    const embedded = join(folder.path, 'embedded');
    makeSeedProject(embedded, factory ?? '');
    const columnsFile = join(data ?? '', 'columns.json');
    await lakesteadJson(['source', 'load', 'onpremSqlServer', '--from', data ?? '', '--columns', columnsFile, '--project', embedded]);
    await using opinion = await openSecondOpinion();
    await opinion.attachCopy(join(embedded, '.lakestead/databases/AdventureWorksLT2017.duckdb'), 'source');

    // What the seed asks: the tables of the catalog, then every table whole.
    const shapes = JSON.parse(readFileSync(columnsFile, 'utf8')) as Record<string, { columns: { name: string; type: string }[] }>;
    await using server = await startTdsServer({
      answer: ({ text }) => {
        const table = /^SELECT \* FROM SalesLT\.(\w+)$/.exec(text)?.[1];
        const shape = shapes[table ?? ''];
        if (table !== undefined && shape !== undefined) return tableOf(opinion, table, shape.columns);
        if (/FROM sys\.tables/.test(text)) return catalogOf(Object.keys(shapes));
        throw new Error(`the seed does not ask ${text}`);
      },
    });
    const project = join(folder.path, 'tds');
    makeSeedProject(project, factory ?? '', {
      source: `onpremSqlServer: { type: SqlServer, typeProperties: { server: '127.0.0.1,${server.port}', database: AdventureWorksLT2017, userName: reader, password: secret, encrypt: optional } }`,
    });
    const run = await lakesteadJson<{ status: string }>(['run', '--project', project]);
    expect(run.status).toBe('Succeeded');
    expect(server.requests.length).toBe(11);
    expect(await findFaults(project, opinion, (table) => `SELECT * FROM source.SalesLT."${table}"`)).toEqual([]);
  },
);

function catalogOf(tables: readonly string[]): Buffer {
  const columns = ['SchemaName', 'TableName'].map((name) => ({ name, type: types.nvarchar(128) }));
  const rows = tables.map((table) => nbcRow(columns, ['SalesLT', table].map(bytes.national)));
  return Buffer.concat([colMetadata(columns), ...rows, done(rows.length)]);
}

async function* tableOf(opinion: SecondOpinion, table: string, shape: readonly { name: string; type: string }[]): AsyncGenerator<Buffer> {
  const codecs = shape.map(({ type }) => codecOf(type));
  const columns = shape.map(({ name }, index): WireColumn => ({ name, type: (codecs[index] as Codec)[0] })); // one codec a column
  yield colMetadata(columns);
  const rows = await opinion.rows(`SELECT * FROM source.SalesLT."${table}"`);
  for (const row of rows) {
    const values = shape.map(({ name }, index) => {
      const value = row[name] ?? null;
      return value === null ? null : (codecs[index] as Codec)[1](value);
    });
    yield nbcRow(columns, values);
  }
  yield done(rows.length);
}

type Codec = readonly [type: WireType, write: (value: DuckDBValue) => Buffer];

/** How a value of the embedded database is written as SQL Server's type. The casts say what its engine gives for that type. */
function codecOf(type: string): Codec {
  const [, name = '', length = ''] = /^(\w+)(?:\((\w+).*\))?$/.exec(type) ?? [type, type];
  switch (name) {
    case 'int':
      return [types.intN, (value) => bytes.int32(Number(value))];
    case 'smallint':
      return [types.smallintN, (value) => bytes.int16(Number(value))];
    case 'tinyint':
      return [types.tinyintN, (value) => bytes.int8(Number(value))];
    case 'bit':
      return [types.bitN, (value) => bytes.int8(value === true ? 1 : 0)];
    case 'money':
      return [types.moneyN, (value) => bytes.money((value as DuckDBDecimalValue).value)];
    case 'decimal':
    case 'numeric': {
      const [precision, scale] = /\((\d+),\s*(\d+)/.exec(type)?.slice(1).map(Number) ?? [18, 0];
      return [types.decimal(precision ?? 18, scale ?? 0), (value) => bytes.decimal((value as DuckDBDecimalValue).value, precision ?? 18)];
    }
    case 'datetime':
      return [
        types.datetimeN,
        (value) => {
          const milliseconds = Number((value as DuckDBTimestampValue).micros / 1000n);
          const days = Math.floor(milliseconds / 86_400_000);
          return bytes.datetime(days + 25_567, Math.round(((milliseconds - days * 86_400_000) * 3) / 10));
        },
      ];
    case 'uniqueidentifier':
      return [types.uniqueidentifier, (value) => bytes.guid(String(value))];
    case 'varbinary':
      return [types.varbinaryMax, (value) => Buffer.from((value as DuckDBBlobValue).bytes)];
    case 'varchar':
      return [types.varchar(Number(length)), (value) => Buffer.from(String(value), 'latin1')];
    case 'nchar':
    case 'nvarchar':
      return [length === 'max' ? types.nvarcharMax : types.nvarchar(Number(length)), (value) => bytes.national(String(value))];
    case 'xml':
      return [types.xml, (value) => bytes.national(String(value))];
    default:
      throw new Error(`the tables have no ${type}`);
  }
}
