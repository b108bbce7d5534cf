import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { type Engine, openDuckdbEngine } from '#engine';
import { sql } from '#sql';
import { type EmbeddedDatabase, openEmbeddedDatabase, openMemoryDefinitions, replaceTable } from '#warehouse';

let dir: string;
let engine: Engine;
let database: EmbeddedDatabase;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lakestead-embedded-'));
  engine = await openDuckdbEngine({ threads: 1 });
  const definitions = openMemoryDefinitions();
  definitions.save({ database: 'shop', schema: 'dbo', name: 'v', kind: 'view', text: 'CREATE VIEW dbo.v AS SELECT 1 AS a' });
  database = await openEmbeddedDatabase({ engine, file: join(dir, 'databases/shop.duckdb'), name: 'shop', definitions });
  await engine.withLease(async (lease) => {
    await database.createSchema('Sales', { lease });
    await database.createTable(
      'sales',
      'It"em',
      {
        columns: [
          { name: 'Id', type: { name: 'int' }, nullable: false, identity: { seed: 10, increment: 5 } },
          { name: 'Price', type: { name: 'money' }, nullable: true },
          { name: 'Name', type: { name: 'nvarchar', length: 50 }, nullable: true, defaultValue: sql`'none'` },
        ],
        primaryKey: ['Id'],
      },
      { lease },
    );
  });
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

test('a table is found without case, numbers its rows and fills in defaults', async () => {
  await engine.withLease(async (lease) => {
    const table = await database.findTable('SALES', 'it"EM', { lease });
    expect(table?.columns.map(({ name, type }) => [name, type.name])).toEqual([['Id', 'int'], ['Price', 'money'], ['Name', 'nvarchar']]); // prettier-ignore
    expect(table?.identity).toBe('Id');
    if (table === undefined) return;
    await lease.run(sql`INSERT INTO ${table.target} ("Price") VALUES (1.5), (2)`);
    expect(await lease.rows(sql`SELECT Id, Name FROM (${table.sql}) ORDER BY 1`)).toEqual([{ Id: 10, Name: 'none' }, { Id: 15, Name: 'none' }]); // prettier-ignore
  });
});

test('the catalog views show columns with their types, keys and views', async () => {
  await engine.withLease(async (lease) => {
    const read = async (schema: string, name: string, list: string) => {
      const view = await database.findCatalogView(schema, name, { lease });
      if (view === undefined) throw new Error(`no ${name}`);
      const rows = await lease.rows(sql`SELECT * FROM (${view.sql})`);
      return rows.map((row) => list.split(' ').map((column) => row[column]));
    };
    expect(
      await read('information_schema', 'columns', 'COLUMN_NAME DATA_TYPE CHARACTER_MAXIMUM_LENGTH NUMERIC_PRECISION IS_NULLABLE'),
    ).toEqual([
      ['Id', 'int', null, 10, 'NO'],
      ['Price', 'money', null, 19, 'YES'],
      ['Name', 'nvarchar', 50, null, 'YES'],
    ]);
    expect(await read('INFORMATION_SCHEMA', 'TABLES', 'TABLE_SCHEMA TABLE_NAME TABLE_TYPE')).toEqual([
      ['Sales', 'It"em', 'BASE TABLE'],
      ['dbo', 'v', 'VIEW'],
    ]);
    expect(await read('INFORMATION_SCHEMA', 'KEY_COLUMN_USAGE', 'CONSTRAINT_NAME COLUMN_NAME')).toEqual([['PK_It"em', 'Id']]);
    expect(await read('INFORMATION_SCHEMA', 'ROUTINES', 'ROUTINE_NAME')).toEqual([]);
    for (const name of 'tables schemas columns types views objects procedures indexes index_columns key_constraints databases'.split(' '))
      expect(Array.isArray(await read('sys', name, 'name'))).toBe(true);
  });
});

test('CREATE TABLE in a transaction that is rolled back leaves nothing', async () => {
  await engine.withLease(async (lease) => {
    await lease.run(sql`BEGIN`);
    await database.createTable('dbo', 't', { columns: [{ name: 'a', type: { name: 'int' }, nullable: true }] }, { lease });
    expect(await database.findTable('dbo', 't', { lease })).toBeDefined();
    await lease.run(sql`ROLLBACK`);
    expect(await database.findTable('dbo', 't', { lease })).toBeUndefined();
  });
});

test('a replaced table goes on behind its highest identity, and DROP TABLE takes everything along', async () => {
  const table = {
    schema: 'dbo',
    name: 'numbers',
    columns: [
      { name: 'id', type: { name: 'int' }, nullable: false, identity: { seed: 1, increment: 1 } },
      { name: 'n', type: { name: 'tinyint' }, nullable: true },
    ],
    primaryKey: ['id'],
  } as const;
  await engine.withLease(async (lease) => {
    for (let turn = 0; turn < 2; turn += 1)
      await replaceTable({ lease, database: 'shop', table, rows: sql`SELECT i + 40, i FROM range(3) t(i)` });
    await lease.run(sql`INSERT INTO shop.dbo.numbers (n) VALUES (9)`);
    expect(await lease.rows(sql`SELECT id FROM shop.dbo.numbers WHERE n = 9`)).toEqual([{ id: 43 }]);
    expect(await database.dropTable('dbo', 'NUMBERS', { lease })).toBe(true);
    expect(await database.dropTable('dbo', 'numbers', { lease })).toBe(false);
  });
});

test('a database is the same after its file was closed and opened', async () => {
  const file = join(dir, 'again.duckdb');
  for (const expected of [0, 1]) {
    await using again = await openEmbeddedDatabase({ engine, file, name: 'again' });
    await engine.withLease(async (lease) => {
      expect((await again.describe({ lease })).tables).toHaveLength(expected);
      if (expected === 0)
        await again.createTable('dbo', 't', { columns: [{ name: 'a', type: { name: 'int' }, nullable: true }] }, { lease });
    });
  }
});

test('a file that is no database, one that another process has, and a name of the engine are refused', async () => {
  const file = join(dir, 'text.duckdb');
  writeFileSync(file, 'no database at all, but long enough to be looked at');
  await expect(openEmbeddedDatabase({ engine, file, name: 'text' })).rejects.toMatchObject({ code: 'CONNECT_DATABASE' });
  const clock = join(dir, 'could not set lock on file.duckdb');
  writeFileSync(clock, 'no database at all, but long enough to be looked at');
  await expect(openEmbeddedDatabase({ engine, file: clock, name: 'clock' })).rejects.toThrow('cannot be opened');
  const locked = join(dir, 'locked.duckdb');
  const script = `import { DuckDBInstance } from '@duckdb/node-api';
    await DuckDBInstance.create(${JSON.stringify(locked)}); console.log('open'); setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(other.stdout, 'data');
    await expect(openEmbeddedDatabase({ engine, file: locked, name: 'locked' })).rejects.toThrow('open in another process');
  } finally {
    other.kill();
  }
  await expect(openEmbeddedDatabase({ engine, file, name: 'temp' })).rejects.toMatchObject({ code: 'CONNECT_DATABASE' });
});
