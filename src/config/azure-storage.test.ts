import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { loadConfig, SecretReference, validateConfig } from '#config';
import { Secret } from '#core';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakestead-azure-config-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const environmentVariables = { KEY: 'hush-hush', HOST: '127.0.0.1:10000' };

function write(lake: string, storage = '{}') {
  writeFileSync(join(dir, 'lakestead.yaml'), `name: x\nenvironments:\n  local:\n    lake: ${lake}\n    storage: ${storage}\n`);
  return { dir, environmentVariables };
}

function findings(lake: string, storage?: string) {
  return validateConfig(write(lake, storage)).map(({ line, message, hint }) => [line, message, hint]);
}

test('the lake and each account can be an account of Azure, its credential a reference or hidden', () => {
  const options = write(
    '{ account: contosolake, container: lake, folder: /prod/, accountKey: "${secret:lake-key}", retry: { maxTries: 3, tryTimeout: 2min } }',
    '{ folder: ./lake, contoso: { endpoint: "http://${env:HOST}/devstoreaccount1", connectionString: "AccountKey=${env:KEY}" }, signedin: {} }',
  );
  const { lake, storage } = loadConfig(options).environment;
  expect(lake).toMatchObject({
    account: 'contosolake',
    container: 'lake',
    folder: 'prod',
    credential: { kind: 'accountKey', value: expect.any(SecretReference) as SecretReference },
    retry: { maxTries: 3, tryTimeoutMs: 120_000 },
  });
  expect(storage.get('folder')).toBe(join(dir, 'lake'));
  expect(storage.get('contoso')).toMatchObject({
    account: 'contoso',
    endpoint: 'http://127.0.0.1:10000/devstoreaccount1',
    credential: { kind: 'connectionString', value: expect.any(Secret) as Secret },
  });
  expect(storage.get('signedin')).toMatchObject({ account: 'signedin', credential: undefined });
  expect(inspect(storage, { depth: 9 }) + JSON.stringify([...storage])).not.toContain('hush');
});

test('what is wrong in an account is said of the form that was meant, with its line', () => {
  expect(findings('{ account: a, acountKey: x }')).toEqual([
    [4, '"acountKey" is no key of environments.local.lake', 'did you mean accountKey?'],
  ]);
  expect(findings('{ account: a, accountKey: x, sasToken: y }')).toEqual([
    [4, 'environments.local.lake.sasToken cannot stand beside accountKey', 'A shared access signature: ${secret:name}'],
  ]);
  expect(findings('{ accountKey: x }')).toMatchObject([[4, 'the lake needs account: the storage account', expect.any(String) as string]]);
  expect(findings('./lake', '{ a: { folder: x } }')).toMatchObject([
    [5, 'environments.local.storage.a.folder needs container: the container it is in', 'A folder of that container'],
  ]);
  expect(findings('./lake', '{ a: { accountKey: x, endpoint: "host:1" } }')).toMatchObject([
    [5, 'this is no address of a blob service', expect.any(String) as string],
  ]);
  expect(findings('./lake', '{ a: { endpoint: "http://127.0.0.1:1/a" } }')).toMatchObject([
    [5, "Azure's own sign-in needs https", expect.any(String) as string],
  ]);
  expect(findings('./lake', '{ a: { accountKey: x, retry: { tryTimeout: 5 } } }')).toMatchObject([
    [5, 'environments.local.storage.a.retry.tryTimeout must be text, not the number 5', expect.any(String) as string],
  ]);
  expect(findings('7')).toMatchObject([
    [4, 'environments.local.lake must be text or a map, not the number 7', expect.any(String) as string],
  ]);
});

test('the limit of the cache of remote files is a size', () => {
  writeFileSync(join(dir, 'lakestead.yaml'), 'name: x\nengine: { remoteCacheLimit: 1.5GB }\nenvironments:\n  local: { lake: ./lake }\n');
  expect(loadConfig({ dir }).engine.remoteCacheBytes).toBe(1_500_000_000);
});
