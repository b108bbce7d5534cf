import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openGateway } from '#access';
import { openCatalog } from '#catalog';
import type { LakesteadError } from '#core';
import { writeTable } from '#delta';
import { type Engine, openDuckdbEngine } from '#engine';
import { literal, type Sql, sql } from '#sql';
import { openLake, openLocalStore } from '#storage';
import {
  openMemoryDefinitions,
  openServerlessDatabase,
  openWarehouse,
  type Session,
  type SessionParameter,
  type Warehouse,
} from '#warehouse';

let dir: string;
let engine: Engine;
let warehouse: Warehouse;
const definitions = openMemoryDefinitions();
const https = 'https://contoso.dfs.core.windows.net';

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lakestead-warehouse-'));
  engine = await openDuckdbEngine({ threads: 1 });
  const lake = openLake({ defaultRoot: dir, accounts: new Map([['contoso', dir]]) });
  const catalog = openCatalog({ lake, engine });
  const databases = ['gold_db', 'other_db'].map((name) => openServerlessDatabase(name, async () => await Promise.resolve(undefined)));
  warehouse = openWarehouse({ engine, gateway: openGateway({ engine, catalog, lake }), definitions, databases });
  await writeDelta('gold/SalesLT/Address', sql`SELECT i::INTEGER AS id, 'city ' || i AS city FROM range(3) t(i)`);
  mkdirSync(join(dir, 'bronze/p'), { recursive: true });
  await engine.withLease((lease) =>
    lease.run(sql`COPY (SELECT 1::INTEGER AS a, 'x' AS b) TO ${literal(join(dir, 'bronze/p/one.parquet'))} (FORMAT parquet)`),
  );
  mkdirSync(join(dir, 'bronze/csv'), { recursive: true });
  writeFileSync(join(dir, 'bronze/csv/a.csv'), 'id;name;d\n1;"one; and";2024-01-02\n2;two;2024-01-03\n');
  mkdirSync(join(dir, 'bronze/json'), { recursive: true });
  writeFileSync(join(dir, 'bronze/json/a.json'), '{"id": 1,\n "n": "x"}');
  writeFileSync(join(dir, 'bronze/json/lines.jsonl'), '{"id": 1}\n{"id": 2}\n');
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

async function writeDelta(path: string, query: Sql): Promise<void> {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  const store = await openLocalStore(dir);
  await engine.withLease((lease) => writeTable({ store, path, engine, lease, query, mode: 'append' }));
}

type Outcome = { readonly rows: unknown[][][]; readonly counts: number[]; readonly messages: string[] };

async function run(session: Session, script: string, parameters: readonly SessionParameter[] = [], signal?: AbortSignal): Promise<Outcome> {
  const outcome: Outcome = { rows: [], counts: [], messages: [] };
  for await (const result of session.execute(script, { parameters, signal })) {
    if (result.kind === 'message') outcome.messages.push(result.text);
    else if (result.kind === 'count') outcome.counts.push(result.rowCount);
    else {
      const rows: unknown[][] = [];
      for await (const batch of result.batches)
        for (let row = 0; row < batch.rowCount; row += 1) rows.push(batch.columns.map((column) => column[row]));
      outcome.rows.push(rows);
    }
  }
  return outcome;
}

async function withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
  await using session = await warehouse.session({ database: 'gold_db' });
  return await work(session);
}

const messagesOf = async (script: string) => (await withSession(async (session) => await run(session, script))).messages;
const rowsOf = async (script: string) => (await withSession(async (session) => await run(session, script))).rows;
const failureOf = async (script: string): Promise<LakesteadError> =>
  await withSession(async (session) => await run(session, script)).then(
    () => expect.unreachable('it did not fail'),
    (error: LakesteadError) => error,
  );

