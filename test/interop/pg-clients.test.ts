import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { makeVerifier } from '#serve';

import { requireOrSkip } from '../services/availability.ts';
import { findPostgres } from '../services/postgres.ts';
import { findPython } from '../services/python.ts';
import { startScratch } from '../support/pg-server.ts';

const run = promisify(execFile);
const hasPsql = findPostgres();
const python = requireOrSkip('Python with psycopg, asyncpg and pg8000', findPython(), 'node test/services/python.ts');
const password = 'pässwörd with spaces';
let server: Awaited<ReturnType<typeof startScratch>>;
let folder: string;
beforeAll(async () => {
  server = await startScratch({ verifier: await makeVerifier(password) });
  folder = mkdtempSync(join(tmpdir(), 'lakestead-pg-'));
  writeFileSync(join(folder, 'ca.pem'), server.ca);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const target = (more: Readonly<Record<string, string>> = {}) =>
  Object.entries({ host: '127.0.0.1', port: String(server.port), user: 'ada', dbname: 'any', sslmode: 'verify-ca', sslrootcert: join(folder, 'ca.pem'), ...more })
    .map(([key, value]) => `${key}=${value}`)
    .join(' '); // prettier-ignore

describe.skipIf(!hasPsql)('psql', () => {
  const psql = async (input: readonly string[], more: Readonly<Record<string, string>> = {}, secret = password) =>
    await run('psql', ['-X', '-A', '-t', target(more), ...input.flatMap((text) => ['-c', text])], {
      env: { ...process.env, PGPASSWORD: secret },
    })
      .then(({ stdout, stderr }) => ({ stdout: stdout.trim(), stderr: stderr.trim() }))
      .catch((error: { stdout: string; stderr: string }) => ({ stdout: error.stdout.trim(), stderr: error.stderr.trim() }));

  test('comes in by SCRAM with channel binding over TLS, and without TLS', async () => {
    expect((await psql(['SELECT 1'], { channel_binding: 'require' })).stdout).toBe('1');
    expect((await psql(['SELECT 1'], { sslmode: 'disable' })).stdout).toBe('1');
  });

  test('a wrong password, and a user that is not there, are refused alike', async () => {
    const [wrong, nobody] = [await psql(['SELECT 1'], {}, 'no'), await psql(['SELECT 1'], { user: 'bob' })];
    expect(wrong.stderr).toContain('the user "ada" was not let in');
    expect(nobody.stderr.replace('bob', 'ada')).toBe(wrong.stderr);
  });

  test('statements, transactions, cursors, COPY; an error has its place', async () => {
    const many = await psql([
      'CREATE TABLE t (i INTEGER, s VARCHAR)',
      `INSERT INTO t VALUES (1, 'a'), (2, NULL), (3, E'x\\ty')`,
      'BEGIN; DELETE FROM t; ROLLBACK',
      'BEGIN; DECLARE c CURSOR FOR SELECT i FROM t ORDER BY i; FETCH 2 FROM c; FETCH ALL FROM c; COMMIT',
      'COPY t TO STDOUT',
      'COPY (SELECT * FROM t ORDER BY i) TO STDOUT WITH (FORMAT csv, HEADER)',
    ]);
    expect(many.stdout.split('\n')).toEqual([
      'CREATE TABLE', 'INSERT 0 3', 'BEGIN', 'DELETE 3', 'ROLLBACK', 'BEGIN', 'DECLARE CURSOR', '1', '2', '3', 'COMMIT',
      '1\ta', '2\t\\N', '3\tx\\ty', 'i,s', '1,a', '2,', '3,x\ty',
    ]); // prettier-ignore
    const { stderr } = await psql(['SELECT 1 AS "é", nope FROM (SELECT 1 AS a)']);
    expect(stderr).toContain('Referenced column "nope" not found');
    expect(stderr).toMatch(/LINE 1: SELECT 1 AS "é", nope FROM[^\n]*\n {25}\^/);
  });
});

describe('node-pg', () => {
  const connect = async (more: pg.ClientConfig = {}) => {
    const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'ada', password, database: 'any', ...more });
    await client.connect();
    return client;
  };

  test('with a certificate that it checks; parameters; named statements; SQLSTATE', async () => {
    const client = await connect({ ssl: { ca: server.ca } });
    expect((await client.query('SELECT $1::int + $2::int AS n, $3 AS t', [1, 41, 'x'])).rows).toEqual([{ n: 42, t: 'x' }]);
    const named = { name: 'add', text: 'SELECT $1::bigint * 2 AS n' };
    for (const value of ['4611686018427387903', '1'])
      expect((await client.query({ ...named, values: [value] })).rows[0]).toEqual({ n: String(BigInt(value) * 2n) });
    await expect(client.query('SELECT * FROM nowhere')).rejects.toMatchObject({ code: '42P01' });
    await expect(client.query("SELECT 'x'::int")).rejects.toMatchObject({ code: '22P02' });
    await expect(client.query('SELECT $1::int', ['x'])).rejects.toMatchObject({ code: '22P02' });
    await expect(client.query('LISTEN x')).rejects.toMatchObject({ code: '0A000' });
    // After each error the connection goes on.
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    await client.end();
  });

  test('a failed transaction takes nothing but its end', async () => {
    const client = await connect();
    await client.query('CREATE TABLE t AS SELECT 1 AS i');
    await client.query('BEGIN');
    await client.query('DELETE FROM t');
    await expect(client.query('SELECT nope')).rejects.toMatchObject({ code: '42703' });
    await expect(client.query('SELECT 1')).rejects.toMatchObject({ code: '25P02' });
    expect((await client.query('COMMIT')).command).toBe('ROLLBACK');
    expect((await client.query('SELECT count(*)::int AS n FROM t')).rows).toEqual([{ n: 1 }]);
    await client.end();
  });

  test('a statement is cancelled by its key, and by no other', { timeout: 30_000 }, async () => {
    const client = await connect();
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
    const cancel = async (key: number) =>
      await new Promise<void>((resolve) => {
        const other = new pg.Client({ host: '127.0.0.1', port: server.port }) as unknown as { connection: { connect(port: number, host: string): void; cancel(id: number, key: number): void; on(event: string, handler: () => void): void } }; // prettier-ignore
        other.connection.on('connect', () => other.connection.cancel(processID, key));
        other.connection.on('end', resolve);
        other.connection.on('error', resolve);
        other.connection.connect(server.port, '127.0.0.1');
      });
    const long = client.query('SELECT count(*) FROM range(100000000000) a(i) WHERE hash(i) = 1').then(
      () => 'ended',
      (error: { code: string }) => error.code,
    );
    await cancel(secretKey + 1);
    expect(await Promise.race([long, new Promise((resolve) => setTimeout(() => resolve('still running'), 500))])).toBe('still running');
    await cancel(secretKey);
    expect(await long).toBe('57014');
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    await client.end();
  });

  test('rows of a cursor that began messages ago end by statement_timeout too', { timeout: 30_000 }, async () => {
    const client = await connect();
    await client.query('BEGIN');
    await client.query('DECLARE c CURSOR FOR SELECT i FROM range(100000000000) r(i) WHERE i < 3000000 OR hash(i) = 1');
    expect((await client.query('FETCH 10 FROM c')).rows).toHaveLength(10);
    await client.query("SET statement_timeout = '1s'");
    await expect(client.query('MOVE ALL FROM c')).rejects.toMatchObject({ code: '57014' });
    await client.query('ROLLBACK');
    await client.end();
  });

  test('a value that cannot be sent is an error, and no half message', async () => {
    const client = await connect();
    const binary = { text: 'SELECT 1 AS n, [[1], [2, 3]] AS l', queryMode: 'extended', binary: true } as pg.QueryConfig;
    await expect(client.query(binary)).rejects.toMatchObject({ code: '0A000' });
    expect((await client.query('SELECT [[1], [2, 3]]::varchar AS l')).rows).toEqual([{ l: '[[1], [2, 3]]' }]);
    await client.end();
  });

  test('what is no message of the protocol ends its connection, and no other', async () => {
    const client = await connect();
    const { connection } = client as unknown as { connection: { stream: { write(bytes: Buffer): void } } };
    const ended = new Promise<unknown>((resolve) => client.on('error', resolve));
    connection.stream.write(Buffer.from([0x51, 0x7f, 0xff, 0xff, 0xff]));
    expect(await ended).toMatchObject({ code: '08P01' });
    const next = await connect();
    expect((await next.query('SELECT 2 AS n')).rows).toEqual([{ n: 2 }]);
    await next.end();
  });

  test('settings are kept, reported and reset; what would change the form of values is refused', async () => {
    const client = await connect({ application_name: 'tests', options: '-c statement_timeout=0' });
    expect((await client.query('SHOW application_name')).rows).toEqual([{ application_name: 'tests' }]);
    await client.query("SET search_path TO 'x', public");
    expect((await client.query('SHOW search_path')).rows).toEqual([{ search_path: 'x, public' }]);
    await client.query('DISCARD ALL');
    expect((await client.query('SHOW search_path')).rows).toEqual([{ search_path: '"$user", public' }]);
    await expect(client.query("SET client_encoding = 'LATIN1'")).rejects.toMatchObject({ code: '22023' });
    await expect(client.query("SET datestyle = 'German'")).rejects.toMatchObject({ code: '22023' });
    await expect(client.query("SET lock_timeout = '5s'")).rejects.toMatchObject({ code: '0A000' });
    await expect(client.query("SET statement_timeout = 'soon'")).rejects.toMatchObject({ code: '22023' });
    await client.query("SET statement_timeout = '200ms'");
    await expect(client.query('SELECT count(*) FROM range(100000000000) a(i) WHERE hash(i) = 1')).rejects.toMatchObject({ code: '57014' });
    await client.query('RESET statement_timeout');
    await client.query('BEGIN READ ONLY');
    await expect(client.query('CREATE TABLE t AS SELECT 1 AS i')).rejects.toMatchObject({ code: '25006' });
    await client.query('ROLLBACK');
    await client.query('CREATE TABLE t AS SELECT 1 AS i');
    await expect(client.query("COPY t TO STDOUT (FORMAT csv, ENCODING 'latin1')")).rejects.toMatchObject({ code: '0A000' });
    await client.end();
  });
});

