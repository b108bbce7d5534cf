import type { ChildProcess } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import pg from 'pg';
import { expect, test } from 'vitest';

import type { ServeDocument } from '#project';

import { lakestead, lakesteadJson, temporaryFolder } from '../support/cli.ts';

/** Starts `lakestead serve`, and says what it says when it is ready; `ended` is its end after `child` was stopped. */
async function serve<T>(args: readonly string[]) {
  const { promise: ready, resolve } = Promise.withResolvers<T>();
  const { promise: started, resolve: setChild } = Promise.withResolvers<ChildProcess>();
  const ended = lakestead(['serve', '--pg-port', '0', '--json', ...args], {
    onStart: (child) => {
      let text = '';
      child.stdout?.on('data', (piece: Buffer) => {
        text += piece.toString();
        if (text.includes('\n')) resolve(JSON.parse(text) as T);
      });
      setChild(child);
    },
  });
  return { ready: await Promise.race([ready, ended.then(({ stderr }) => Promise.reject(new Error(stderr)))]), child: await started, ended };
}

test('the lake is served to one user over TLS; every statement passes the gateway; Ctrl-C ends it', { timeout: 120_000 }, async () => {
  using folder = temporaryFolder();
  const project = join(folder.path, 'empty');
  await lakesteadJson(['init', project, '--template', 'empty']);
  const sql = async (text: string) => await lakesteadJson<unknown>(['sql', '--project', project, text]);
  await sql(
    "CREATE TABLE gold.sales.orders AS SELECT i::INTEGER AS id, 'n' || i AS name, DATE '2026-01-01' + i::INTEGER AS day FROM range(100) r(i)",
  );
  const { ready, child, ended } = await serve<ServeDocument>(['--project', project]);
  expect(statSync(ready.passwordFile).mode & 0o777).toBe(0o600);
  const login = {
    host: ready.pg.host,
    port: ready.pg.port,
    user: ready.user,
    database: ready.database,
    password: readFileSync(ready.passwordFile, 'utf8').trim(),
  };
  const client = new pg.Client({ ...login, ssl: { ca: readFileSync(ready.caFile, 'utf8') } });
  await client.connect();
  expect((await client.query('SELECT count(*)::int AS n, max(day)::varchar AS last FROM gold.sales.orders')).rows).toEqual([
    { n: 100, last: '2026-04-10' },
  ]);
  const byParameters = 'SELECT name FROM gold.sales.orders WHERE id = $1 AND name LIKE $2 AND day > $3::date';
  expect((await client.query(byParameters, [42, 'n%', '2026-01-05'])).rows).toEqual([{ name: 'n42' }]);
  expect((await client.query('SELECT $1 AS x', ["it's $2 \\ ; --"])).rows).toEqual([{ x: "it's $2 \\ ; --" }]);
  // What another process commits is there for the next statement.
  await sql("INSERT INTO gold.sales.orders VALUES (100, 'new', NULL)");
  await client.query('BEGIN');
  expect((await client.query('SELECT name FROM gold.sales.orders WHERE id = 100')).rows).toEqual([{ name: 'new' }]);
  await client.query('COMMIT');
  const hostile: readonly (readonly [string, string])[] = [
    ["SELECT * FROM read_csv('/etc/passwd')", '0A000'], ["SELECT * FROM '/etc/passwd'", '42P01'], ["COPY (SELECT 1) TO '/tmp/x.csv'", '0A000'], ["ATTACH '/tmp/x.db'", '0A000'],
    ['SET enable_external_access = true', '0A000'], ['PRAGMA database_list', '0A000'], ['CREATE TABLE x AS SELECT 1', '0A000'], ['INSERT INTO gold.sales.orders VALUES (1)', '0A000'],
    ['SELECT * FROM nowhere', '42P01'], ['SELECT current_setting(\'home_directory\')', '0A000'], ['SELEC 1', '42601'], ["SELECT * FROM parquet_metadata('x')", '0A000'],
  ]; // prettier-ignore
  for (const [text, code] of hostile)
    await expect(client.query(text).catch((error: unknown) => ({ text, code: (error as { code: string }).code }))).resolves.toEqual({
      text,
      code,
    });
  await expect(new pg.Client({ ...login, password: 'wrong' }).connect()).rejects.toMatchObject({ code: '28P01' });
  await expect(new pg.Client({ ...login, database: 'other' }).connect()).rejects.toMatchObject({ code: '3D000' });
  const lost = new Promise((resolve) => client.on('error', resolve));
  child.kill('SIGINT');
  expect((await ended).exitCode).toBe(0);
  expect(await lost).toMatchObject({ code: '57P01' });
});

test('--scratch gives each connection a database of its own, without files, and no project', { timeout: 60_000 }, async () => {
  using folder = temporaryFolder();
  const { ready, child, ended } = await serve<{ pg: { host: string; port: number } }>(['--scratch']);
  const connect = async () => {
    const client = new pg.Client({ ...ready.pg, user: 'anybody', database: 'anything' });
    await client.connect();
    return client;
  };
  const [one, two] = [await connect(), await connect()];
  await one.query('CREATE TABLE t AS SELECT 1 AS i');
  expect((await one.query('SELECT * FROM t')).rows).toEqual([{ i: 1 }]);
  await expect(two.query('SELECT * FROM t')).rejects.toMatchObject({ code: '42P01' });
  await expect(one.query("SELECT * FROM read_csv('/etc/passwd')")).rejects.toMatchObject({ code: '42501' });
  await expect(one.query('SET enable_external_access = true')).rejects.toThrow('Cannot enable external access');
  await one.end();
  await two.end();
  child.kill('SIGINT');
  expect((await ended).exitCode).toBe(0);
  const refused = await lakestead(['serve', '--scratch', '--project', folder.path, '--json']);
  expect([refused.exitCode, (JSON.parse(refused.stderr) as { code: string }).code]).toEqual([2, 'USAGE']);
});