describe('control flow', () => {
  test('WHILE, IF, BREAK and CONTINUE run without semicolons', async () => {
    expect(
      await messagesOf(
        'DECLARE @i int = 0, @s varchar(20) WHILE @i < 10 BEGIN SET @i += 1 IF @i = 2 CONTINUE IF @i > 4 BREAK PRINT @i END',
      ),
    ).toEqual(['1', '3', '4']);
  });
  test('GOTO goes to a label of the block around it', async () => {
    expect(await messagesOf('DECLARE @i int = 0; again: SET @i = @i + 1; IF @i < 3 GOTO again; PRINT @i')).toEqual(['3']);
  });
  test('an assignment converts to the type of the variable', async () => {
    expect(await messagesOf("DECLARE @v varchar(3) = 'abcdef', @n int = 7.9 PRINT @v PRINT @n")).toEqual(['abc', '7']);
  });
  test('SELECT of several variables takes the last row, and none leaves them', async () => {
    expect(
      await messagesOf("DECLARE @a int = 1, @b varchar(5) = 'x'; SELECT @a = 5, @b = 'y'; SELECT @a = 9 WHERE 1 = 0; PRINT @a; PRINT @b"),
    ).toEqual(['5', 'y']);
  });
  test('variables end with the batch', async () => {
    expect((await failureOf('DECLARE @a int = 1\nGO\nPRINT @a')).code).toBe('SQL_NAME_NOT_FOUND');
  });
  test('GO with a count repeats its batch', async () => {
    expect(await messagesOf("PRINT 'a'\nGO 3")).toEqual(['a', 'a', 'a']);
  });
  test('an endless loop ends when it is cancelled', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 100);
    await withSession(async (session) => {
      await expect(run(session, 'WHILE 1 = 1 BEGIN DECLARE @x int = 1 END', [], stop.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    });
  });
});

describe('errors', () => {
  test('CATCH sees number, message, severity and state of RAISERROR', async () => {
    expect(
      await rowsOf(
        "BEGIN TRY RAISERROR('bad %s %d', 16, 3, 'x', 5) SELECT 1 END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_MESSAGE(), ERROR_SEVERITY(), ERROR_STATE() END CATCH",
      ),
    ).toEqual([[[50000, 'bad x 5', 16, 3]]]);
  });
  test('CATCH takes what fails while rows are read', async () => {
    const rows = await rowsOf('BEGIN TRY SELECT 1 / 0 END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH');
    expect(rows.at(-1)).toEqual([[8134]]);
  });
  test('THROW without arguments throws the caught error again, with its number and state', async () => {
    const error = await failureOf("BEGIN TRY THROW 50001, N'no', 4 END TRY BEGIN CATCH PRINT 'caught'; THROW END CATCH");
    expect(error).toMatchObject({ code: 'SQL_RAISED', message: 'no', data: { number: 50001, severity: 16, state: 4 } });
  });
  test('RAISERROR of severity 10 is a message, and of 16 fails the batch after the rest of it ran', async () => {
    expect(await messagesOf("RAISERROR('hello', 10, 1)")).toEqual(['hello']);
    await withSession(async (session) => {
      await run(session, 'CREATE TABLE #seen (a int)');
      await expect(run(session, "RAISERROR('stop', 16, 1); CREATE TABLE #after (a int)")).rejects.toMatchObject({
        code: 'SQL_RAISED',
        message: 'stop',
      });
      expect((await run(session, 'SELECT * FROM #after')).rows).toEqual([[]]);
    });
  });
  test('a form that is not supported is not hidden by CATCH', async () => {
    expect((await failureOf("BEGIN TRY CREATE SEQUENCE s END TRY BEGIN CATCH PRINT 'x' END CATCH")).code).toBe('SQL_NOT_SUPPORTED');
  });
  test('an error says where it is, counted in the script', async () => {
    expect((await failureOf("PRINT 'a'\nGO\n\n  SELECT * FROM nowhere")).place).toMatchObject({ line: 4 });
  });
});

