import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, expect, test } from 'vitest';

import { lakestead, lakesteadJson, temporaryFolder } from '../support/cli.ts';

type Run = {
  readonly status: string;
  readonly error?: { readonly code: string };
  readonly activities: readonly { readonly name: string; readonly status: string }[];
};

const folder = temporaryFolder();
const project = join(folder.path, 'demo');

/** A pipeline of the project whose activities run beside each other. */
function save(name: string, activities: readonly Record<string, unknown>[]): void {
  writeFileSync(join(project, `factory/adf/pipeline/${name}.json`), JSON.stringify({ name, properties: { activities } }));
}
const wait = (name: string, seconds: number) => ({ name, type: 'Wait', typeProperties: { waitTimeInSeconds: seconds } });
const notebook = (name: string, path: string, timeout: string) => ({
  name,
  type: 'DatabricksNotebook',
  policy: { timeout },
  linkedServiceName: { referenceName: 'Databricks', type: 'LinkedServiceReference' },
  typeProperties: { notebookPath: path },
});

beforeAll(async () => {
  await lakesteadJson(['init', project, '--scale', '1000']);
  writeFileSync(join(project, 'notebooks/endless.ts'), 'export default () => {\n  for (;;) {}\n};\n');
  save('stuck', [wait('waits', 600), notebook('loops', '/Shared/endless', '0.12:00:00')]);
  save('one_loops', [notebook('loops', '/Shared/endless', '0.00:00:02'), { ...wait('goes on', 3) }]);
  return () => folder[Symbol.dispose]();
}, 120_000);

/** Runs a pipeline and sends it the signal of Ctrl-C after a while. */
async function interrupt(pipeline: readonly string[], afterMs: number) {
  let sentAt = 0;
  const result = await lakestead(['run', ...pipeline, '--project', project, '--json'], {
    onStart: (child) =>
      void setTimeout(() => {
        sentAt = performance.now();
        child.kill('SIGINT');
      }, afterMs),
  });
  return { ...result, tookMs: performance.now() - sentAt };
}

test('Ctrl-C ends a wait and an endless notebook at once; the run and its record say Cancelled', { timeout: 60_000 }, async () => {
  const { exitCode, stdout, tookMs } = await interrupt(['stuck'], 1500);
  expect(exitCode).toBe(130);
  expect(tookMs).toBeLessThan(5000);
  const run = JSON.parse(stdout) as Run;
  expect(run.status).toBe('Cancelled');
  expect(run.activities.map(({ name, status }) => `${name} ${status}`)).toEqual(['waits Cancelled', 'loops Cancelled']);
  const { runs } = await lakesteadJson<{ runs: Run[] }>(['status', '--project', project]);
  expect(runs[0]?.status).toBe('Cancelled');
});

test('Ctrl-C in the middle of the main job leaves whole tables, and the next run ends right', { timeout: 120_000 }, async () => {
  const { exitCode } = await interrupt([], 1500);
  expect(exitCode).toBe(130);
  const staged = readdirSync(join(project, 'lake'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /bronze.*\.parquet$/.test(name),
  );
  for (const file of staged) {
    const [layer, schema, table] = file.split('/');
    expect(file).toBe(`${layer}/${schema}/${table}/${table}.parquet`);
  }
  expect((await lakesteadJson<Run>(['run', '--project', project])).status).toBe('Succeeded');
});

test('a notebook that loops ends with its time limit while other activities go on', { timeout: 60_000 }, async () => {
  const result = await lakestead(['run', 'one_loops', '--project', project, '--json']);
  const run = JSON.parse(result.stdout) as Run;
  expect(run.activities.map(({ name, status }) => `${name} ${status}`)).toEqual(['loops Failed', 'goes on Succeeded']);
});
