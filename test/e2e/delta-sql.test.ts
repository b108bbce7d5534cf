import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { findAzurite, startAzurite } from '../services/azurite.ts';
import { lakestead, temporaryFolder } from '../support/cli.ts';

test('lakestead delta sql: one table in a folder, called t, without a project', { timeout: 60_000 }, async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'some folder');
  const run = async (statement: string, ...more: readonly string[]) => await lakestead(['delta', 'sql', path, statement, ...more]);
  const ask = async (statement: string): Promise<unknown> => {
    const { stdout, stderr, exitCode } = await run(statement, '--json');
    expect({ statement, stderr, exitCode }).toEqual({ statement, stderr: '', exitCode: 0 });
    return JSON.parse(stdout);
  };
  expect(await ask("CREATE TABLE t (id BIGINT, name STRING) USING DELTA TBLPROPERTIES ('delta.checkpointInterval' = '3')")).toEqual([
    { num_affected_rows: 0, num_inserted_rows: 0 },
  ]);
  expect(await ask("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, NULL)")).toEqual([{ num_affected_rows: 3, num_inserted_rows: 3 }]);
  expect(await ask("UPDATE T SET name = 'x' WHERE name IS NULL")).toEqual([{ num_affected_rows: 1 }]);
  expect(await ask('DELETE FROM t WHERE id = 1')).toEqual([{ num_affected_rows: 1 }]);
  expect(await ask("MERGE INTO t USING (SELECT 2 AS id, 'm' AS name) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET *")).toEqual([
    { num_affected_rows: 1, num_updated_rows: 1, num_deleted_rows: 0, num_inserted_rows: 0 },
  ]);
  expect(await ask('SELECT * FROM t ORDER BY id')).toEqual([
    { id: 2, name: 'm' },
    { id: 3, name: 'x' },
  ]);
  expect(await ask('SELECT count(*) AS n FROM t VERSION AS OF 1')).toEqual([{ n: 3 }]);
  expect(await ask('RESTORE TABLE t TO VERSION AS OF 1')).toMatchObject([{ num_restored_files: 1 }]);
  expect(((await ask('DESCRIBE HISTORY t LIMIT 1')) as { operation: string }[])[0]?.operation).toBe('RESTORE');
  expect((await run('SELECT * FROM t ORDER BY id')).stdout).toBe('id  name\n──  ────\n 1  a\n 2  b\n 3  NULL\n');
  const refused: readonly (readonly [string, string])[] = [
    ['SELECT * FROM other', 'SQL_NAME_NOT_FOUND'],
    ['CREATE TABLE other (a INT)', 'SQL_NAME_NOT_FOUND'],
    ["SELECT * FROM '/etc/passwd'", 'SQL_NAME_NOT_FOUND'],
    ['CREATE TABLE t (a INT)', 'STORAGE_EXISTS'],
    ['CREATE TABLE t2 AS SELECT 1', 'SQL_NAME_NOT_FOUND'],
  ]; // prettier-ignore
  for (const [statement, code] of refused) {
    const { stdout, stderr, exitCode } = await run(statement, '--json');
    expect({ statement, stdout, exitCode, code: (JSON.parse(stderr) as { code: string }).code }).toEqual({
      statement,
      stdout: '',
      exitCode: 1,
      code,
    });
  }
  const output = join(folder.path, 'out.parquet');
  expect((await run('SELECT * FROM t', '--output', output)).exitCode).toBe(0);
  expect(existsSync(output)).toBe(true);
  const url = await lakestead(['delta', 'sql', 'abfss://nowhere/t', 'SELECT 1', '--json']);
  expect(JSON.parse(url.stderr)).toMatchObject({ code: 'STORAGE_UNMAPPED' });
});