describe('procedures', () => {
  const script = `
CREATE OR ALTER PROC dbo.add_up @a int, @b int = 10, @sum int OUTPUT AS BEGIN
  SET @sum = @a + @b
  IF @sum > 100 RETURN 7
  PRINT 'added'
END
GO
CREATE OR ALTER PROCEDURE make_view @name nvarchar(100) AS BEGIN
  DECLARE @statement VARCHAR(MAX)
  SET @statement = N'CREATE OR ALTER VIEW ' + @name + ' AS SELECT * FROM OPENROWSET(BULK ''${https}/gold/SalesLT/' + @name + '/'', FORMAT = ''DELTA'') as [result]'
  EXEC (@statement)
END
GO
CREATE OR ALTER PROC deep AS EXEC deep
`;
  beforeAll(async () => {
    await withSession(async (session) => await run(session, script));
  });
  test('take named, default and OUTPUT parameters and give a return code', async () => {
    expect(
      await messagesOf(
        'DECLARE @r int, @rc int EXEC @rc = dbo.add_up @a = 95, @sum = @r OUTPUT PRINT @rc PRINT @r EXEC @rc = add_up 1, 2, @r OUT PRINT @r',
      ),
    ).toEqual(['7', '105', 'added', '3']);
  });
  test('are called from outside with values', async () => {
    const outcome = await withSession(
      async (session) =>
        await session.callProcedure('[dbo].[add_up]', [
          { name: 'a', value: '4' },
          { name: 'sum', value: null },
        ]),
    );
    expect(outcome).toMatchObject({ returnCode: 0, messages: ['added'] });
    expect(outcome.outputs).toEqual(new Map([['sum', 14]]));
  });
  test("refuse a missing, an unknown and a doubled argument with SQL Server's numbers", async () => {
    for (const [call, number] of [
      ['EXEC add_up 1', 201],
      ['EXEC add_up @x = 1', 8145],
      ['EXEC add_up @a = 1, @a = 2', 8143],
      ['EXEC nobody', 2812],
    ] as const)
      expect((await failureOf(call)).data['number']).toBe(number);
  });
  test('that call themselves end at 32 levels', async () => {
    expect((await failureOf('EXEC deep')).data['number']).toBe(217);
  });
  test('sp_executesql takes parameters and gives OUTPUT', async () => {
    expect(
      await messagesOf(
        "DECLARE @o int EXEC sp_executesql N'SET @out = @p * 2', N'@p int, @out int OUTPUT', @p = 21, @out = @o OUTPUT PRINT @o",
      ),
    ).toEqual(['42']);
  });
  test('make a view whose rows are those of the newest commit', async () => {
    await withSession(async (session) => {
      await session.callProcedure('make_view', [{ name: 'name', value: 'Address' }]);
      expect(definitions.find('gold_db', 'dbo', 'address')?.text).toMatch(/^CREATE OR ALTER VIEW Address AS/);
      expect((await run(session, 'SELECT COUNT(*) FROM address')).rows).toEqual([[[3]]]);
      await writeDelta('gold/SalesLT/Address', sql`SELECT 9::INTEGER AS id, 'new' AS city`);
      expect((await run(session, 'SELECT COUNT(*) FROM address')).rows).toEqual([[[4]]]);
      const compiled = await session.compile('SELECT TOP 1 id, city FROM gold_db.dbo.Address ORDER BY id DESC');
      expect(compiled.columns.map(({ name }) => name)).toEqual(['id', 'city']);
      expect(await engine.withLease((lease) => lease.rows(compiled.sql))).toEqual([{ id: 9, city: 'new' }]);
    });
  });
});

