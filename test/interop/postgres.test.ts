import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openConnector } from '#connectors';
import { formatJson, openDuckdbEngine } from '#engine';

import { findPostgres, type PostgresServer, startPostgres } from '../services/postgres.ts';
import { lakesteadJson, temporaryFolder } from '../support/cli.ts';
import { findFaults } from '../support/end-state.ts';
import { openSecondOpinion } from '../support/second-opinion.ts';
import { makeSeedProject } from '../support/seed-project.ts';
import { findSharedData } from '../support/shared-data.ts';

const hasPostgres = findPostgres();
const data = findSharedData('saleslt');
const factory = findSharedData('seed-factory');

describe.skipIf(!hasPostgres)('a real PostgreSQL', () => {
  let server: PostgresServer;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startPostgres();
    client = new pg.Client({ host: '127.0.0.1', port: server.port, user: server.user, database: 'postgres' });
    await client.connect();
  }, 120_000);
  afterAll(async () => {
    await client.end();
    await server[Symbol.asyncDispose]();
  });

  const target = (more: Record<string, unknown> = {}) =>
    ({
      kind: 'service',
      name: 'pg',
      type: 'PostgreSqlV2',
      typeProperties: { server: '127.0.0.1', port: server.port, database: 'postgres', username: 'postgres', ...more },
    }) as const;

  /** The values of one row, as JSON, by way of batches and the engine's own table. */
  async function read(query: string): Promise<{ types: string[]; rows: string[][] }> {
    await using engine = await openDuckdbEngine({ threads: 1 });
    await using lease = await engine.lease();
    await using connector = await openConnector(target());
    const { columns, rows } = await connector.read({ kind: 'query', text: query }, { lease });
    const found: string[][] = [];
    if (rows.kind === 'batches')
      for await (const batch of rows.batches)
        for (let row = 0; row < batch.rowCount; row += 1) found.push(batch.columns.map((column) => formatJson(column[row] ?? null)));
    return { types: columns.map(({ lakeType }) => lakeType), rows: found };
  }

  const cases: readonly (readonly [expression: string, lakeType: string, json: string])[] = [
    ['32767::int2', 'SMALLINT', '32767'],
    ['(-2147483648)::int4', 'INTEGER', '-2147483648'],
    ['9223372036854775807::int8', 'BIGINT', '9223372036854775807'],
    ['12345678901234567890.1234::numeric(24,4)', 'DECIMAL(24,4)', '12345678901234567890.1234'],
    ['(-0.05)::numeric(3,2)', 'DECIMAL(3,2)', '-0.05'],
    ['1.5::numeric', 'VARCHAR', '"1.5"'],
    ['1.1::float8', 'DOUBLE', '1.1'],
    ["'NaN'::float8", 'DOUBLE', '"NaN"'],
    ['true', 'BOOLEAN', 'true'],
    ["'Zoë 𝄞 ''x'''::text", 'VARCHAR', `"Zoë 𝄞 'x'"`],
    ["'1753-01-01'::date", 'DATE', '"1753-01-01"'],
    ["'9999-12-31 23:59:59.999999'::timestamp", 'TIMESTAMP', '"9999-12-31T23:59:59.999999"'],
    ["'2024-03-31 03:00:00+02'::timestamptz", 'TIMESTAMP WITH TIME ZONE', '"2024-03-31T01:00:00Z"'],
    ["'13:14:15.123456'::time", 'VARCHAR', '"13:14:15.123456"'],
    ["'6f9619ff-8b86-d011-b42d-00c04fc964ff'::uuid", 'VARCHAR', '"6f9619ff-8b86-d011-b42d-00c04fc964ff"'],
    [String.raw`'\x01ff'::bytea`, 'BLOB', '"Af8="'],
    [`'{"a": 1.50}'::jsonb`, 'VARCHAR', String.raw`"{\"a\": 1.50}"`],
    ['ARRAY[1,NULL,3]', 'VARCHAR', '"{1,NULL,3}"'],
    ['NULL::int4', 'INTEGER', 'null'],
  ];
  for (const [expression, lakeType, json] of cases) {
    test(`${expression} is ${json} as ${lakeType}`, async () => {
      expect(await read(`SELECT ${expression} AS v`)).toEqual({ types: [lakeType], rows: [[json]] });
    });
  }

  test('a hundred thousand rows arrive, none twice and none lost', async () => {
    const { rows } = await read('SELECT i FROM generate_series(1, 100000) AS t(i)');
    expect(rows.length).toBe(100_000);
    expect(new Set(rows.map(([value]) => value)).size).toBe(100_000);
  });

  test('what goes wrong with a query is told apart', async () => {
    await client.query('CREATE ROLE shy LOGIN; CREATE TABLE hidden (a int)');
    const fault = async (more: Record<string, unknown>, query = 'SELECT 1 AS a', timeoutMs?: number) => {
      await using engine = await openDuckdbEngine({ threads: 1 });
      await using lease = await engine.lease();
      await using connector = await openConnector(target(more));
      const { rows } = await connector.read({ kind: 'query', text: query }, { lease, timeoutMs });
      if (rows.kind === 'batches') for await (const batch of rows.batches) expect(batch.rowCount).toBeGreaterThan(0);
    };
    await expect(fault({ username: 'shy' }, 'SELECT * FROM hidden')).rejects.toMatchObject({ code: 'CONNECT_PERMISSION' });
    await expect(fault({}, 'SELECT * FROM nothing')).rejects.toMatchObject({ code: 'SQL_NAME_NOT_FOUND' });
    await expect(fault({}, 'SELEC 1')).rejects.toMatchObject({ code: 'SQL_SYNTAX' });
    await expect(fault({}, 'SELECT pg_sleep(20)', 200)).rejects.toMatchObject({ code: 'TIMEOUT' });
    await expect(fault({}, "SELECT 'infinity'::date")).rejects.toMatchObject({ code: 'SQL_TYPE' });
    // A second statement behind the query would run outside the read-only transaction.
    await expect(fault({}, 'SELECT 1 AS a; COMMIT; DROP TABLE hidden')).rejects.toMatchObject({ code: 'SQL_SYNTAX' });
    expect((await client.query("SELECT to_regclass('hidden') AS name")).rows).toEqual([{ name: 'hidden' }]);
  });

  test.skipIf(data === undefined || factory === undefined)(
    'the same main job runs from PostgreSQL by changing the source',
    { timeout: 180_000 },
    async () => {
      using folder = temporaryFolder();
      const project = folder.path;
      await loadSalesLt(client, data ?? '');
      // A factory of the same shape: PostgreSQL's source type, its catalog query, quoted names.
      const adf = join(folder.path, 'adf-of-postgres');
      cpSync(join(factory ?? '', 'ADF'), adf, { recursive: true });
      const file = join(adf, 'pipeline/copy_all_tables.json');
      const text = readFileSync(file, 'utf8')
        .replaceAll('SqlServerSource', 'PostgreSqlV2Source')
        .replace(
          /"sqlReaderQuery": "SELECT[^"]*"/,
          `"query": "SELECT table_schema AS \\"SchemaName\\", table_name AS \\"TableName\\" FROM information_schema.tables WHERE table_schema = 'SalesLT' ORDER BY 2"`,
        )
        .replace('"sqlReaderQuery": {', '"query": {')
        .replace(
          "concat('SELECT * FROM ', item().SchemaName, '.', item().TableName)",
          `concat('SELECT * FROM \\"', item().SchemaName, '\\".\\"', item().TableName, '\\"')`,
        );
      writeFileSync(file, text);
      mkdirSync(join(project, 'factory'), { recursive: true });
      const source = `onpremSqlServer: { type: PostgreSqlV2, typeProperties: { server: 127.0.0.1, port: ${server.port}, database: postgres, username: postgres } }`;
      makeSeedProject(project, factory ?? '', { adfFolder: adf, source });
      const run = await lakesteadJson<{ status: string }>(['run', '--project', project]);
      expect(run.status).toBe('Succeeded');
      await using opinion = await openSecondOpinion();
      // PostgreSQL's own copy of each table is the second answer.
      await opinion.rows('CREATE SCHEMA expected');
      for (const table of Object.keys(columnsOf(data ?? ''))) {
        const bronze = `read_parquet('${join(project, 'lake/bronze/SalesLT', table, `${table}.parquet`)}')`;
        const csv = join(project, `${table}.csv`);
        const { rows } = await client.query<{ line: string }>(`SELECT row_to_json(t)::text AS line FROM "SalesLT"."${table}" AS t`);
        writeFileSync(csv, rows.map(({ line }) => line).join('\n'));
        expect((await opinion.rows(`SELECT count(*)::INTEGER AS n FROM ${bronze}`))[0]?.['n']).toBe(rows.length);
        await opinion.rows(`CREATE TABLE expected."${table}" AS SELECT * FROM ${bronze}`);
      }
      expect(await findFaults(project, opinion, (table) => `SELECT * FROM expected."${table}"`)).toEqual([]);
      const sums = await lakesteadJson<Record<string, unknown>[]>([
        'sql',
        '--project',
        project,
        '--database',
        'gold_db',
        'SELECT sum(Line_Total) AS lines, sum(Order_Qty) AS quantity FROM SalesOrderDetail',
      ]);
      expect(sums).toEqual([{ lines: 708690.153058, quantity: 2087 }]);
    },
  );
});

