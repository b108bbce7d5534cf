import { appendFileSync, cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { lakestead, lakesteadJson, temporaryFolder } from '../support/cli.ts';

type Failure = { readonly code: string; readonly message: string; readonly hint?: string };

const folder = temporaryFolder();
const project = join(folder.path, 'demo');
const gold = join(project, 'lake/gold/SalesLT');

beforeAll(async () => {
  await lakesteadJson(['init', project]);
  await lakesteadJson(['run', '--project', project]);
  // Each beside the good tables of the lake, and by its path.
  mkdirSync(join(gold, 'Plain'));
  writeFileSync(join(gold, 'file.txt'), 'text');
  mkdirSync(join(gold, 'EmptyLog/_delta_log'), { recursive: true });
  for (const name of ['CutCommit', 'WrongCommit']) cpSync(join(gold, 'Address'), join(gold, name), { recursive: true });
  const [cut, wrong] = ['CutCommit', 'WrongCommit'].map((name) => join(gold, name, '_delta_log'));
  const last = readdirSync(cut ?? '').filter((name) => /^\d+\.json$/.test(name)).toSorted().at(-1) ?? ''; // prettier-ignore
  writeFileSync(join(cut ?? '', last), readFileSync(join(cut ?? '', last)).subarray(0, 100));
  appendFileSync(join(wrong ?? '', last), '{"add":{"path":5}}\n');
});
afterAll(() => folder[Symbol.dispose]());

/** The command, what it must say, by the code that scripts see and in words. `{lake}` is the folder of gold tables. */
const cases: readonly (readonly [command: string, code: string, says: RegExp])[] = [
  ...['show', 'history', 'read'].flatMap((verb) => [
    [`delta ${verb} {lake}/Plain`, 'DELTA_NOT_A_TABLE', /Plain is no Delta table/] as const,
    [`delta ${verb} {lake}/CutCommit`, 'DELTA_CORRUPT', /0+\.json, line 1 is no JSON/] as const,
    [`delta ${verb} {lake}/Address --version 7`, 'DELTA_VERSION_NOT_FOUND', /version 7 .*from 0 to 0/] as const,
    [`delta ${verb} {lake}/Address --timestamp 2001-01-01`, 'DELTA_VERSION_NOT_FOUND', /2001-01-01T00:00:00.000Z or before/] as const,
  ]),
  ['delta read {lake}/file.txt', 'DELTA_NOT_A_TABLE', /file\.txt is no Delta table/],
  ['delta read {lake}/EmptyLog', 'DELTA_NOT_A_TABLE', /EmptyLog is no Delta table/],
  ['delta history {lake}/WrongCommit', 'DELTA_CORRUPT', /0+\.json/],
  ['delta read gold/SalesLT/Nothing', 'DELTA_NOT_A_TABLE', /Nothing is no Delta table/],
  ['delta read gold/SalesLT/CutCommit', 'DELTA_CORRUPT', /CutCommit/],
  ['delta show https://nobody.dfs.core.windows.net/gold/x', 'STORAGE_UNMAPPED', /nobody/],
  ['delta read {lake}/Address --version x', 'USAGE', /--version takes a whole number, not "x"/],
  ['delta read {lake}/Address --version=', 'USAGE', /--version takes a whole number, not ""/],
  ['delta show {lake}/Address --version=-1', 'USAGE', /not "-1"/],
  ['delta show {lake}/Address --version 1e1', 'USAGE', /not "1e1"/],
  ['delta history {lake}/Address --version 99999999999999999999', 'USAGE', /not "99999999999999999999"/],
  ['delta read {lake}/Address --timestamp soon', 'USAGE', /"soon" is no instant/],
  ['delta read {lake}/Address --version 0 --timestamp 2001-01-01', 'USAGE', /together/],
  ...['show', 'history'].flatMap((verb) => [
    [`table ${verb} gold.SalesLT.Plain`, 'STORAGE_NOT_FOUND', /no table gold\.SalesLT\.Plain/] as const,
    [`table ${verb} gold.SalesLT.EmptyLog`, 'DELTA_NOT_A_TABLE', /EmptyLog/] as const,
    [`table ${verb} gold.SalesLT.CutCommit`, 'DELTA_CORRUPT', /CutCommit/] as const,
  ]),
  ['table show gold.SalesLT.WrongCommit', 'DELTA_CORRUPT', /WrongCommit/],
  ['table show gold/SalesLT/file.txt', 'STORAGE_NOT_FOUND', /no table gold\/SalesLT\/file\.txt/],
  ['table show gold', 'STORAGE_NOT_FOUND', /no table gold/],
  ['table show ../../lakestead.yaml', 'STORAGE_NOT_FOUND', /no table/],
  ["table show ''", 'STORAGE_NOT_FOUND', /without a name/],
  ['table history bronze.SalesLT.Address', 'DELTA_NOT_A_TABLE', /parquet table: it has no history/],
  ['table list nowhere', 'STORAGE_NOT_FOUND', /no layer "nowhere"/],
  ['status --runs x', 'USAGE', /--runs takes a whole number, not "x"/],
  ['status --runs 0', 'USAGE', /not "0"/],
  ['status --env production', 'USAGE', /no environment "production"/],
];

describe('what is odd about a table or an option is said with code and hint, never with a stack', () => {
  // Several processes at a time: each starts in a third of a second.
  test.concurrent.each(cases)('%s: %s', { timeout: 60_000 }, async (command, code, says) => {
    const words = command.split(' ').map((word) => (word === "''" ? '' : word.replace('{lake}', gold)));
    const { exitCode, stdout, stderr } = await lakestead([...words, '--project', project, '--json']);
    expect(stdout).toBe('');
    expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
    const error = JSON.parse(stderr) as Failure;
    expect(error).toMatchObject({ code, message: expect.stringMatching(says), hint: expect.stringMatching(/\w/) });
    expect(exitCode).toBe(code === 'USAGE' ? 2 : 1);
  });
});

test('a table that is broken is in the list with its error, and hides no other', async () => {
  type Listed = { readonly name: string; readonly rows?: number; readonly error?: { readonly code: string } };
  const list = await lakesteadJson<Listed[]>(['table', 'list', 'gold', '--project', project]);
  const broken = list.filter(({ error }) => error !== undefined).map(({ name, error, rows }) => [name, error?.code, rows]);
  expect(broken).toEqual([
    ['gold.SalesLT.CutCommit', 'DELTA_CORRUPT', undefined],
    ['gold.SalesLT.EmptyLog', 'DELTA_NOT_A_TABLE', undefined],
    ['gold.SalesLT.WrongCommit', 'DELTA_CORRUPT', undefined],
  ]);
  expect(list.find(({ name }) => name === 'gold.SalesLT.Address')?.rows).toBe(450);
  const shown = await lakestead(['table', 'list', 'gold', '--project', project]);
  expect(shown.stdout).toContain('gold.SalesLT.EmptyLog cannot be read: DELTA_NOT_A_TABLE');
});

test('outside of a project a path that is not there is no Delta table, and the hint says what else was meant', async () => {
  const { exitCode, stderr } = await lakestead(['delta', 'read', 'gold/SalesLT/Address', '--json'], { cwd: folder.path });
  const error = JSON.parse(stderr) as Failure;
  expect([exitCode, error.code]).toEqual([1, 'DELTA_NOT_A_TABLE']);
  expect(error.hint).toContain('--project <dir>');
});

test('the history as of a version ends with it', async () => {
  const query = 'INSERT INTO gold.SalesLT.Address SELECT * FROM gold.SalesLT.Address LIMIT 1';
  await lakesteadJson(['sql', query, '--project', project]);
  const versions = async (...more: string[]) =>
    (await lakesteadJson<{ version: number }[]>(['delta', 'history', join(gold, 'Address'), ...more])).map(({ version }) => version);
  expect([await versions(), await versions('--version', '0')]).toEqual([[1, 0], [0]]);
});
