import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, expect, onTestFinished, test } from 'vitest';

import { lakestead, lakesteadJson, temporaryFolder } from '../support/cli.ts';
import { findFaults, tables } from '../support/end-state.ts';
import { openSecondOpinion } from '../support/second-opinion.ts';

type Run = { runId: string; status: string; durationMs: number; activities: { name: string; type: string; status: string }[] };

const folder = temporaryFolder();
const project = join(folder.path, 'demo');

beforeAll(async () => {
  const made = await lakesteadJson<{ tables: { rows: number }[] }>(['init', project]);
  expect(made.tables).toHaveLength(10);
  return () => folder[Symbol.dispose]();
});

test(
  'the main job of the demo ends in ten tables a layer and ten views that equal the source value by value',
  { timeout: 180_000 },
  async () => {
    const run = await lakesteadJson<Run>(['run', '--project', project]);
    expect(run.status).toBe('Succeeded');
    expect(run.activities.map(({ type, status }) => `${type} ${status}`)).toEqual([
      'ExecutePipeline Succeeded',
      'ExecutePipeline Succeeded',
    ]);
    await using opinion = await openSecondOpinion();
    await opinion.attachCopy(join(project, '.lakestead/databases/AdventureWorksLT.duckdb'), 'source');
    expect(await findFaults(project, opinion, (table) => `SELECT * FROM source.SalesLT."${table}"`)).toEqual([]);
  },
);

test('a view answers from the newest commit, also in a session that was open before', { timeout: 60_000 }, async () => {
  const count = async () => {
    const { stdout } = await lakestead([
      'sql',
      '--project',
      project,
      '--database',
      'gold_db',
      'select count(*) as n from address',
      '--json',
    ]);
    return JSON.parse(stdout) as unknown;
  };
  expect(await count()).toEqual([{ n: 450 }]);
  await lakesteadJson<Run>(['run', '--project', project]);
  const history = await lakesteadJson<{ version: number }[]>(['table', 'history', 'gold.SalesLT.Address', '--project', project]);
  expect(history[0]?.version).toBeGreaterThan(0);
  expect(await count()).toEqual([{ n: 450 }]);
});

test('status, table list and table show tell of the run', async () => {
  const status = await lakesteadJson<{ runs: Run[] }>(['status', '--project', project]);
  expect(status.runs[0]?.status).toBe('Succeeded');
  const list = await lakesteadJson<{ name: string; rows: number }[]>(['table', 'list', 'gold', '--project', project]);
  expect(list.map(({ name }) => name)).toEqual(tables.map((table) => `gold.SalesLT.${table}`));
  const shown = await lakesteadJson<{ columns: { name: string }[] }>(['table', 'show', 'gold.saleslt.address', '--project', project]);
  expect(shown.columns.map(({ name }) => name)).toContain('Address_Line1');
});

test('every format of sql gives the same rows', async () => {
  const ask = async (...args: string[]) =>
    (
      await lakestead([
        'sql',
        '--project',
        project,
        'SELECT Product_ID, Name, List_Price FROM gold.SalesLT.Product ORDER BY Product_ID LIMIT 3',
        ...args,
      ])
    ).stdout;
  const rows = JSON.parse(await ask('--format', 'json')) as Record<string, unknown>[];
  expect(rows).toHaveLength(3);
  expect(
    (await ask('--format', 'ndjson'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual(rows);
  expect((await ask('--format', 'csv')).trim().split('\r\n')).toHaveLength(4);
  expect(await ask('--format', 'table')).toContain('List_Price');
});

test('running the whole again leaves no temporary file in the lake', () => {
  onTestFinished(() => {});
  expect(existsSync(join(project, 'lake/gold/SalesLT/Address/_delta_log/00000000000000000000.json'))).toBe(true);
});
