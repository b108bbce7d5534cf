import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { startTdsServer } from '../services/tds-server.ts';
import { done, errorMessage } from '../services/tds-tokens.ts';
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
  const written = `${canary}-written`; // stands in lakestead.yaml itself, and may be nowhere else
  await using server = await startTdsServer({
    answer: () => done(),
    refuseLogin: [errorMessage(18_456, "Login failed for user 'sa'.", 14)],
  });
  const services = `
      fromVault: { type: SqlServer, typeProperties: { server: '127.0.0.1,1', database: x, userName: sa, password: '\${secret:canary}' } }
      fromEnvironment: { type: SqlServer, typeProperties: { server: '127.0.0.1,1', database: x, userName: sa, password: '\${env:CANARY}' } }
      inConnectionString: { type: SqlServer, typeProperties: { connectionString: 'Data Source=127.0.0.1,1;Initial Catalog=x;User ID=sa;Password=\${env:CANARY}' } }
      written: { type: SqlServer, typeProperties: { server: '127.0.0.1,1', database: x, userName: sa, password: '${written}' } }
      refusing: { type: SqlServer, typeProperties: { server: '127.0.0.1,${server.port}', database: x, userName: sa, password: '\${secret:canary}', encrypt: 'false' } }
      inside: { type: AzureSqlDatabase, typeProperties: { server: '127.0.0.1,1', database: x, userName: sa, password: { type: SecureString, value: '\${env:CANARY}' } } }
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
  for (const service of ['fromVault', 'fromEnvironment', 'inConnectionString', 'written', 'inside', 'postgres']) {
    const check = await run(['source', 'check', service, '--json']);
    expect(check.stderr).toMatch(/CONNECT_TCP|CONFIG_INVALID|FACTORY_/);
  }
  expect((await run(['source', 'check', 'refusing', '--json'])).stderr).toContain('CONNECT_LOGIN');
  expect((await run(['source', 'tables', 'refusing'])).exitCode).toBe(1);
  // The same in a pipeline: its services, a secret parameter, an input that is marked as secret.
  const pipeline = {
    name: 'secrets',
    properties: {
      parameters: { password: { type: 'SecureString' } },
      activities: [
        {
          name: 'hidden',
          type: 'SetVariable',
          policy: { secureInput: true, secureOutput: true },
          typeProperties: {
            variableName: 'pipelineReturnValue',
            setSystemVariable: true,
            value: [{ key: 'length', value: '@length(pipeline().parameters.password)' }],
          },
        },
        {
          name: 'refused',
          type: 'Lookup',
          typeProperties: {
            source: { type: 'SqlServerSource', sqlReaderQuery: 'SELECT 1' },
            dataset: { referenceName: 'Refusing', type: 'DatasetReference' },
          },
        },
      ],
    },
  };
  const dataset = {
    name: 'Refusing',
    properties: {
      type: 'SqlServerTable',
      linkedServiceName: { referenceName: 'refusing', type: 'LinkedServiceReference' },
      typeProperties: {},
    },
  };
  const service = { name: 'refusing', properties: { type: 'SqlServer', typeProperties: {} } };
  const save = (kind: string, one: { readonly name: string }) =>
    writeFileSync(join(project, `factory/adf/${kind}/${one.name}.json`), JSON.stringify(one));
  for (const [kind, one] of Object.entries({ pipeline, dataset, linkedService: service })) save(kind, one);
  expect((await run(['run', 'secrets', '--param', `password=${canary}`, '--json'])).exitCode).toBe(1);
  await run(['run', '--json']);
  await run(['status', '--json']);
  // A password in the service's own JSON that looks like an expression: run and validate refuse it, and quote nothing.
  const atSign = `@${written}`;
  save('linkedService', {
    name: 'atSign',
    properties: { type: 'SqlServer', typeProperties: { server: '127.0.0.1,1', password: { type: 'SecureString', value: atSign } } },
  } as { name: string });
  save('dataset', {
    name: 'Refusing',
    properties: { ...dataset.properties, linkedServiceName: { referenceName: 'atSign', type: 'LinkedServiceReference' } },
  } as { name: string });
  expect((await run(['run', 'secrets', '--param', `password=${canary}`, '--json'])).stdout).toContain('EXPRESSION_INVALID');
  const validated = await lakestead(['validate', project, '--json'], { env });
  said.push(validated.stdout, validated.stderr);
  expect(said.filter((text) => text.includes(canary))).toEqual([]);
  expect(validated.stdout).toContain('EXPRESSION_INVALID');
  expect(filesWith(project, canary).toSorted()).toEqual([join(project, 'factory/adf/linkedService/atSign.json'), yaml].toSorted());
  expect(filesWith(project, Buffer.from(canary).toString('base64').slice(0, 24))).toEqual([]);
});
