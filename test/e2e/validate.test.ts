import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, test } from 'vitest';

import { lakestead, lakesteadJson, temporaryFolder } from '../support/cli.ts';

type Finding = {
  readonly file: string;
  readonly severity: string;
  readonly code: string;
  readonly message: string;
  readonly line?: number;
};

const folder = temporaryFolder();
const project = join(folder.path, 'demo');
beforeAll(async () => {
  await lakesteadJson(['init', project]);
  return () => folder[Symbol.dispose]();
});

async function validate(...args: string[]): Promise<{ readonly exitCode: number | null; readonly findings: readonly Finding[] }> {
  const { exitCode, stdout, stderr } = await lakestead(['validate', ...args, '--json']);
  expect(stderr).toBe('');
  return { exitCode, findings: JSON.parse(stdout) as Finding[] };
}

const errors = (findings: readonly Finding[]) =>
  findings.filter(({ severity }) => severity === 'error').map(({ file, message }) => `${file}: ${message}`);

test('the demo has no error; what has no effect here is information', async () => {
  const { exitCode, findings } = await validate(project);
  expect(exitCode).toBe(0);
  expect(new Set(findings.map(({ severity }) => severity))).toEqual(new Set(['info']));
  expect(findings).toContainEqual(
    expect.objectContaining({ file: 'factory/adf/linkedService/Databricks.json', message: 'existingClusterId has no effect here' }),
  );
});

test('a mistake is an error with file and line, and the exit code says so', async () => {
  const file = join(project, 'factory/adf/pipeline/copy_all_tables.json');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('"firstRowOnly"', '"firstRowOnli"'));
  const { exitCode, findings } = await validate(project);
  writeFileSync(file, text);
  expect(exitCode).toBe(1);
  expect(findings[0]).toMatchObject({ file: 'factory/adf/pipeline/copy_all_tables.json', severity: 'error', line: expect.any(Number) });
  expect(findings[0]?.message).toContain('firstRowOnli');
});

test('a factory folder alone is enough', async () => {
  expect((await validate(join(project, 'factory/adf'))).exitCode).toBe(0);
});

describe('--target says what would not deploy there', () => {
  const notebook = 'notebooks/bronze to silver.ts: a notebook in TypeScript runs here only: Spark takes Python, SQL, Scala and R';

  test('adf and synapse take the pipelines, and no notebook in TypeScript', async () => {
    for (const target of ['adf', 'synapse']) {
      const { exitCode, findings } = await validate(project, '--target', target);
      expect(exitCode).toBe(1);
      expect(errors(findings)).toEqual([notebook, expect.stringContaining('silver to gold.ts')]);
    }
  });

  test('fabric has neither datasets nor linked services; databricks has no pipelines', async () => {
    const fabric = errors((await validate(project, '--target', 'fabric')).findings);
    expect(fabric).toContainEqual(expect.stringContaining("Fabric has no datasets: 'BronzeParquet' must become datasetSettings"));
    expect(fabric).toContainEqual(expect.stringContaining("Fabric has no linked services: 'ServerlessSql' must become a connection"));
    const databricks = errors((await validate(project, '--target', 'databricks')).findings);
    expect(databricks).toContainEqual(expect.stringContaining('Databricks runs no Data Factory pipelines'));
  });

  test("a table that serverless SQL does not read, and a script that changes rows, are synapse's errors", async () => {
    const log = join(project, 'lake/silver/SalesLT/Marked/_delta_log');
    mkdirSync(log, { recursive: true });
    const actions = [
      { protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['deletionVectors'], writerFeatures: ['deletionVectors'] } },
      {
        metaData: {
          id: 'x',
          format: { provider: 'parquet', options: {} },
          schemaString: '{"type":"struct","fields":[]}',
          partitionColumns: [],
          configuration: {},
        },
      },
    ];
    writeFileSync(join(log, '00000000000000000000.json'), actions.map((action) => JSON.stringify(action)).join('\n'));
    writeFileSync(join(project, 'sql/gold_db/z.sql'), 'SELECT 1\nGO\n\nINSERT INTO dbo.t VALUES (1)\n');
    const { findings } = await validate(project, '--target', 'synapse');
    expect(errors(findings)).toEqual(
      expect.arrayContaining([
        'lake/silver/SalesLT/Marked: synapse does not read tables with deletionVectors',
        expect.stringContaining('sql/gold_db/z.sql: a serverless database of synapse has no tables to change'),
      ]),
    );
    expect(findings.find(({ file }) => file.endsWith('z.sql'))?.line).toBe(4);
  });

  test('another target is a mistake of the command line', async () => {
    const { exitCode, stderr } = await lakestead(['validate', project, '--target', 'aws', '--json']);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'USAGE', hint: 'targets: adf, synapse, fabric, databricks' });
  });
});