test('a million rows stream through, and memory does not grow with them', { timeout: 120_000 }, async () => {
  const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'ada', password, database: 'any' });
  await client.connect();
  const query = new pg.Query("SELECT i, i * 1.5 AS x, 'row ' || i AS s FROM range(1000000) r(i)");
  let rows = 0;
  let sum = 0;
  query.on('row', (row: { i: string }) => {
    rows += 1;
    sum += Number(row.i);
  });
  const ended = new Promise<void>((resolve, reject) => {
    query.on('end', () => resolve());
    query.on('error', reject);
  });
  client.query(query);
  await ended;
  expect([rows, sum]).toEqual([1_000_000, 499_999_500_000]);
  await client.end();
});

const programs: Readonly<Record<string, string>> = {
  psycopg: `
import psycopg
c = psycopg.connect(sys.argv[1], password=sys.argv[2])
r = c.execute("SELECT %s::int + 1, %s, %s::numeric(9,4), %s::date", (41, "é", "1.5000", "2024-02-29")).fetchone()
assert r == (42, "é", __import__("decimal").Decimal("1.5000"), __import__("datetime").date(2024, 2, 29)), r
cur = c.cursor(binary=True)
r = cur.execute("SELECT [1,2,NULL], 1.25::double, true, timestamp '2024-01-01 10:00:00', uuid 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'x'::blob, 123.45::decimal(9,2), interval '3 days'").fetchone()
assert r[0] == [1, 2, None] and r[5] == b"x" and str(r[6]) == "123.45" and r[7].days == 3, r
with c.cursor("named") as named:
    named.itersize = 100
    named.execute("SELECT i FROM range(1000) r(i)")
    assert sum(row[0] for row in named) == 499500
try:
    c.execute("SELECT nope")
    raise SystemExit("no error")
except psycopg.errors.UndefinedColumn as e:
    assert e.diag.sqlstate == "42703"
c.rollback()
with c.cursor() as cur:
    with cur.copy("COPY (SELECT i, 's' || i FROM range(5) r(i)) TO STDOUT (FORMAT binary)") as copy:
        copy.set_types(["int8", "text"])
        assert list(copy.rows())[4] == (4, "s4")
with c.pipeline():
    a = c.execute("SELECT 1"); b = c.execute("SELECT 2")
assert a.fetchone() == (1,) and b.fetchone() == (2,)
`,
  asyncpg: `
import asyncio, asyncpg, ssl
async def main():
    kv = dict(part.split("=", 1) for part in sys.argv[1].split(" "))
    ctx = ssl.create_default_context(cafile=kv["sslrootcert"])
    c = await asyncpg.connect(host=kv["host"], port=int(kv["port"]), user=kv["user"], password=sys.argv[2], database="any", ssl=ctx, command_timeout=20)
    r = await c.fetchrow("SELECT $1::int + 1 AS n, $2::text AS t, $3::double precision AS d, $4::date AS day", 41, "é", 1.5, __import__("datetime").date(2024, 2, 29))
    assert r["n"] == 42 and r["t"] == "é" and r["d"] == 1.5 and r["day"].day == 29, r
    async with c.transaction():
        total = 0
        async for row in c.cursor("SELECT i FROM range(1000) r(i)", prefetch=50):
            total += row["i"]
        assert total == 499500
    try:
        await c.fetch("SELECT * FROM nowhere")
        raise SystemExit("no error")
    except asyncpg.UndefinedTableError:
        pass
    await c.execute("CREATE TABLE t (a INTEGER, b VARCHAR)")
    await c.executemany("INSERT INTO t VALUES ($1, $2)", [(i, str(i)) for i in range(10)])
    assert await c.fetchval("SELECT count(*) FROM t") == 10
    await c.close()
asyncio.run(main())
`,
  pg8000: `
import pg8000.native, ssl
kv = dict(part.split("=", 1) for part in sys.argv[1].split(" "))
ctx = ssl.create_default_context(cafile=kv["sslrootcert"])
c = pg8000.native.Connection(kv["user"], host=kv["host"], port=int(kv["port"]), password=sys.argv[2], database="any", ssl_context=ctx)
assert c.run("SELECT CAST(:a AS INTEGER) + 1, CAST(:b AS VARCHAR)", a=41, b="é") == [[42, "é"]]
try:
    c.run("SELECT nope")
    raise SystemExit("no error")
except pg8000.exceptions.DatabaseError as e:
    assert e.args[0]["C"] == "42703", e.args
assert c.run("SELECT 1") == [[1]]
c.close()
`,
};

describe.skipIf(python === undefined)('Python', () => {
  test.each(Object.entries(programs))('%s', { timeout: 60_000 }, async (_, program) => {
    expect(await run(python ?? '', ['-c', `import sys\n${program}`, target(), password])).toMatchObject({ stderr: '' });
  });
});
