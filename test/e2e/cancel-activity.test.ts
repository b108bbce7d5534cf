import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { lakestead, lakesteadJson, temporaryFolder } from '../support/cli.ts';

type Json = Record<string, unknown>;
type Run = {
  status: string;
  error: { code: string; message: string };
  activities: { name: string; status: string; error?: { code: string } }[];
};

const folder = temporaryFolder();
const project = join(folder.path, 'demo');
afterAll(() => folder[Symbol.dispose]());

const reference = (name: string) => ({ referenceName: name, type: 'DatasetReference' });
/** 7.6 thousand million rows: nobody waits for them. */
const endless = `FROM SalesLT.Product AS a CROSS JOIN SalesLT.Product AS b CROSS JOIN SalesLT.Product AS c CROSS JOIN SalesLT.Product AS d`;
const source = (sqlReaderQuery: string) => ({ type: 'SqlServerSource', sqlReaderQuery });

const activities: Readonly<Record<string, Json>> = {
  copy: {
    type: 'Copy',
    inputs: [reference('ShopDatabase')],
    outputs: [reference('Endless')],
    typeProperties: { source: source(`SELECT a.ProductID + d.ProductID AS n ${endless}`), sink: { type: 'ParquetSink' } },
  },
  lookup: {
    type: 'Lookup',
    typeProperties: {
      source: source(`SELECT MAX(a.ProductID * b.ProductID % (c.ProductID + d.ProductID)) AS n ${endless}`),
      dataset: reference('ShopDatabase'),
    },
  },
  notebook: {
    type: 'DatabricksNotebook',
    linkedServiceName: { referenceName: 'Databricks', type: 'LinkedServiceReference' },
    typeProperties: { notebookPath: '/Shared/endless' },
  },
  wait: { type: 'Wait', typeProperties: { waitTimeInSeconds: 3600 } },
};

beforeAll(async () => {
  await lakesteadJson(['init', project]);
  const save = (kind: string, name: string, properties: Json) =>
    writeFileSync(join(project, 'factory/adf', kind, `${name}.json`), JSON.stringify({ name, properties }));
  save('dataset', 'Endless', {
    linkedServiceName: { referenceName: 'Lake', type: 'LinkedServiceReference' },
    type: 'Parquet',
    typeProperties: { location: { type: 'AzureBlobFSLocation', fileSystem: 'bronze', folderPath: 'endless' } },
  });
  for (const [name, activity] of Object.entries(activities)) {
    const after = {
      name: 'after',
      type: 'Wait',
      dependsOn: [{ activity: name, dependencyConditions: ['Completed'] }],
      typeProperties: { waitTimeInSeconds: 0 },
    };
    save('pipeline', `endless_${name}`, { activities: [{ name, ...activity }, after] });
  }
  mkdirSync(join(project, 'notebooks'), { recursive: true });
  writeFileSync(join(project, 'notebooks/endless.ts'), "export default async ({ log }) => { log('begun'); for (;;); };\n");
}, 60_000);

describe('Ctrl-C in the middle', () => {
  test.each(Object.keys(activities))(
    'of a %s ends it at once, and the document says what state things are in',
    { timeout: 60_000 },
    async (name) => {
      let stoppedAt = 0;
      const result = await lakestead(['run', `endless_${name}`, '--project', project, '--json'], {
        onStart: (child) =>
          void setTimeout(() => {
            stoppedAt = performance.now();
            child.kill('SIGINT');
          }, 4000),
      });
      expect(performance.now() - stoppedAt).toBeLessThan(5000);
      expect(result.exitCode).toBe(130);
      const run = JSON.parse(result.stdout) as Run; // the document of run, as the reference has it
      expect(run).toMatchObject({ status: 'Cancelled', error: { code: 'CANCELLED' } });
      expect(run.activities.map((one) => `${one.name} ${one.status}`)).toEqual([`${name} Cancelled`, 'after Skipped']);
      expect(run.activities[0]?.error?.code).toBe('CANCELLED');
      const { runs } = await lakesteadJson<{ runs: { pipeline: string; status: string }[] }>(['status', '--project', project]);
      expect(runs[0]).toMatchObject({ pipeline: `endless_${name}`, status: 'Cancelled' });
      // Nothing of the Copy is to be seen, nor kept beside the lake.
      expect(existsSync(join(project, 'lake/bronze/endless'))).toBe(false);
      const left = readdirSync(join(project, 'lake'), { recursive: true, encoding: 'utf8' }).filter((path) => /parquet/.test(path));
      expect(left).toEqual([]);
    },
  );

  test('of a run for a person: one line each, and the way back', { timeout: 60_000 }, async () => {
    const { exitCode, stderr } = await lakestead(['run', 'endless_wait', '--project', project], {
      onStart: (child) => void setTimeout(() => child.kill('SIGINT'), 3000),
    });
    expect(exitCode).toBe(130);
    expect(stderr).toContain('stopping ...');
    expect(stderr).toMatch(/wait {2}.*CANCELLED/);
    expect(stderr).toMatch(/Cancelled in /);
    expect(stderr).toContain('hint: 0 of 2 activities had succeeded and stay done');
  });
});