describe('filepath() and filename()', () => {
  beforeAll(() => {
    for (const year of [2023, 2024]) {
      mkdirSync(join(dir, `bronze/y/year=${year}/m`), { recursive: true });
      writeFileSync(join(dir, `bronze/y/year=${year}/m/part ${year}.csv`), `a,b\n${year},x\n`);
    }
  });
  const files = `OPENROWSET(BULK '${https}/bronze/y/year=*/m/*.csv', FORMAT = 'CSV', PARSER_VERSION = '2.0', HEADER_ROW = TRUE)`;

  test("say the file's name, its address and what the wildcards stand for; * has no column of them", async () => {
    const asked = `SELECT r.filepath(1) AS y, r.filepath(2) AS f, r.filename() AS n, r.FILEPATH() AS p, * FROM ${files} AS r ORDER BY 1`;
    expect(await rowsOf(asked)).toEqual([
      [2023, 2024].map((year) => [
        `${year}`,
        `part ${year}`,
        `part ${year}.csv`,
        `${https}/bronze/y/year=${year}/m/part ${year}.csv`,
        BigInt(year),
        'x',
      ]),
    ]);
  });

  test('filter rows, group them, and stand beside WITH', async () => {
    expect(await rowsOf(`SELECT COUNT(*) FROM ${files} AS r WHERE r.filepath(1) = '2024'`)).toEqual([[[1]]]);
    expect(await rowsOf(`SELECT r.filepath(1), SUM(a) FROM ${files} WITH (a int) AS r GROUP BY r.filepath(1) ORDER BY 1`)).toEqual([
      [
        ['2023', 2023],
        ['2024', 2024],
      ],
    ]);
    expect(await rowsOf(`SELECT r.filename() FROM OPENROWSET(BULK '${https}/bronze/p/*.parquet', FORMAT = 'PARQUET') AS r`)).toEqual([
      [['one.parquet']],
    ]);
  });

  test('stand in a view, as columns of it', async () => {
    const view = `CREATE VIEW dbo.years AS SELECT r.filepath(1) AS y, r.a FROM ${files} AS r`;
    expect(await rowsOf(`${view}\nGO\nSELECT y FROM dbo.years ORDER BY y`)).toEqual([[['2023'], ['2024']]]);
  });

  test('are refused where there is no file or no such wildcard', async () => {
    expect(await failureOf(`SELECT r.filepath(3) FROM ${files} AS r`)).toMatchObject({
      code: 'SQL_TYPE',
      message: expect.stringContaining('2 wildcards'),
    });
    expect(
      await failureOf(`SELECT r.filename() FROM OPENROWSET(BULK '${https}/gold/SalesLT/Address/', FORMAT = 'DELTA') AS r`),
    ).toMatchObject({ code: 'SQL_NOT_SUPPORTED' });
    expect(await failureOf('SELECT t.filename() FROM (VALUES (1)) AS t(a)')).toMatchObject({ code: 'SQL_NOT_SUPPORTED' });
  });
});

describe('OPENROWSET', () => {
  const csv = `OPENROWSET(BULK '${https}/bronze/csv/*.csv', FORMAT = 'CSV', PARSER_VERSION = '2.0', FIELDTERMINATOR = ';'`;
  test('reads Parquet, also relative to an external data source', async () => {
    expect(await rowsOf(`SELECT a, b FROM OPENROWSET(BULK '${https}/bronze/p/', FORMAT = 'PARQUET') AS r`)).toEqual([[[1, 'x']]]);
    expect(
      await rowsOf(
        `CREATE EXTERNAL DATA SOURCE lake WITH (LOCATION = '${https}/bronze'); SELECT a FROM OPENROWSET(BULK 'p/*.parquet', DATA_SOURCE = 'lake', FORMAT = 'PARQUET') AS r`,
      ),
    ).toEqual([[[1]]]);
  });
  test('reads CSV with a header by name, and without one by position', async () => {
    expect(await rowsOf(`SELECT id, name FROM ${csv}, HEADER_ROW = TRUE) AS r ORDER BY id`)).toMatchObject([
      [
        [1n, 'one; and'],
        [2n, 'two'],
      ],
    ]);
    expect(await rowsOf(`SELECT [name], n + 1 FROM ${csv}, FIRSTROW = 2) WITH (n int 1, [name] varchar(3) 2) AS r ORDER BY n`)).toEqual([
      [
        ['one', 2],
        ['two', 3],
      ],
    ]);
  });
  test('reads JSON as CSV with a terminator that no text has, whole or by line', async () => {
    const json = (file: string, rows: string) =>
      `SELECT doc FROM OPENROWSET(BULK '${https}/bronze/json/${file}', FORMAT = 'CSV', FIELDTERMINATOR = '0x0b', FIELDQUOTE = '0x0b'${rows}) WITH (doc nvarchar(max)) AS r`;
    expect(await rowsOf(json('a.json', ", ROWTERMINATOR = '0x0b'"))).toEqual([[['{"id": 1,\n "n": "x"}']]]);
    expect(await rowsOf(json('lines.jsonl', ''))).toEqual([[['{"id": 1}'], ['{"id": 2}']]]);
  });
  test('refuses a format and an option that it does not know, with the place', async () => {
    expect(await failureOf("SELECT * FROM OPENROWSET(BULK 'bronze/x', FORMAT = 'ORC') AS r")).toMatchObject({
      code: 'SQL_NOT_SUPPORTED',
      place: { line: 1, column: 15 },
    });
  });
});

