import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { findAzurite, type Azurite, startAzurite } from '../services/azurite.ts';
import { lakestead, lakesteadJson, temporaryFolder } from '../support/cli.ts';

describe.runIf(findAzurite())('a project whose lake is in Azure', () => {
  const folder = temporaryFolder();
  const project = join(folder.path, 'demo');
  let azurite: Azurite;
  let environment: Record<string, string>;
  beforeAll(async () => {
    azurite = await startAzurite();
    environment = { LAKE_ENDPOINT: azurite.endpoint, LAKE_KEY: azurite.accountKey };
    await lakesteadJson(['init', project]);
    const file = join(project, 'lakestead.yaml');
    const yaml = readFileSync(file, 'utf8')
      .replace(
        /^ {4}lake: .*$/m,
        '    lake: { account: devstoreaccount1, endpoint: "${env:LAKE_ENDPOINT}", accountKey: "${env:LAKE_KEY}" }',
      )
      .replace(
        /^ {4}storage: \{ (\w+): .*$/m,
        '    storage:\n      $1: { account: devstoreaccount1, endpoint: "${env:LAKE_ENDPOINT}", accountKey: "${env:LAKE_KEY}" }',
      );
    writeFileSync(file, yaml);
    expect(yaml.match(/devstoreaccount1/g)).toHaveLength(2);
  });
  afterAll(async () => {
    await azurite[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  test('runs the main job, twice, and answers from its tables and views', { timeout: 180_000 }, async () => {
    const run = async () => await lakesteadJson<{ status: string }>(['run', '--project', project], { env: environment });
    expect((await run()).status).toBe('Succeeded');
    expect((await run()).status).toBe('Succeeded');
    const ask = async (...args: string[]) => await lakesteadJson<unknown>([...args, '--project', project], { env: environment });
    expect(await ask('sql', '--database', 'gold_db', 'SELECT count(*) AS n FROM address')).toEqual([{ n: 450 }]);
    expect(await ask('sql', 'SELECT count(*) AS n FROM silver.SalesLT.Product')).toEqual([{ n: 295 }]);
    const shown = await lakestead(['sql', 'SELECT count(*) AS n FROM silver.SalesLT.Product', '--project', project], { env: environment });
    expect(shown.stderr).toMatch(/fetched [\d.]+ \w+ from storage accounts in \d+ requests/);
    const tables = (await ask('table', 'list')) as { name: string; format: string }[];
    expect(tables.filter(({ format }) => format === 'delta')).toHaveLength(20);
    const history = (await ask('table', 'history', 'gold.SalesLT.Address')) as { version: number }[];
    expect(history.map(({ version }) => version)).toEqual([1, 0]);
  });

  test('says what is wrong with the account, and shows no key', { timeout: 60_000 }, async () => {
    const wrong = Buffer.from('a wrong key').toString('base64');
    const result = await lakestead(['table', 'list', '--project', project], { env: { ...environment, LAKE_KEY: wrong } });
    expect(result.exitCode).not.toBe(0);
    expect(result.stderr).toContain('STORAGE_DENIED');
    expect(result.stdout + result.stderr).not.toContain(wrong);
  });
});
