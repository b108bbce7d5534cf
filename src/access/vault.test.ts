import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openVault, resolveSecret, resolveSecrets } from '#access';
import { loadConfig, SecretReference } from '#config';
import { Secret } from '#core';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakestead-vault-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const file = () => join(dir, 'vault.json');
const secret = (value: string) => new Secret(value, 'test');
const key = secret(randomBytes(32).toString('base64'));
const mode = (path: string) => statSync(path).mode & 0o777;

describe('a vault', () => {
  test('gives back what was set, from another opening, and no byte of it can be read in the files', async () => {
    await openVault({ file: file() }).set('sql', secret('pässword-😀'));
    const vault = openVault({ file: file() });
    expect((await vault.get('sql')).reveal()).toBe('pässword-😀');
    expect(await vault.list()).toEqual(['sql']);
    expect(readFileSync(file(), 'utf8')).not.toContain('pässword');
    expect(readdirSync(dir).toSorted()).toEqual(['vault.json', 'vault.key']);
  });

  test('and its key file are for their owner only', async () => {
    await openVault({ file: file() }).set('sql', secret('x'));
    expect([mode(file()), mode(join(dir, 'vault.key'))]).toEqual([0o600, 0o600]);
  });

  test('with a given key makes no key file', async () => {
    await openVault({ file: file(), key }).set('sql', secret('x'));
    expect(existsSync(join(dir, 'vault.key'))).toBe(false);
    expect((await openVault({ file: file(), key }).get('sql')).reveal()).toBe('x');
  });

  test('opens with a passphrase', async () => {
    await openVault({ file: file(), key: secret('correct horse battery') }).set('sql', secret('x'));
    expect((await openVault({ file: file(), key: secret('correct horse battery') }).get('sql')).reveal()).toBe('x');
    await expect(openVault({ file: file(), key: secret('correct horse batterz') }).get('sql')).rejects.toMatchObject({
      code: 'VAULT_UNREADABLE',
    });
  });

  test('says the names that are near, and no value', async () => {
    const vault = openVault({ file: file(), key });
    await vault.set('sql-password', secret('hush'));
    await expect(vault.get('sql-pasword')).rejects.toMatchObject({
      code: 'SECRET_NOT_FOUND',
      hint: expect.stringContaining('sql-password'),
    });
    await expect(vault.get('toString')).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
  });

  test('that is not there has no secrets', async () => {
    expect(await openVault({ file: file() }).list()).toEqual([]);
    await expect(openVault({ file: file() }).get('x')).rejects.toMatchObject({
      code: 'SECRET_NOT_FOUND',
      hint: expect.stringContaining('lakestead secret set x'),
    });
  });

  test('removes', async () => {
    const vault = openVault({ file: file(), key });
    await vault.set('a', secret('1'));
    await vault.remove('a');
    expect(await vault.list()).toEqual([]);
    await expect(vault.remove('a')).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
  });

  test('refuses a name that no reference could have', async () => {
    await expect(openVault({ file: file(), key }).set('a}b', secret('1'))).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('a vault is not opened', () => {
  const spoil = async (change: (content: { records: Record<string, { data: string }> }) => void) => {
    const vault = openVault({ file: file(), key });
    await vault.set('a', secret('1'));
    await vault.set('b', secret('2'));
    const content = JSON.parse(readFileSync(file(), 'utf8')) as Parameters<typeof change>[0];
    change(content);
    writeFileSync(file(), JSON.stringify(content));
    return vault;
  };

  test('with another key', async () => {
    await openVault({ file: file(), key }).set('a', secret('1'));
    const other = openVault({ file: file(), key: secret(randomBytes(32).toString('base64')) });
    await expect(other.get('a')).rejects.toMatchObject({ code: 'VAULT_UNREADABLE' });
    await expect(other.set('b', secret('2'))).rejects.toMatchObject({ code: 'VAULT_UNREADABLE' });
  });

  test('when two records changed places', async () => {
    const vault = await spoil((content) => {
      content.records = { a: content.records['b']!, b: content.records['a']! };
    });
    await expect(vault.get('a')).rejects.toMatchObject({ code: 'VAULT_UNREADABLE' });
  });

  test('when a byte of a value changed', async () => {
    const vault = await spoil((content) => {
      content.records['a']!.data = Buffer.from('9').toString('base64');
    });
    await expect(vault.get('a')).rejects.toMatchObject({ code: 'VAULT_UNREADABLE' });
  });

  test('when a record was taken out', async () => {
    const vault = await spoil((content) => {
      delete content.records['a'];
    });
    await expect(vault.get('b')).rejects.toMatchObject({ code: 'VAULT_UNREADABLE' });
  });

  test.skipIf(process.platform === 'win32')('when others may read it or its key', async () => {
    const vault = openVault({ file: file() });
    await vault.set('a', secret('1'));
    chmodSync(file(), 0o644);
    await expect(vault.get('a')).rejects.toMatchObject({ code: 'VAULT_UNREADABLE', hint: `chmod 600 ${file()}` });
    chmodSync(file(), 0o600);
    chmodSync(join(dir, 'vault.key'), 0o640);
    await expect(openVault({ file: file() }).get('a')).rejects.toMatchObject({ code: 'VAULT_UNREADABLE' });
  });
});

test('writers in several processes lose nothing', async () => {
  const script = `
    import { openVault } from '#access';
    import { Secret } from '#core';
    const [file, who] = process.argv.slice(1);
    for (let i = 0; i < 4; i += 1) await openVault({ file }).set(who + i, new Secret(who, 'test'));`;
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const run = promisify(execFile);
  await Promise.all(
    ['a', 'b', 'c'].map(async (who) => await run(process.execPath, ['--input-type=module', '-e', script, file(), who], { cwd })),
  );
  expect(await openVault({ file: file() }).list()).toHaveLength(12);
  expect(readdirSync(dir).toSorted()).toEqual(['vault.json', 'vault.key']);
});

test('a lock whose process is gone is taken over', async () => {
  writeFileSync(`${file()}.lock`, '999999999');
  await openVault({ file: file(), key }).set('a', secret('1'));
  expect(existsSync(`${file()}.lock`)).toBe(false);
});

test("a linked service's references open wherever they stand", async () => {
  const vault = openVault({ file: file(), key });
  await vault.set('pw', secret('hush'));
  writeFileSync(
    join(dir, 'lakestead.yaml'),
    "name: x\nenvironments: { local: { lake: l, linkedServices: { s: { type: T, typeProperties: { c: 'User=a;Pwd=${secret:pw}', deep: [{ k: '${secret:pw}' }], n: 1 } } } } }\n",
  );
  const service = loadConfig({ dir }).environment.linkedServices.get('s');
  if (service?.kind !== 'service') throw new Error('no service');
  const { c } = service.typeProperties;
  if (!(c instanceof SecretReference)) throw new Error('no reference');
  expect((await resolveSecret(c, vault)).reveal()).toBe('User=a;Pwd=hush');
  const resolved = await resolveSecrets(service.typeProperties, vault);
  expect(JSON.stringify(resolved)).toBe('{"c":"***","deep":[{"k":"***"}],"n":1}');
});