test('lakestead delta reads change feeds and row ids, explains, clones, converts, repairs and drops', { timeout: 120_000 }, async () => {
  using folder = temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const run = async (...args: readonly string[]) => await lakestead(['delta', ...args]);
  const ask = async (name: string, statement: string): Promise<unknown> => {
    const { stdout, stderr, exitCode } = await run('sql', at(name), statement, '--json');
    expect({ statement, stderr, exitCode }).toEqual({ statement, stderr: '', exitCode: 0 });
    return JSON.parse(stdout);
  };
  const properties = ['enableDeletionVectors', 'enableChangeDataFeed', 'enableRowTracking']
    .map((key) => `'delta.${key}' = 'true'`)
    .join(', ');
  await ask('t', `CREATE TABLE t (id INT, p STRING) USING DELTA PARTITIONED BY (p) TBLPROPERTIES (${properties})`);
  await ask('t', "INSERT INTO t VALUES (1, 'a'), (2, 'a'), (3, 'b')");
  await ask('t', 'UPDATE t SET id = 30 WHERE id = 3');
  await ask('t', 'DELETE FROM t WHERE id = 1');
  expect(await ask('t', "SELECT _change_type AS c, id FROM table_changes('t', 2, 3) ORDER BY ALL")).toEqual([
    { c: 'delete', id: 1 },
    { c: 'update_postimage', id: 30 },
    { c: 'update_preimage', id: 3 },
  ]);
  const read = await run('read', at('t'), '--row-ids', '--json');
  expect(JSON.parse(read.stdout)).toEqual(expect.arrayContaining([{ id: 30, p: 'b', row_id: 2, row_commit_version: 2 }]));
  expect((await run('read', at('t'), '--explain', '--where', "p = 'b'")).stdout).toMatch(
    /^version 3: reads 1 of 2 files, .*\n {2}1 file of other partitions\n$/,
  );
  await ask('t', "INSERT OVERWRITE t PARTITION (p = 'a') VALUES (9)");
  expect(await ask('t', 'SELECT * FROM t ORDER BY id')).toEqual([
    { id: 9, p: 'a' },
    { id: 30, p: 'b' },
  ]);
  expect((await run('clone', at('t'), at('copy'), '--version', '1')).exitCode).toBe(0);
  expect(await ask('copy', 'SELECT count(*) AS n FROM t')).toEqual([{ n: 3 }]);
  await ask('again', `CREATE TABLE t SHALLOW CLONE delta.\`${at('t')}\``);
  expect(await ask('again', 'SELECT count(*) AS n FROM t')).toEqual([{ n: 2 }]);
  mkdirSync(at('raw/day=2024-01-01'), { recursive: true });
  expect((await run('read', at('t'), '--output', at('raw/day=2024-01-01/x.parquet'))).exitCode).toBe(0);
  expect((await run('convert', at('raw'), '--partition-by', 'day STRING')).exitCode).toBe(0);
  expect(await ask('raw', 'SELECT DISTINCT day FROM t')).toEqual([{ day: '2024-01-01' }]);
  rmSync(at('raw/day=2024-01-01/x.parquet'));
  expect(await run('check', at('raw'), '--repair', '--json')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('"version":1') as string,
  });
  expect((await run('check', at('raw'))).exitCode).toBe(0);
  await ask('t', 'DROP TABLE t');
  expect(existsSync(at('t'))).toBe(false);
  expect(await ask('t', 'CREATE TABLE t AS SELECT 1 AS x')).toEqual([{ num_affected_rows: 1, num_inserted_rows: 1 }]);
});

test.runIf(findAzurite())('lakestead delta of a table in Azure storage, by its URL alone', { timeout: 120_000 }, async () => {
  await using azurite = await startAzurite();
  using folder = temporaryFolder();
  const env = { AZURE_STORAGE_KEY: azurite.accountKey };
  const url = `${azurite.endpoint}/lake/sales/orders`;
  const run = async (...args: readonly string[]) => {
    const result = await lakestead(['delta', ...args], { env, cwd: folder.path });
    expect({ args, ...result }).toMatchObject({ args, stderr: '', exitCode: 0 });
    return result.stdout;
  };
  await run('sql', url, "CREATE TABLE t (id INT, city STRING) USING DELTA TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')");
  await run('sql', url, "INSERT INTO t VALUES (1, 'Graz'), (2, 'Wien')");
  await run('sql', url, 'DELETE FROM t WHERE id = 1');
  expect(JSON.parse(await run('read', url, '--json'))).toEqual([{ id: 2, city: 'Wien' }]);
  expect(JSON.parse(await run('read', url, '--json', '--version', '1'))).toHaveLength(2);
  expect(JSON.parse(await run('history', url, '--json'))).toHaveLength(3);
  expect(await run('check', url)).toContain('all as the log says');
});

test('lakestead delta check, optimize, restore, vacuum: the upkeep of a table in a folder', { timeout: 60_000 }, async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 't');
  const run = async (...args: readonly string[]) => await lakestead(['delta', ...args]);
  const ask = async (verb: string, ...more: readonly string[]): Promise<unknown> =>
    JSON.parse((await run(verb, path, ...more, '--json')).stdout);
  await run('sql', path, 'CREATE TABLE t (id BIGINT, p STRING) USING DELTA PARTITIONED BY (p)');
  for (const id of [1, 2, 3]) await run('sql', path, `INSERT INTO t VALUES (${id}, 'a'), (${id}, 'b')`);
  expect(await ask('check')).toEqual({ version: 3, files: 6, findings: [] });
  expect((await run('check', path)).stdout).toBe('version 3: 6 files, all as the log says\n');
  expect(await ask('optimize', '--where', "p = 'a'")).toMatchObject({ version: 4, filesAdded: 1, filesRemoved: 3 });
  expect((await run('optimize', path, '--zorder', 'id')).stdout).toBe('version 5: 4 files became 2\n');
  expect(await ask('restore', '--version', '2')).toMatchObject({ version: 6, filesRestored: 4, filesRemoved: 2 });
  expect(await ask('vacuum', '--dry-run')).toEqual({ files: [], bytes: 0 });
  const early = await run('vacuum', path, '--retain-hours', '0', '--json');
  expect([early.exitCode, (JSON.parse(early.stderr) as { code: string }).code]).toEqual([2, 'USAGE']);
  expect(((await ask('vacuum', '--retain-hours', '0', '--force')) as { files: string[] }).files).toHaveLength(5);
  expect(await ask('check')).toMatchObject({ version: 6, files: 4, findings: [] });
  const [file = ''] = readdirSync(join(path, 'p=a'));
  rmSync(join(path, 'p=a', file));
  const damaged = await run('check', path, '--json');
  expect([damaged.exitCode, damaged.stderr]).toEqual([1, '']);
  expect(JSON.parse(damaged.stdout)).toMatchObject({ findings: [{ kind: 'file', file: `p=a/${file}`, problem: 'the file is missing' }] });
  expect((await run('check', join(folder.path, 'nothing'))).exitCode).toBe(1);
});
