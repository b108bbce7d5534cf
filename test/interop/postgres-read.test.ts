import { setTimeout as sleep } from 'node:timers/promises';

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type Connector, openConnector, type SourceQuery, type SourceResult } from '#connectors';
import { LakesteadError } from '#core';
import { type Engine, formatJson, type Lease, openDuckdbEngine } from '#engine';

import { findPostgres, type PostgresServer, startPostgres } from '../services/postgres.ts';

type Limits = { readonly timeoutMs?: number; readonly signal?: AbortSignal };

describe.skipIf(!findPostgres())('a read of a real PostgreSQL', () => {
  let server: PostgresServer;
  let client: pg.Client;
  let engine: Engine;
  let lease: Lease;
  beforeAll(async () => {
    engine = await openDuckdbEngine({ threads: 1 });
    lease = await engine.lease();
    server = await startPostgres();
    client = new pg.Client({ host: '127.0.0.1', port: server.port, user: server.user, database: 'postgres' });
    await client.connect();
    await client.query(`
      CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN zip AS varchar(5);
      CREATE TABLE parent (id int PRIMARY KEY, name text); INSERT INTO parent VALUES (1, 'one'), (2, NULL);
      CREATE TABLE child (id int NOT NULL, parent_id int, note text NOT NULL); INSERT INTO child VALUES (10, 1, 'x');
      CREATE VIEW seen AS SELECT id FROM parent;
    `);
  }, 120_000);
  afterAll(async () => {
    await lease[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
    await client.end();
    await server[Symbol.asyncDispose]();
  });

  const open = async (more: Record<string, unknown> = {}, signal?: AbortSignal): Promise<Connector> =>
    await openConnector(
      {
        kind: 'service',
        name: 'pg',
        type: 'PostgreSqlV2',
        typeProperties: { server: '127.0.0.1', port: server.port, database: 'postgres', username: 'postgres', ...more },
      },
      signal,
    );
  const begin = async (connector: Connector, query: SourceQuery | string, limits: Limits = {}): Promise<SourceResult> =>
    await connector.read(typeof query === 'string' ? { kind: 'query', text: query } : query, { lease, ...limits });
  const rowsOf = async ({ rows }: SourceResult): Promise<string[][]> => {
    const found: string[][] = [];
    if (rows.kind === 'batches')
      for await (const batch of rows.batches)
        for (let row = 0; row < batch.rowCount; row += 1) found.push(batch.columns.map((column) => formatJson(column[row] ?? null)));
    return found;
  };
  const read = async (connector: Connector, query: SourceQuery | string, limits: Limits = {}) =>
    await rowsOf(await begin(connector, query, limits));
  const fault = async (work: Promise<unknown>): Promise<LakesteadError> => {
    try {
      await work;
    } catch (error) {
      if (error instanceof LakesteadError) return error;
      throw error;
    }
    throw new Error('it succeeded');
  };
  /** Statements of connectors that the server still works on, and transactions that they keep open. */
  const busy = async () =>
    (await client.query("SELECT state, query FROM pg_stat_activity WHERE application_name = 'lakestead' AND state <> 'idle'")).rows;

  describe('the connection is free again', () => {
    const endings: readonly (readonly [claim: string, end: (connector: Connector) => Promise<unknown>])[] = [
      ['after all rows', async (connector) => await read(connector, 'SELECT i FROM generate_series(1, 5000) AS t(i)')],
      [
        'after the first batch',
        async (connector) => {
          const { rows } = await begin(connector, 'SELECT i FROM generate_series(1, 100000) AS t(i)');
          if (rows.kind === 'batches')
            for await (const batch of rows.batches) {
              expect(batch.rowCount).toBeGreaterThan(0);
              break;
            }
        },
      ],
      ['after a statement that fails', async (connector) => await fault(read(connector, 'SELECT * FROM nothing'))],
      [
        'after rows that fail',
        async (connector) => await fault(read(connector, 'SELECT 1 / (5000 - i) FROM generate_series(1, 9000) AS t(i)')),
      ],
      ['after a value that the lake does not have', async (connector) => await fault(read(connector, "SELECT 'infinity'::date"))],
      ['after a time-out', async (connector) => await fault(read(connector, 'SELECT pg_sleep(30)', { timeoutMs: 100 }))],
      [
        'after it was cancelled',
        async (connector) => await fault(read(connector, 'SELECT pg_sleep(30)', { signal: AbortSignal.timeout(100) })),
      ],
      [
        'after a loop that threw',
        async (connector) => {
          const { rows } = await begin(connector, 'SELECT i FROM generate_series(1, 100000) AS t(i)');
          const loop = async () => {
            if (rows.kind === 'batches')
              for await (const batch of rows.batches) throw new LakesteadError('DISK_FULL', String(batch.rowCount));
          };
          expect((await fault(loop())).code).toBe('DISK_FULL');
        },
      ],
    ];
    for (const [claim, end] of endings) {
      test(claim, async () => {
        await using connector = await open();
        await end(connector);
        expect(await busy()).toEqual([]);
        expect(await read(connector, 'SELECT 7 AS a')).toEqual([['7']]);
        expect((await connector.tables()).map(({ table }) => table)).toEqual(['child', 'parent', 'seen']);
      });
    }
  });

  test('rows that nobody asked for are given up by the next read, and say so', async () => {
    await using connector = await open();
    const first = await begin(connector, 'SELECT 1 AS a');
    expect(await read(connector, 'SELECT 2 AS a')).toEqual([['2']]);
    const error = await fault(rowsOf(first));
    expect([error.code, error.message]).toEqual(['INTERNAL', expect.stringMatching(/given up/)]);
  });

  test('rows that were read are not nothing the second time', async () => {
    await using connector = await open();
    const result = await begin(connector, 'SELECT 1 AS a');
    expect(await rowsOf(result)).toEqual([['1']]);
    expect((await fault(rowsOf(result))).code).toBe('INTERNAL');
  });

  test('a batch of wide rows is short, so that it fits', async () => {
    await using connector = await open();
    const { rows } = await begin(connector, "SELECT repeat('x', 1048576) AS a FROM generate_series(1, 200)");
    const counts: number[] = [];
    if (rows.kind === 'batches') for await (const batch of rows.batches) counts.push(batch.rowCount);
    expect(counts).toEqual([128, 16, 16, 16, 16, 8]);
  });

  test('a second read beside one that is being read is refused, and the first goes on', async () => {
    await using connector = await open();
    const { rows } = await begin(connector, 'SELECT i FROM generate_series(1, 5000) AS t(i)');
    let count = 0;
    if (rows.kind === 'batches')
      for await (const batch of rows.batches) {
        count += batch.rowCount;
        expect((await fault(begin(connector, 'SELECT 1'))).code).toBe('INTERNAL');
      }
    expect(count).toBe(5000);
    const both = await Promise.allSettled([begin(connector, 'SELECT 1 AS a'), begin(connector, 'SELECT 2 AS a')]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });

  test('what runs is interrupted at once, on the server too', async () => {
    await using connector = await open();
    const abort = new AbortController();
    const work = fault(read(connector, 'SELECT i, pg_sleep(30) FROM generate_series(1, 10) AS t(i)', { signal: abort.signal }));
    await sleep(300);
    expect(await busy()).toHaveLength(1);
    const started = performance.now();
    abort.abort();
    expect((await work).code).toBe('CANCELLED');
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(await busy()).toEqual([]);
  });

  test('a request to stop that comes with the statement is not lost', async () => {
    await using connector = await open();
    for (let round = 0; round < 20; round += 1) {
      const abort = new AbortController();
      const work = fault(read(connector, 'SELECT pg_sleep(30)', { signal: abort.signal }));
      setTimeout(() => abort.abort(), round / 4);
      const started = performance.now();
      expect((await work).code).toBe('CANCELLED');
      expect(performance.now() - started).toBeLessThan(15_000);
    }
    expect(await read(connector, 'SELECT 7 AS a')).toEqual([['7']]);
  });

  test('who cancels with a reason of ours is told that reason', async () => {
    await using connector = await open();
    const why = new LakesteadError('TIMEOUT', 'the activity took longer than 1 s');
    const abort = new AbortController();
    setTimeout(() => abort.abort(why), 100);
    expect(await fault(read(connector, 'SELECT pg_sleep(30)', { signal: abort.signal }))).toBe(why);
  });

  test('the signal of the opening ends every statement later, and so does closing', async () => {
    const abort = new AbortController();
    await using connector = await open({}, abort.signal);
    const work = fault(read(connector, 'SELECT pg_sleep(30)'));
    setTimeout(() => abort.abort(), 100);
    expect((await work).code).toBe('CANCELLED');
    expect((await fault(connector.check())).code).toBe('CANCELLED');
    const other = await open();
    const endless = fault(read(other, 'SELECT pg_sleep(30)'));
    await sleep(100);
    await other[Symbol.asyncDispose]();
    expect((await endless).code).toBe('CANCELLED');
    expect(await busy()).toEqual([]);
  });

  test('the limit is one of the whole read, not of each batch', async () => {
    await using connector = await open();
    // Each batch of 2048 rows takes about 0.4 s, the whole about 20 s.
    const slow = 'SELECT i, pg_sleep(CASE WHEN i % 1024 = 0 THEN 0.2 ELSE 0 END) FROM generate_series(1, 100000) AS t(i)';
    const started = performance.now();
    let batches = 0;
    const work = async () => {
      const { rows } = await begin(connector, slow, { timeoutMs: 1500 });
      if (rows.kind === 'batches') for await (const batch of rows.batches) batches += Math.sign(batch.rowCount);
    };
    const error = await fault(work());
    expect([error.code, error.message]).toEqual(['TIMEOUT', `reading from 127.0.0.1:${server.port} took longer than 1.5 s`]);
    expect(batches).toBeGreaterThanOrEqual(3);
    expect(performance.now() - started).toBeLessThan(15_000);
    await using limited = await open({ commandTimeout: 0.2 });
    expect((await fault(read(limited, 'SELECT pg_sleep(30)'))).code).toBe('TIMEOUT');
  });

  test("the server's own limit and its administrator are told from ours", async () => {
    await client.query("CREATE ROLE hasty LOGIN; ALTER ROLE hasty SET statement_timeout = '200ms'");
    await using hasty = await open({ username: 'hasty' });
    const limited = await fault(read(hasty, 'SELECT pg_sleep(30)'));
    expect([limited.code, limited.hint]).toEqual(['TIMEOUT', expect.stringMatching(/statement_timeout/)]);
    await using connector = await open();
    const cancelled = fault(read(connector, 'SELECT pg_sleep(30)'));
    await sleep(200);
    const ofConnector = "FROM pg_stat_activity WHERE application_name = 'lakestead' AND state = 'active'";
    await client.query(`SELECT pg_cancel_backend(pid) ${ofConnector}`);
    expect(await cancelled).toMatchObject({ code: 'CONNECT_FAILED', message: expect.stringMatching(/somebody on the server cancelled/) });
    const ended = fault(read(connector, 'SELECT pg_sleep(30)'));
    await sleep(200);
    await client.query(`SELECT pg_terminate_backend(pid) ${ofConnector}`);
    expect((await ended).code).toBe('CONNECT_FAILED');
    expect((await fault(connector.check())).code).toBe('CONNECT_FAILED');
  });

  test('a statement that fails is named by what is wrong with it', async () => {
    await using connector = await open();
    const codes: Record<string, string> = {};
    for (const query of [
      'SELECT no_such FROM parent',
      "SELECT 'x'::int",
      'DELETE FROM parent',
      'SELECT 1 / 0',
      'SELECT nextval(1)',
      'TABLE parent FOR UPDATE',
    ])
      codes[query] = (await fault(read(connector, query))).code;
    expect(codes).toEqual({
      'SELECT no_such FROM parent': 'SQL_NAME_NOT_FOUND',
      "SELECT 'x'::int": 'SQL_TYPE',
      'DELETE FROM parent': 'SQL_SYNTAX',
      'SELECT 1 / 0': 'CONNECT_FAILED',
      'SELECT nextval(1)': 'CONNECT_FAILED',
      'TABLE parent FOR UPDATE': 'SQL_NOT_SUPPORTED',
    });
  });

  // The names are those that psql's \d shows; the texts are PostgreSQL's own (documentation, chapter "Data Types").
  const types: readonly (readonly [expression: string, sourceType: string, lakeType: string, json: string])[] = [
    ['ARRAY[1,NULL,3]', 'integer[]', 'VARCHAR', '"{1,NULL,3}"'],
    ["ARRAY['a,b', 'c\"d']::varchar(9)[]", 'character varying(9)[]', 'VARCHAR', String.raw`"{\"a,b\",\"c\\\"d\"}"`],
    ["'1 year 2 mons 3 days 04:05:06.789'::interval", 'interval', 'VARCHAR', '"1 year 2 mons 3 days 04:05:06.789"'],
    ["'04:05'::interval hour to minute", 'interval hour to minute', 'VARCHAR', '"04:05:00"'],
    ["'24:00:00'::time", 'time without time zone', 'VARCHAR', '"24:00:00"'],
    ["'13:14:15.123'::time(3)", 'time(3) without time zone', 'VARCHAR', '"13:14:15.123"'],
    ["'13:14:15+02:30'::timetz", 'time with time zone', 'VARCHAR', '"13:14:15+02:30"'],
    ["'192.168.0.1/24'::inet", 'inet', 'VARCHAR', '"192.168.0.1/24"'],
    ["'10.1.0.0/16'::cidr", 'cidr', 'VARCHAR', '"10.1.0.0/16"'],
    ["'6F9619FF-8B86-D011-B42D-00C04FC964FF'::uuid", 'uuid', 'VARCHAR', '"6f9619ff-8b86-d011-b42d-00c04fc964ff"'],
    ["'ab'::char(5)", 'character(5)', 'VARCHAR', '"ab   "'],
    ["'ab '::bpchar", 'bpchar', 'VARCHAR', '"ab "'],
    ["'ab'::varchar(60)", 'character varying(60)', 'VARCHAR', '"ab"'],
    ["B'1010'::bit(4)", 'bit(4)', 'VARCHAR', '"1010"'],
    ["B'10'::varbit", 'bit varying', 'VARCHAR', '"10"'],
    ["'1234.5'::money", 'money', 'VARCHAR', '"$1,234.50"'],
    ["'happy'::mood", 'mood', 'VARCHAR', '"happy"'],
    ["'12345'::zip", 'character varying(5)', 'VARCHAR', '"12345"'],
    ["'x'", 'text', 'VARCHAR', '"x"'],
    ["'x'::name", 'name', 'VARCHAR', '"x"'],
    ["'[1,5)'::int4range", 'int4range', 'VARCHAR', '"[1,5)"'],
    ["'(1,2)'::point", 'point', 'VARCHAR', '"(1,2)"'],
    ["'parent'::regclass", 'regclass', 'VARCHAR', '"parent"'],
    ['4294967295::oid', 'oid', 'BIGINT', '4294967295'],
    ["'<a>1</a>'::xml", 'xml', 'VARCHAR', '"<a>1</a>"'],
    [`'{"b": 1.50,  "a":1}'::json`, 'json', 'VARCHAR', String.raw`"{\"b\": 1.50,  \"a\":1}"`],
    ['12.5::numeric(19,4)', 'numeric(19,4)', 'DECIMAL(19,4)', '12.5000'],
    ['12345::numeric(3,-2)', 'numeric(3,-2)', 'VARCHAR', '"12300"'],
    ['0.00012::numeric(2,5)', 'numeric(2,5)', 'VARCHAR', '"0.00012"'],
    ["'NaN'::numeric", 'numeric', 'VARCHAR', '"NaN"'],
    ["'-Infinity'::float8", 'double precision', 'DOUBLE', '"-Infinity"'],
    ['3.4028235e38::float4', 'real', 'FLOAT', '3.4028235e+38'],
    ["'2024-02-29 12:00:00.123456'::timestamp(3)", 'timestamp(3) without time zone', 'TIMESTAMP', '"2024-02-29T12:00:00.123"'],
    ["'0001-01-01'::date", 'date', 'DATE', '"0001-01-01"'],
  ];
  test('every type keeps its name and its exact value', async () => {
    await using connector = await open();
    for (const [expression, sourceType, lakeType, json] of types) {
      const result = await begin(connector, `SELECT ${expression} AS v`);
      const [column] = result.columns;
      expect([expression, column?.sourceType, column?.lakeType, (await rowsOf(result))[0]?.[0]]).toEqual([
        expression,
        sourceType,
        lakeType,
        json,
      ]);
    }
  });

  test('what the lake does not have is refused by column and row', async () => {
    await using connector = await open();
    const cases: readonly (readonly [good: string, bad: string, sourceType: string])[] = [
      ["'2024-01-01'::date", 'infinity', 'date'],
      ["'2024-01-01'::date", '-infinity', 'date'],
      ["'2024-01-01'::date", '0044-03-15 BC', 'date'],
      ["'2024-01-01'::date", '300000-01-01', 'date'],
      ["'2024-01-01'::timestamp", 'infinity', 'timestamp without time zone'],
      ["'2024-01-01'::timestamp", '294276-12-31 23:59:59', 'timestamp without time zone'],
      ["'2024-01-01'::timestamptz", '0044-03-15 00:00:00+00 BC', 'timestamp with time zone'],
      ['1.5::numeric(5,2)', 'NaN', 'numeric(5,2)'],
    ];
    for (const [good, bad, sourceType] of cases) {
      const query = `SELECT i, (CASE WHEN i = 3000 THEN '${bad}' ELSE ${good}::text END)::${sourceType} AS "the day" FROM generate_series(1, 5000) AS t(i)`;
      const error = await fault(read(connector, query));
      expect([error.code, error.message]).toEqual([
        'SQL_TYPE',
        expect.stringContaining(`row 3000, column the day: the ${sourceType} is ${bad}, which`),
      ]);
      expect([error.hint, error.data]).toEqual([expect.stringContaining('CAST("the day" AS text)'), { column: 'the day', row: 3000 }]);
    }
  });

  test('NOT NULL is told of a table, and never of what a join or a set may leave empty', async () => {
    await using connector = await open();
    const nullable = async (query: SourceQuery | string) =>
      Object.fromEntries((await begin(connector, query)).columns.map((column) => [column.name, column.nullable]));
    expect(await nullable({ kind: 'table', schema: 'public', table: 'child' })).toEqual({ id: false, parent_id: true, note: false });
    expect(await nullable('SELECT id, name, id + 1 AS next, id AS again FROM parent')).toEqual({
      id: false,
      name: true,
      next: true,
      again: false,
    });
    expect(await nullable('SELECT s.id FROM (SELECT * FROM parent) AS s')).toEqual({ id: false });
    expect(await nullable('SELECT id FROM seen')).toEqual({ id: true });
    expect(await nullable('SELECT p.id, c.note FROM parent p left JOIN child c ON c.parent_id = p.id')).toEqual({ id: true, note: true });
    expect(await nullable('SELECT id, count(*) AS n FROM parent GROUP BY ROLLUP (id)')).toEqual({ id: true, n: true });
    expect(await nullable('SELECT id FROM parent UNION ALL SELECT NULL')).toEqual({ id: true });
    expect(await nullable('SELECT (SELECT id FROM parent WHERE id = 99) AS id')).toEqual({ id: true });
  });

  test('bytes are counted as they came over the wire', async () => {
    await using connector = await open();
    const result = await begin(connector, "SELECT 'Zoë 𝄞' AS a, NULL AS b, 12345 AS c");
    await rowsOf(result);
    expect(result.rows.kind === 'batches' && result.rows.bytesRead()).toBe(Buffer.byteLength('Zoë 𝄞') + 5);
  });

  test('text of another encoding arrives right, and bytes without one are refused when they are no UTF-8', async () => {
    await client.query("CREATE DATABASE west ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    await client.query("CREATE DATABASE raw ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
    await using west = await open({ database: 'west' });
    expect(await read(west, "SELECT chr(235) || 'é' AS a")).toEqual([['"ëé"']]);
    await using raw = await open({ database: 'raw' });
    expect(await read(raw, "SELECT 'é' AS a")).toEqual([['"é"']]);
    const writer = new pg.Client({ host: '127.0.0.1', port: server.port, user: server.user, database: 'raw' });
    await writer.connect();
    await writer.query(String.raw`SET client_encoding = 'SQL_ASCII'; CREATE TABLE legacy AS SELECT E'a\xE9' AS a`);
    await writer.end();
    const error = await fault(read(raw, 'SELECT a FROM legacy'));
    expect([error.code, error.message]).toEqual(['SQL_TYPE', expect.stringMatching(/invalid byte sequence for encoding "UTF8"/)]);
    expect(await read(raw, "SELECT convert_to(a, 'SQL_ASCII') AS a FROM legacy")).toEqual([['"Yek="']]);
  });
});
