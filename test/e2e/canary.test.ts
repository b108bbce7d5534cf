import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { lakestead, lakesteadJson, temporaryFolder } from '../support/cli.ts';

const canary = 'c4n4ry-Pa55w0rd-7f3e';

function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && readFileSync(path).includes(text));
}

test('a password in every place that the configuration allows is in nothing that is written or said', { timeout: 120_000 }, async () => {
  using folder = temporaryFolder();
  const project = join(folder.path, 'demo');
  await lakesteadJson(['init', project]);
  const yaml = join(project, 'lakestead.yaml');
  const services = `
      fromVault: { type: SqlServer, typeProperties: { server: '127.0.0.1,1', database: x, userName: sa, password: '\${secret:canary}' } }
      fromEnvironment: { type: SqlServer, typeProperties: { server: '127.0.0.1,1', database: x, userName: sa, password: '\${env:CANARY}' } }
      inConnectionString: { type: SqlServer, typeProperties: { connectionString: 'Data Source=127.0.0.1,1;Initial Catalog=x;User ID=sa;Password=\${env:CANARY}' } }
      postgres: { type: PostgreSqlV2, typeProperties: { server: 127.0.0.1, port: 1, database: x, username: sa, password: '\${env:CANARY}' } }`;
  writeFileSync(
    yaml,
    readFileSync(yaml, 'utf8').replace(/^( *)linkedServices:.*$/m, (line) => `${line}${services}`),
  );
  const env = { CANARY: canary };
  const said: string[] = [];
  const run = async (args: string[], input?: string) => {
    const result = await lakestead([...args, '--project', project], { env, ...(input === undefined ? {} : { input }) });
    said.push(result.stdout, result.stderr);
    return result;
  };
  expect((await run(['secret', 'set', 'canary'], canary)).exitCode).toBe(0);
  await run(['secret', 'list']);
  for (const service of ['fromVault', 'fromEnvironment', 'inConnectionString', 'postgres']) {
    const check = await run(['source', 'check', service, '--json']);
    expect(check.stderr).toContain('CONNECT_TCP');
  }
  await run(['run', '--json']);
  await run(['status', '--json']);
  expect(said.filter((text) => text.includes(canary))).toEqual([]);
  expect(filesWith(project, canary)).toEqual([]);
  expect(filesWith(project, Buffer.from(canary).toString('base64').slice(0, 24))).toEqual([]);
});
