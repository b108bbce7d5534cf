import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type Gateway, openGateway, ownerPrincipal as principal } from '#access';
import { openCatalog } from '#catalog';
import type { Log } from '#core';
import { writeTable } from '#delta';
import { type Engine, openDuckdbEngine, type Row } from '#engine';
import { literal, render, type Sql, sql, unsafeSql } from '#sql';
import { openLake, openLocalStore } from '#storage';

let dir: string;
let engine: Engine;
let gateway: Gateway;
const logged: unknown[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lakestead-gateway-'));
  engine = await openDuckdbEngine({ threads: 1 });
  const lake = openLake({ defaultRoot: dir, accounts: new Map([['contoso', dir]]) });
  const note = (_: string, facts?: unknown) => void logged.push(facts);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  gateway = openGateway({ engine, catalog: openCatalog({ lake, engine }), lake, log });
  await writeDelta('gold/SalesLT/Address', sql`SELECT i::INTEGER AS id, 'c' || (i % 3) AS city, {'a': i} AS s FROM range(10) t(i)`);
  await writeDelta('silver/SalesLT/Address', sql`SELECT 1::INTEGER AS id`);
  await writeDelta('gold/SalesLT/Product', sql`SELECT i::INTEGER AS id, i * 1.5 AS price FROM range(5) t(i)`);
  await writeDelta('gold/SalesLT/Odd "name" 😀', sql`SELECT 7 AS x`);
  mkdirSync(join(dir, 'bronze/SalesLT/Raw'), { recursive: true });
  await engine.withLease((lease) =>
    lease.run(sql`COPY (SELECT 3 AS r) TO ${literal(join(dir, 'bronze/SalesLT/Raw/Raw.parquet'))} (FORMAT parquet)`),
  );
  writeFileSync(join(dir, 'secret.csv'), 'a,b\n1,2\n');
  mkdirSync(join(dir, 'bronze/csv/sub'), { recursive: true });
  for (const name of ['a.csv', 'b.csv', '_hidden.csv', 'sub/c.csv']) writeFileSync(join(dir, 'bronze/csv', name), 'x\n1\n');
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

async function ask(text: string): Promise<Row[]> {
  await using result = await gateway.read({ principal, dialect: 'duckdb', text });
  const rows: Row[] = [];
  for await (const batch of result.batches) {
    for (let row = 0; row < batch.rowCount; row += 1) {
      rows.push(Object.fromEntries(result.columns.map(({ name }, index) => [name, batch.columns[index]?.[row] ?? null])));
    }
  }
  return rows;
}

describe('files are left out by what WHERE says of a table', () => {
  const joined = 'gold.SalesLT.Part AS p LEFT JOIN gold.SalesLT.Parts2 AS q ON p.id = q.id + 25';
  beforeAll(async () => {
    for (const path of ['gold/SalesLT/Part', 'gold/SalesLT/Parts2'])
      for (const from of [0, 10, 20, 30])
        await writeDelta(
          path,
          sql`SELECT (${from} + i)::INTEGER AS id, CASE WHEN ${from} > 10 THEN 'n' || i END AS name FROM range(10) t(i)`,
        );
  });
  // How many of the two tables' four files each are in what the engine is given, and how many rows come.
  const cases: readonly [text: string, files: number, rows: number][] = [
    ['FROM gold.SalesLT.Part WHERE id = 15', 1, 1],
    ['FROM gold.SalesLT.Part AS p WHERE p.id BETWEEN 5 AND 12', 2, 8],
    ['FROM Part WHERE Part.id < 5 OR id >= 35', 2, 10],
    ['FROM Part WHERE id + 0 = 15', 4, 1],
    ['FROM Part AS p(a, b) WHERE a = 15', 4, 1],
    ['FROM Part AS p, Parts2 AS q WHERE p.id = 15 AND q.id = 3', 2, 1],
    ['FROM Part AS p, Parts2 AS q WHERE p.id = q.id AND p.id = 15', 5, 1],
    ['SELECT p.id FROM Part AS p NATURAL JOIN Parts2 WHERE p.id = 25', 5, 1],
    [`FROM ${joined} WHERE p.id = 27`, 5, 1],
    // Rows of NULL come from the join: files of q without NULL must be read all the same.
    [`FROM ${joined} WHERE q.id IS NULL`, 8, 25],
    [`FROM ${joined} WHERE q.id = 3`, 8, 1],
    ['FROM Part AS p RIGHT JOIN Parts2 AS q ON p.id = q.id WHERE q.id > 33 AND p.id IS NULL', 5, 0],
    ['FROM Part AS p FULL JOIN Parts2 AS q ON p.id = q.id + 1 WHERE p.id IS NULL', 8, 1],
    ['FROM Part AS p SEMI JOIN Parts2 AS q ON p.id = q.id WHERE p.id = 15', 5, 1],
    ['FROM Part AS p POSITIONAL JOIN Parts2 AS q WHERE p.id = 15', 8, 1],
    ['FROM (FROM Part WHERE id < 9) AS s WHERE s.id = 15', 1, 0],
    ['WITH s AS (FROM Part) FROM s WHERE id = 15', 4, 1],
    ['SELECT id, (SELECT count(*) FROM Parts2 WHERE id < 9) AS n FROM Part WHERE id = 15', 2, 1],
    ['FROM Part AS p WHERE EXISTS (FROM Parts2 AS q WHERE q.id = p.id AND q.id = 15)', 5, 1],
    ["FROM Part WHERE name IS NULL", 2, 20],
    ["FROM Part WHERE name LIKE 'n1%'", 2, 2],
    ['SELECT id % 2 AS id, count(*) AS n FROM Part WHERE id < 9 GROUP BY ALL', 1, 2],
    ['FROM Part WHERE id = 15 UNION ALL FROM Part WHERE id = 25', 2, 2],
    ['FROM Part TABLESAMPLE 100% WHERE id = 15', 4, 1],
    ['FROM gold.SalesLT.Part AT (VERSION => 1) WHERE id >= 10', 1, 10],
  ]; // prettier-ignore
  test.each(cases)('%s', async (text, files, rows) => {
    const query = await engine.withLease(async (lease) => await gateway.compile({ principal, dialect: 'duckdb', text, lease }));
    const named = render(query.sql).text.match(/[\w./-]+\.parquet/g) ?? [];
    expect([named.length, (await ask(text)).length]).toEqual([files, rows]);
  });
});

describe('a table of the lake is read', () => {
  const same: readonly [claim: string, text: string, rows: readonly Row[]][] = [
    ['by its three parts, without case', 'SELECT count(*)::INTEGER AS n FROM GOLD.saleslt.ADDRESS', [{ n: 10 }]],
    ['by two parts, where only one layer has them', 'SELECT count(*)::INTEGER AS n FROM SalesLT.Product', [{ n: 5 }]],
    ['by its name alone, where only one has it', 'SELECT count(*)::INTEGER AS n FROM product', [{ n: 5 }]],
    ['from raw Parquet files', 'FROM bronze.SalesLT.Raw', [{ r: 3 }]],
    ['under a name with quotes and emoji', 'SELECT x FROM gold.SalesLT."Odd ""name"" 😀"', [{ x: 7 }]],
    [
      'with columns under the full name',
      'SELECT gold.SalesLT.Address.id, SalesLT.Address.city FROM gold.SalesLT.Address WHERE gold.saleslt.address.id = 1',
      [{ id: 1, city: 'c1' }],
    ],
    ['with columns under the name', 'SELECT Address.id FROM gold.SalesLT.Address WHERE address.s.a = 2', [{ id: 2 }]],
    [
      'under an alias',
      'SELECT a.id, b.id AS other FROM gold.SalesLT.Address a JOIN silver.SalesLT.Address AS b USING (id)',
      [{ id: 1, other: 1 }],
    ],
    ['under an alias with names of columns', 'SELECT k FROM gold.SalesLT.Product p(k, v) WHERE v > 5', [{ k: 4 }]],
    [
      'beside another of the same name',
      'SELECT silver.SalesLT.Address.id AS a, gold.SalesLT.Address.city AS b FROM gold.SalesLT.Address JOIN silver.SalesLT.Address USING (id)',
      [{ a: 1, b: 'c1' }],
    ],
    ['in a subquery of an expression', 'SELECT (SELECT max(id) FROM gold.SalesLT.Address) AS m', [{ m: 9 }]],
    ['in EXISTS', 'SELECT 1 AS one WHERE EXISTS (SELECT 1 FROM gold.SalesLT.Address WHERE id = 3)', [{ one: 1 }]],
    ['in set operations', 'SELECT id FROM silver.SalesLT.Address INTERSECT SELECT id FROM gold.SalesLT.Product', [{ id: 1 }]],
    ['in a common table expression', 'WITH a AS (SELECT id FROM gold.SalesLT.Address WHERE id > 8) SELECT * FROM a', [{ id: 9 }]],
    [
      'although a CTE with its name is defined by it',
      'WITH product AS (SELECT max(id) AS m FROM product) SELECT product.m FROM product',
      [{ m: 4 }],
    ],
    [
      'outside the scope of a CTE with its name',
      'SELECT (WITH product AS (SELECT 1 AS id) SELECT id FROM product) AS a, (SELECT max(id) FROM product) AS b',
      [{ a: 1, b: 4 }],
    ],
    [
      'not where an inner CTE shadows an outer one',
      'WITH x AS (SELECT 1 AS v) SELECT * FROM (WITH x AS (SELECT 2 AS v) SELECT v FROM x)',
      [{ v: 2 }],
    ],
    [
      'beside a recursive CTE',
      'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT max(r.n) AS m FROM r',
      [{ m: 3 }],
    ],
    [
      'with a PIVOT whose values are named',
      "SELECT * FROM (PIVOT (SELECT city FROM gold.SalesLT.Address) ON city IN ('c0', 'c1') USING count(*)::INTEGER)",
      [{ c0: 4, c1: 3 }],
    ],
    ['with table functions that read nothing', 'SELECT sum(r)::INTEGER AS s FROM range(4) t(r), unnest([1, 2]) u(v)', [{ s: 12 }]],
    ['with VALUES', 'VALUES (1)', [{ col0: 1 }]],
    ['with all digits of numbers', 'SELECT 9007199254740993 AS a, 0.1::DOUBLE AS b', [{ a: 9007199254740993n, b: 0.1 }]],
  ];
  for (const [claim, text, rows] of same) test(`even ${claim}`, async () => expect(await ask(text)).toEqual(rows));

  test('as of the newest commit at the time of the statement, or an older one when it says so', async () => {
    await writeDelta('gold/SalesLT/Grows', sql`SELECT 1 AS v`);
    expect(await ask('SELECT v FROM gold.SalesLT.Grows')).toEqual([{ v: 1 }]);
    await writeDelta('gold/SalesLT/Grows', sql`SELECT 2 AS v`);
    expect(await ask('SELECT sum(v)::INTEGER AS v FROM gold.SalesLT.Grows')).toEqual([{ v: 3 }]);
    expect(await ask('SELECT v FROM gold.SalesLT.Grows AT (VERSION => 0)')).toEqual([{ v: 1 }]);
    await expect(ask("SELECT v FROM gold.SalesLT.Grows AT (TIMESTAMP => '1999-01-01')")).rejects.toMatchObject({
      code: 'DELTA_VERSION_NOT_FOUND',
    });
  });

  test('by DESCRIBE, SUMMARIZE, EXPLAIN and SHOW TABLES', async () => {
    expect(await ask('DESCRIBE gold.SalesLT.Product')).toMatchObject([
      { column_name: 'id', column_type: 'INTEGER' },
      { column_name: 'price' },
    ]);
    expect(await ask('SUMMARIZE gold.SalesLT.Product')).toMatchObject([{ column_name: 'id', max: '4' }, { column_name: 'price' }]);
    expect(await ask('EXPLAIN SELECT * FROM gold.SalesLT.Product')).toHaveLength(1);
    expect(await ask('show tables;')).toContainEqual({ layer: 'gold', schema: 'SalesLT', name: 'Address', format: 'delta' });
  });

  test('and the log says who read what', async () => {
    logged.length = 0;
    await ask('SELECT 1 FROM gold.SalesLT.Address a, gold.SalesLT.Address b LIMIT 1');
    expect(logged).toEqual([{ principal: 'owner', tables: ['gold/SalesLT/Address'] }]);
  });
});

describe('what may be known of the lake without its rows', () => {
  const view = () => gateway.look(principal);

  test('names, sizes, schemas, histories, items and files; the log says who looked', async () => {
    logged.length = 0;
    expect(await view().layers()).toEqual(['bronze', 'gold', 'silver']);
    expect((await view().tables('silver')).map(({ address }) => address)).toEqual(['silver/SalesLT/Address']);
    const table = await view().find('GOLD', 'saleslt', 'PRODUCT');
    if (table === undefined) throw new Error('no table');
    expect(await view().describe(table)).toMatchObject({ rows: 5n, files: 1, version: 0, columns: [{ name: 'id' }, { name: 'price' }] });
    expect(await view().inspect('gold/SalesLT/Product')).toMatchObject({ version: 0, protocol: { minReaderVersion: 1 } });
    expect(await view().history('gold/SalesLT/Product')).toMatchObject([{ version: 0, operation: 'WRITE' }]);
    expect(await view().item('bronze/SalesLT/Raw')).toMatchObject({ kind: 'folder', entries: [{ name: 'Raw.parquet', kind: 'file' }] });
    expect(await view().item('bronze/SalesLT/Raw/Raw.parquet')).toMatchObject({ kind: 'file', name: 'Raw.parquet' });
    expect(await view().item('bronze/SalesLT/Raw', { kind: 'file' })).toBeUndefined();
    expect(await view().item('bronze/nothing')).toBeUndefined();
    const files: string[] = [];
    for await (const { relativePath } of view().files('bronze/csv')) files.push(relativePath);
    expect(files).toEqual(['_hidden.csv', 'a.csv', 'b.csv', 'sub/c.csv']);
    expect(logged).toContainEqual({ principal: 'owner', tables: ['gold/SalesLT/Product'] });
    expect(logged).toHaveLength(11);
  });
});

describe('what is not a read of the lake is refused', () => {
  const refused = (): readonly string[] => {
    const file = join(dir, 'secret.csv');
    return [
      `SELECT * FROM '${file}'`, `SELECT * FROM "${file}"`, `FROM '${file}'`, `SELECT * FROM "${dir}/bronze/SalesLT/Raw/Raw.parquet"`,
      `SELECT * FROM read_csv('${file}')`, `SELECT * FROM read_csv_auto('${file}')`, `SELECT * FROM read_text('${file}')`,
      `SELECT * FROM read_blob('${file}')`, `SELECT * FROM read_parquet('${dir}/**/*.parquet')`, `SELECT * FROM parquet_scan('x')`,
      `SELECT * FROM parquet_metadata('x')`, `SELECT * FROM parquet_schema('x')`, `SELECT * FROM sniff_csv('${file}')`, `SELECT * FROM glob('/etc/*')`,
      `SELECT * FROM read_json('${file}')`, `SELECT * FROM read_ndjson_objects('${file}')`, `SELECT * FROM READ_CSV('${file}')`,
      `SELECT * FROM main.read_csv('${file}')`, `SELECT * FROM system.main.read_csv('${file}')`, `SELECT * FROM "read_csv"('${file}')`,
      `SELECT * FROM query('SELECT * FROM ''${file}''')`, `SELECT * FROM query_table('${file}')`, `SELECT * FROM query_table(['${file}'])`,
      `SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))`, `SELECT json_serialize_sql('SELECT 1')`,
      `WITH "x.csv" AS (SELECT * FROM "x.csv") SELECT * FROM "x.csv"`, `WITH a AS (SELECT * FROM '${file}') SELECT 1`,
      `SELECT (SELECT count(*) FROM '${file}')`, `SELECT 1 WHERE EXISTS (FROM '${file}')`, `SELECT 1 ORDER BY (SELECT a FROM '${file}')`,
      `SELECT 1 LIMIT (SELECT a FROM '${file}')`, `SELECT sum(1) FILTER (WHERE (SELECT true FROM '${file}'))`, `SELECT sum(1) OVER (ORDER BY (SELECT a FROM '${file}'))`,
      `SELECT * FROM range((SELECT a FROM '${file}'))`, `SELECT list_transform([1], lambda x: (SELECT a FROM '${file}'))`,
      `SELECT * FROM (PIVOT '${file}' ON a IN (1) USING sum(b))`, `SELECT * FROM gold.SalesLT.Product UNION ALL SELECT * FROM '${file}'`,
      `SELECT * FROM gold.SalesLT.Product p JOIN '${file}' f ON p.id = f.a`, `SELECT * FROM (VALUES ((SELECT a FROM '${file}')))`,
      `SELECT * FROM gold.SalesLT.Product GROUP BY (SELECT a FROM '${file}')`, `SELECT CASE WHEN true THEN (SELECT a FROM '${file}') END`,
      `SELECT * REPLACE ((SELECT a FROM '${file}') AS id) FROM gold.SalesLT.Product`, `SELECT COLUMNS(c -> (SELECT true FROM '${file}')) FROM gold.SalesLT.Product`,
      `DESCRIBE '${file}'`, `SUMMARIZE '${file}'`, `EXPLAIN ANALYZE SELECT * FROM '${file}'`, `SHOW DATABASES`, `SHOW '${file}'`, `DESCRIBE`,
      `SELECT * FROM (SHOW ALL TABLES)`, `SELECT * FROM duckdb_settings()`, `SELECT * FROM duckdb_secrets()`, `SELECT * FROM duckdb_tables`,
      `SELECT * FROM duckdb_databases()`, `SELECT * FROM information_schema.tables`, `SELECT * FROM pg_catalog.pg_class`, `SELECT * FROM sqlite_master`,
      `SELECT * FROM pragma_version()`, `SELECT * FROM pragma_table_info('x')`, `SELECT current_setting('home_directory')`, `SELECT getvariable('x')`,
      `SELECT getenv('HOME')`, `SELECT current_database()`, `SELECT current_query()`, `SELECT current_user`, `SELECT version()`, `SELECT nextval('s')`,
      `SELECT write_log('x')`, `SELECT sleep_ms(1)`, `SELECT pg_sleep(1)`, `SELECT which_secret('s3://x', 's3')`, `SELECT * FROM test_all_types()`,
      `ATTACH '${file}' AS x`, `COPY (SELECT 1) TO '${file}'`, `COPY gold.SalesLT.Product FROM '${file}'`, `PRAGMA database_list`, `SET memory_limit = '1GB'`,
      `SET VARIABLE x = 1`, `RESET threads`, `INSTALL httpfs`, `LOAD httpfs`, `CALL duckdb_settings()`, `CREATE TABLE t (a INTEGER)`, `CREATE VIEW v AS SELECT 1`,
      `CREATE MACRO m() AS 1`, `DROP TABLE gold.SalesLT.Product`, `INSERT INTO gold.SalesLT.Product VALUES (1, 2)`, `UPDATE gold.SalesLT.Product SET id = 1`,
      `DELETE FROM gold.SalesLT.Product`, `EXPORT DATABASE '${dir}/x'`, `IMPORT DATABASE '${dir}'`, `USE memory`, `BEGIN`, `CHECKPOINT`, `VACUUM`, `PREPARE p AS SELECT 1`,
      `EXECUTE p`, `SELECT 1; SELECT 2`, `SELECT 1; DROP TABLE x`, `EXPLAIN COPY (SELECT 1) TO '${file}'`, `EXPLAIN ATTACH '${file}'`, ``, `;`, `-- nothing`, `SELECT $1`, `SELECT ?`, `SELECT 1e400`,
      `SELECT * FROM main.x`, `SELECT * FROM memory.main.x`, `SELECT * FROM temp.main.x`, `SELECT * FROM gold."../../x".y`, `SELECT * FROM "gold/SalesLT".Product`,
      `SELECT * FROM __lakestead_cte_1`, `WITH a AS (SELECT 1) SELECT * FROM __lakestead_cte_1`, `SELECT * FROM histogram_values(gold.SalesLT.Product, id)`,
      `SELECT * FROM histogram('${file}', a)`, `SELECT * FROM read_duckdb('${file}')`, `SELECT * FROM copy_database('a', 'b')`, `SELECT * FROM 'https://example.com/x.parquet'`,
      `SELECT '${file}'.read_text()`, `SELECT add_parquet_key('a', 'b')`, `SELECT * FROM seq_scan('x')`, `SELECT * FROM arrow_scan(1, 2, 3)`,
    ]; // prettier-ignore
  };

  test('each of many attempts to get out', async () => {
    const codes = new Set(['SQL_SYNTAX', 'SQL_NOT_SUPPORTED', 'SQL_NAME_NOT_FOUND']);
    const escaped: string[] = [];
    for (const text of refused()) {
      const outcome = await ask(text).then(
        () => 'ran',
        (error: unknown) => (typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error)),
      );
      if (!codes.has(outcome)) escaped.push(`${outcome}: ${text}`);
    }
    expect(escaped).toEqual([]);
  });

  test('a text that means nothing, with its line and column', async () => {
    await expect(ask("SELECT '😀é',\n  1 FORM gold")).rejects.toMatchObject({ code: 'SQL_SYNTAX', place: { line: 2, column: 10 } });
  });

  test('a function by its name and place', async () => {
    await expect(ask("SELECT '😀é',\n  getenv('HOME')")).rejects.toMatchObject({
      code: 'SQL_NOT_SUPPORTED',
      message: expect.stringContaining('getenv'),
      place: { line: 2, column: 3 },
    });
  });

  test('a table that is not there, with names that are near', async () => {
    await expect(ask('SELECT *\nFROM gold.SalesLT.Adress')).rejects.toMatchObject({
      code: 'SQL_NAME_NOT_FOUND',
      place: { line: 2, column: 6 },
      hint: 'did you mean gold.SalesLT.Address?',
    });
  });

  test('a name that several tables have, with their full names', async () => {
    await expect(ask('SELECT * FROM Address')).rejects.toMatchObject({
      code: 'SQL_NAME_NOT_FOUND',
      hint: 'write one of gold.SalesLT.Address, silver.SalesLT.Address',
    });
  });

  test('after a statement was refused or left unread, its connection is free again', async () => {
    for (let turn = 0; turn < 12; turn += 1) {
      await ask('SELECT * FROM nowhere').catch(() => {});
      await using result = await gateway.read({ principal, dialect: 'duckdb', text: 'SELECT * FROM gold.SalesLT.Address' });
      expect(result.columns).toHaveLength(3);
    }
  });

  test('a statement nested deeper than can be walked', async () => {
    await expect(ask(`SELECT ${'NOT '.repeat(5000)} true`)).rejects.toMatchObject({ code: 'SQL_SYNTAX' });
  });

  test('a statement that is cancelled while it runs', async () => {
    const signal = AbortSignal.timeout(50);
    const text = 'SELECT sum(range) FROM range(1000000000000)';
    const drain = async () => {
      const { batches } = await gateway.read({ principal, dialect: 'duckdb', text, signal });
      for await (const batch of batches) expect(batch.rowCount).toBe(0);
    };
    await expect(drain()).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('a statement that is cancelled before it begins', async () => {
    const abort = new AbortController();
    abort.abort();
    await expect(gateway.read({ principal, dialect: 'duckdb', text: 'SELECT 1', signal: abort.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });
});

describe('an address is resolved for the T-SQL sessions', () => {
  test('a Delta table as a relation of its newest snapshot, in every spelling', async () => {
    for (const address of [
      'gold/SalesLT/Product',
      'https://contoso.dfs.core.windows.net/gold/SalesLT/Product/',
      'abfss://gold@contoso.dfs.core.windows.net/SalesLT/Product',
    ]) {
      const relation = await gateway.resolveLake({ principal, address, format: 'delta' });
      if (relation.kind !== 'delta') throw new Error('no Delta table');
      expect(await engine.withLease((lease) => lease.rows(sql`SELECT count(*)::INTEGER AS n FROM (${relation.sql}) AS t`))).toEqual([
        { n: 5 },
      ]);
    }
  });

  test('files by name, folder and pattern, without hidden ones', async () => {
    const names = async (address: string) => {
      const relation = await gateway.resolveLake({ principal, address, format: 'csv' });
      return relation.kind === 'files' ? relation.names : [];
    };
    expect(await names('bronze/csv/a.csv')).toEqual(['bronze/csv/a.csv']);
    expect(await names('bronze/csv')).toEqual(['bronze/csv/a.csv', 'bronze/csv/b.csv']);
    expect(await names('bronze/csv/*.csv')).toEqual(['bronze/csv/a.csv', 'bronze/csv/b.csv']);
    expect(await names('bronze/csv/**')).toEqual(['bronze/csv/a.csv', 'bronze/csv/b.csv', 'bronze/csv/sub/c.csv']);
    await expect(names('bronze/csv/none*.csv')).rejects.toMatchObject({ code: 'STORAGE_NOT_FOUND' });
    await expect(names('https://elsewhere.dfs.core.windows.net/bronze/csv')).rejects.toMatchObject({ code: 'STORAGE_UNMAPPED' });
    await expect(names('bronze/../secret.csv')).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  });
});

describe('a random SELECT', () => {
  const column = fc.constantFrom('id', 'city', 's.a', 'a.id', 'a.city');
  const scalar = fc.letrec<{ expression: string; leaf: string }>((tie) => ({
    leaf: fc.oneof(
      column,
      fc.integer({ min: -9, max: 9 }).map(String),
      fc.constantFrom("'c1'", 'NULL', '0.5', "DATE '2024-02-29'", 'true', '9007199254740993'),
    ),
    expression: fc.oneof(
      { depthSize: 'small' },
      tie('leaf'),
      fc
        .tuple(tie('expression'), fc.constantFrom('+', '-', '*', '||', '=', '<', 'IS DISTINCT FROM', 'AND'), tie('expression'))
        .map(([a, op, b]) => `(${a} ${op} ${b})`),
      tie('expression').map((a) => `CASE WHEN ${a} IS NULL THEN 1 ELSE 2 END`),
      tie('expression').map((a) => `coalesce(TRY_CAST(${a} AS VARCHAR), 'none')`),
      tie('expression').map((a) => `[${a}, ${a}][1]`),
      tie('expression').map((a) => `{'k': ${a}}.k`),
      tie('expression').map((a) => `(SELECT max(${a}) FROM TABLE_B)`),
    ),
  })).expression;
  const select = fc
    .tuple(
      fc.array(scalar, { minLength: 1, maxLength: 3 }),
      fc.option(scalar),
      fc.boolean(),
      fc.constantFrom('TABLE_A a', 'TABLE_A a JOIN TABLE_B b ON a.id = b.k', '(SELECT * FROM TABLE_A) a'),
    )
    .map(
      ([columns, where, distinct, from]) =>
        `SELECT ${distinct ? 'DISTINCT ' : ''}${columns.join(', ')} FROM ${from}${where === null ? '' : ` WHERE coalesce(TRY_CAST((${where})::VARCHAR AS BOOLEAN), true)`} ORDER BY ALL`,
    );

  test('gives what DuckDB gives over the same files, or fails as it does', { timeout: 300_000 }, async () => {
    await writeDelta('gold/SalesLT/Keys', sql`SELECT i::INTEGER AS k FROM range(5) t(i)`);
    await using oracle = await openDuckdbEngine({ threads: 1 });
    await oracle.withLease(async (lease) => {
      await lease.run(sql`ATTACH ':memory:' AS gold`);
      await lease.run(sql`CREATE SCHEMA gold.SalesLT`);
      for (const name of ['Address', 'Keys']) {
        const files = literal(join(dir, 'gold/SalesLT', name, '*.parquet'));
        await lease.run(sql`CREATE VIEW gold.SalesLT.${unsafeSql(name)} AS SELECT * FROM read_parquet(${files})`);
      }
    });
    let answered = 0;
    const numRuns = process.env['VERIFY'] === '1' ? 2000 : 80;
    const settle = async (work: Promise<readonly Row[]>): Promise<object> =>
      await work.then(
        // DuckDB quotes the types of casts in names of columns until it knows them.
        (rows) => ({
          rows: rows.map((row) => Object.entries(row).map(([key, value]) => [key.replaceAll(/AS "([A-Z]+)"/g, 'AS $1'), value])),
        }),
        (error: { code: string }) => ({ code: error.code }),
      );
    await fc.assert(
      fc.asyncProperty(select, async (pattern) => {
        const text = pattern.replaceAll('TABLE_A', 'gold.SalesLT.Address').replaceAll('TABLE_B', 'gold.SalesLT.Keys');
        const expected = await settle(oracle.withLease((lease) => lease.rows(unsafeSql(text))));
        if ('rows' in expected) answered += 1;
        expect(await settle(ask(text))).toEqual(expected);
      }),
      { numRuns },
    );
    expect(answered).toBeGreaterThan(numRuns / 10);
  });
});
