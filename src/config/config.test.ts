import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { configJsonSchema, loadConfig, SecretReference, validateConfig } from '#config';
import { LakesteadError, Secret } from '#core';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakestead-config-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const whole = `name: adventureworks
factory: [factory/adf]
main: [copy_all_tables]
engine: { memoryLimit: 2GB, threads: 2 }
environment: local
environments:
  local:
    lake: ./lake
    storage: { contosolake: ./lake }
    notebooks: { /Shared: ./notebooks }
    linkedServices:
      onprem: { embedded: AdventureWorksLT }
      real:
        type: SqlServer
        typeProperties: { server: '\${env:HOST},1433', password: '\${secret:sql}', connectionString: 'Server=\${env:HOST};Pwd=\${env:PW}' }
    databases:
      gold_db: { scripts: [sql/*.sql] }
  test:
    lake: ./other
`;

const write = (text: string) => writeFileSync(join(dir, 'lakestead.yaml'), text);
const load = (env?: string, environmentVariables: Record<string, string> = { HOST: 'db1', PW: 'hush' }) =>
  loadConfig({ dir, env, environmentVariables });

function failure(work: () => unknown): LakesteadError {
  try {
    work();
  } catch (error) {
    if (error instanceof LakesteadError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a whole file', () => {
  test('is found from a folder below, and its paths are relative to itself', () => {
    write(whole);
    mkdirSync(join(dir, 'a/b'), { recursive: true });
    const config = loadConfig({ dir: join(dir, 'a/b'), environmentVariables: { HOST: 'x', PW: 'y' } });
    expect(config.projectDir).toBe(dir);
    expect(config.factory).toEqual([join(dir, 'factory/adf')]);
    expect(config.environment.lake).toBe(join(dir, 'lake'));
    expect(config.environment.vault).toBe(join(dir, '.lakestead/vault.json'));
    expect(config.environment.notebooks.get('/Shared')).toBe(join(dir, 'notebooks'));
    expect(config.environment.linkedServices.get('onprem')).toEqual({ kind: 'embedded', database: 'AdventureWorksLT' });
  });

  test('gives the environment that is asked for', () => {
    write(whole);
    expect(load('test').environment.lake).toBe(join(dir, 'other'));
  });

  test('only the chosen environment needs its environment variables', () => {
    write(whole);
    expect(load('test', {}).environment.name).toBe('test');
  });

  test('keeps a secret as a reference that opens later, and shows no value', () => {
    write(whole);
    const service = load().environment.linkedServices.get('real');
    if (service?.kind !== 'service') throw new Error('no service');
    const { server, password, connectionString } = service.typeProperties;
    expect(server).toBe('db1,1433');
    if (!(password instanceof SecretReference)) throw new Error('no reference');
    expect(password.names).toEqual(['sql']);
    expect(password.resolve((name) => new Secret(`value of ${name}`, 'test')).reveal()).toBe('value of sql');
    if (!(connectionString instanceof Secret)) throw new Error('no secret');
    expect(connectionString.reveal()).toBe('Server=db1;Pwd=hush');
    expect(inspect(service, { depth: 9 }) + JSON.stringify(service)).not.toContain('hush');
  });
});

describe('a mistake names file, line and column and what would be right', () => {
  const cases: readonly { claim: string; text: string; line: number; column: number; says: RegExp; hint?: RegExp }[] = [
    { claim: 'broken YAML', text: 'name: x\nmain: [a\nfactory: []\n', line: 3, column: 1, says: /no YAML/ },
    { claim: 'a key twice', text: 'name: x\nname: y\n', line: 2, column: 1, says: /unique/ },
    {
      claim: 'an unknown key',
      text: whole.replace('  test:\n    lake', '  test:\n    laek'),
      line: 19,
      column: 5,
      says: /"laek" is no key of environments.test/,
      hint: /did you mean lake\?/,
    },
    {
      claim: 'a wrong type',
      text: whole.replace('threads: 2', 'threads: two'),
      line: 4,
      column: 38,
      says: /engine.threads must be a .*number, not text/,
    },
    {
      claim: 'a missing key',
      text: whole.replace('    lake: ./other\n', '    vault: v.json\n'),
      line: 19,
      column: 5,
      says: /environments.test needs lake/,
    },
    { claim: 'a size without a unit', text: whole.replace('2GB', '2'), line: 4, column: 24, says: /memoryLimit/ },
    {
      claim: 'an unknown default environment',
      text: whole.replace('environment: local', 'environment: locla'),
      line: 5,
      column: 14,
      says: /no environment "locla"/,
      hint: /local/,
    },
    {
      claim: 'a service that is two things',
      text: whole.replace('{ embedded: AdventureWorksLT }', '{ embedded: A, type: SqlServer }'),
      line: 12,
      column: 27,
      says: /beside type/,
    },
    {
      claim: 'a reference that cannot be read',
      text: whole.replace('lake: ./lake', "lake: '${envv:X}'"),
      line: 8,
      column: 11,
      says: /reference/,
      hint: /\$\{env:NAME\}/,
    },
    {
      claim: 'a secret for a folder',
      text: whole.replace('lake: ./lake', "lake: '${secret:x}'"),
      line: 8,
      column: 11,
      says: /secret cannot stand here/,
    },
    {
      claim: 'a notebook prefix without its slash',
      text: whole.replace('/Shared:', 'Shared:'),
      line: 10,
      column: 18,
      says: /must start with \//,
    },
  ];
  for (const { claim, text, line, column, says, hint } of cases) {
    test(`in the case of ${claim}`, () => {
      write(text);
      const error = failure(load);
      expect(error.code).toBe('CONFIG_INVALID');
      expect(error.message).toMatch(says);
      expect(error.place).toEqual({ file: join(dir, 'lakestead.yaml'), line, column });
      expect(error.hint).toMatch(hint ?? /./);
    });
  }

  test('a missing environment variable', () => {
    write(whole);
    const error = failure(() => load('local', { PW: 'x' }));
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', place: { line: 15, column: 35 } });
    expect(error.message).toContain('HOST');
  });

  test('all of them at once, for validate', () => {
    write(whole.replace('threads: 2', 'threds: 2').replace('    lake: ./other\n', '    lake: 7\n'));
    expect(validateConfig({ dir }).map(({ line, severity }) => ({ line, severity }))).toEqual([
      { line: 4, severity: 'error' },
      { line: 19, severity: 'error' },
    ]);
  });

  test('folders that are not there, for validate', () => {
    write(whole);
    const findings = validateConfig({ dir, environmentVariables: { HOST: 'x', PW: 'y' } });
    expect(findings.map(({ line, severity }) => [line, severity])).toEqual([
      [2, 'error'],
      [10, 'error'],
      [17, 'warning'],
    ]);
  });
});

test('an unknown --env lists the known ones', () => {
  write(whole);
  expect(failure(() => load('prod'))).toMatchObject({ code: 'USAGE', hint: '--env takes local, test' });
});

test('no file says how to make one', () => {
  expect(failure(load)).toMatchObject({ code: 'CONFIG_NOT_FOUND' });
  expect(failure(load).hint).toContain('lakestead init');
});

test('the published JSON Schema is that of the code', () => {
  const published: unknown = JSON.parse(readFileSync(new URL('../../schemas/lakestead.schema.json', import.meta.url), 'utf8'));
  expect(published, 'node tooling/write-config-schema.ts writes it').toEqual(configJsonSchema());
});
