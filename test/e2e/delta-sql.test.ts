import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

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
  const url = await lakestead(['delta', 'sql', 'abfss://c@a.dfs.core.windows.net/t', 'SELECT 1', '--json']);
  expect(JSON.parse(url.stderr)).toMatchObject({ code: 'USAGE' });
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