type Column = { readonly name: string; readonly type: string; readonly computed?: string };

function columnsOf(folder: string): Record<string, { columns: Column[] }> {
  return JSON.parse(readFileSync(join(folder, 'columns.json'), 'utf8')) as Record<string, { columns: Column[] }>;
}

/** The ten tables under PostgreSQL's own types; computed columns are computed by PostgreSQL. */
async function loadSalesLt(client: pg.Client, folder: string): Promise<void> {
  await using opinion = await openSecondOpinion();
  await client.query('DROP SCHEMA IF EXISTS "SalesLT" CASCADE; CREATE SCHEMA "SalesLT"');
  for (const [table, { columns }] of Object.entries(columnsOf(folder))) {
    const computed: Record<string, string> = {
      SalesOrderNumber: `'SO' || "SalesOrderID"`,
      TotalDue: `"SubTotal" + "TaxAmt" + "Freight"`,
      LineTotal: `("UnitPrice" * (1.0 - "UnitPriceDiscount") * "OrderQty")::numeric(38,6)`,
    };
    const definition = columns.map(
      ({ name, type }) =>
        `"${name}" ${postgresType(type)}${computed[name] !== undefined && ['SalesOrderHeader', 'SalesOrderDetail'].includes(table) ? ` GENERATED ALWAYS AS (${computed[name]}) STORED` : ''}`,
    );
    await client.query(`CREATE TABLE "SalesLT"."${table}" (${definition.join(', ')})`);
    const rows = await opinion.rows(
      `SELECT * FROM read_csv('${join(folder, `SalesLT.${table}.csv`)}', all_varchar = true, header = true, nullstr = 'NULL')`,
    );
    const names = Object.keys(rows[0] ?? {});
    for (let from = 0; from < rows.length; from += 100) {
      const page = rows.slice(from, from + 100);
      const values = page.flatMap((row) =>
        names.map((name) => convert(row[name], columns.find((column) => column.name === name)?.type ?? '')),
      );
      const tuples = page.map((_, row) => `(${names.map((__, column) => `$${row * names.length + column + 1}`).join(', ')})`);
      await client.query(
        `INSERT INTO "SalesLT"."${table}" (${names.map((name) => `"${name}"`).join(', ')}) VALUES ${tuples.join(', ')}`,
        values,
      );
    }
  }
}

function convert(value: unknown, type: string): unknown {
  if (value === null || value === undefined) return null;
  return type.startsWith('varbinary') ? Buffer.from(String(value).slice(2), 'hex') : value;
}

function postgresType(type: string): string {
  const [, name = '', args = ''] = /^(\w+)(\(.*\))?/.exec(type) ?? [];
  const types: Record<string, string> = {
    int: 'integer',
    tinyint: 'smallint',
    bit: 'boolean',
    money: 'numeric(19,4)',
    datetime: 'timestamp(3)',
    uniqueidentifier: 'uuid',
    varbinary: 'bytea',
    xml: 'text',
  };
  if (name === 'nchar') return `char${args}`;
  if (name === 'nvarchar' || name === 'varchar') return args === '(max)' ? 'text' : `varchar${args}`;
  return types[name] ?? `${name}${args}`;
}