describe('a session', () => {
  test('keeps #temporary tables until it is closed, and they are its own', async () => {
    await withSession(async (session) => {
      await run(session, "SELECT 1 AS a, N'x' AS b INTO #t");
      expect((await run(session, 'SELECT a, b FROM #t')).rows).toEqual([[[1, 'x']]]);
      expect((await failureOf('SELECT * FROM #t')).code).toBe('SQL_NAME_NOT_FOUND');
    });
  });
  test('inserts what a procedure returns', async () => {
    await withSession(async (session) => {
      await run(session, "CREATE OR ALTER PROC two AS SELECT 1, N'a'; SELECT 2, N'b'");
      await run(session, 'CREATE TABLE #r (a decimal(5,1), b nvarchar(5)) INSERT INTO #r EXEC two');
      expect((await run(session, 'SELECT COUNT(*), MAX(b) FROM #r')).rows).toEqual([[[2, 'b']]]);
    });
  });
  test('takes back what a transaction did with ROLLBACK', async () => {
    await withSession(async (session) => {
      const script =
        'CREATE TABLE #t (a int IDENTITY, b int) BEGIN TRAN INSERT #t VALUES (5) SELECT @@TRANCOUNT, COUNT(*) FROM #t ROLLBACK SELECT @@TRANCOUNT, COUNT(*) FROM #t';
      expect((await run(session, script)).rows).toEqual([[[1, 1]], [[0, 0]]]);
    });
  });
  test('holds table variables for the batch, and counts the rows of a change', async () => {
    expect(await withSession(async (session) => await run(session, "DECLARE @t TABLE (a int, b varchar(5)) INSERT @t VALUES (1, 'q'), (2, 'w') UPDATE @t SET a += 10 WHERE b = 'W ' SELECT @@ROWCOUNT SELECT a FROM @t ORDER BY a"))).toEqual({
      counts: [2, 1, 1, 2], rows: [[[1]], [[1], [12]]], messages: [],
    }); // prettier-ignore
  });
  test('changes its database with USE', async () => {
    await withSession(async (session) => {
      await run(session, 'USE [other_db]');
      expect(session.database).toBe('other_db');
    });
    expect((await failureOf('USE nowhere')).code).toBe('SQL_NAME_NOT_FOUND');
  });
  test('refuses an option that would change results', async () => {
    expect((await failureOf('SET QUOTED_IDENTIFIER OFF')).code).toBe('SQL_NOT_SUPPORTED');
  });
  test('is not opened on a database that is not there', async () => {
    await expect(warehouse.session({ database: 'gold_dbx' })).rejects.toMatchObject({
      code: 'SQL_NAME_NOT_FOUND',
      hint: 'did you mean gold_db?',
    });
  });
  test('binds views in views, and refuses a circle', async () => {
    await withSession(async (session) => {
      await run(
        session,
        'CREATE VIEW v1 AS SELECT 1 AS a\nGO\nCREATE VIEW v2 (b) AS SELECT a + 1 FROM v1\nGO\nALTER VIEW v1 AS SELECT 5 AS a',
      );
      expect((await run(session, 'SELECT b FROM v2')).rows).toEqual([[[6]]]);
      await expect(run(session, 'ALTER VIEW v1 AS SELECT b AS a FROM v2')).resolves.toBeDefined();
      await expect(run(session, 'SELECT * FROM v1')).rejects.toMatchObject({ code: 'SQL_NOT_SUPPORTED' });
      await run(session, 'DROP VIEW IF EXISTS v1, v2');
    });
  });
});
