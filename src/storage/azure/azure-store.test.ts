import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Secret } from '#core';
import { type AzureCredential, type AzureSettings, type ObjectStore, openAzureStore, RemoteCache } from '#storage';

import { type Azurite, findAzurite, startAzurite } from '../../../test/services/azurite.ts';
import { type FaultyProxy, startFaultyProxy } from '../../../test/support/faulty-proxy.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (found: Uint8Array) => new TextDecoder().decode(found);

describe.runIf(findAzurite())('Azure', () => {
  let azurite: Azurite;
  let proxy: FaultyProxy;
  let cache: RemoteCache;
  let names = 0;
  beforeAll(async () => {
    azurite = await startAzurite();
    proxy = await startFaultyProxy(azurite.endpoint);
    cache = await RemoteCache.open();
  });
  afterAll(async () => {
    await cache[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    await azurite[Symbol.asyncDispose]();
  });

  const open = async (settings: Partial<AzureSettings> = {}): Promise<ObjectStore> => {
    proxy.decide = () => 'pass';
    proxy.seen.length = 0;
    names += 1;
    const credential: AzureCredential = { kind: 'accountKey', key: new Secret(azurite.accountKey, 'test') };
    return await openAzureStore(
      {
        account: azurite.account,
        endpoint: proxy.endpoint,
        credential,
        container: `test-${names}`,
        retry: { minDelayMs: 1, maxDelayMs: 10, tryTimeoutMs: 2000 },
        ...settings,
      },
      cache,
    );
  };
  /** One fault for the first request that fits, then all pass. */
  const once = (fits: RegExp, fault: ReturnType<FaultyProxy['decide']>) => {
    let isPlayed = false;
    proxy.decide = ({ method, url }) => {
      if (isPlayed || !fits.test(`${method} ${url}`)) return 'pass';
      isPlayed = true;
      return fault;
    };
  };

  test('a store of a whole account has containers as its folders, and makes them', async () => {
    const store = await open({ container: undefined });
    await store.put('gold/SalesLT/x', bytes('1'));
    await store.put('silver/y', bytes('2'));
    expect((await store.entries(''))?.map(({ name }) => name)).toEqual(expect.arrayContaining(['gold', 'silver']));
    expect(await store.entries('gold')).toEqual([{ name: 'SalesLT', kind: 'folder' }]);
    const listed: string[] = [];
    for await (const { path } of store.list('', { after: 'gold/SalesLT/w' })) listed.push(path);
    expect(listed).toEqual(expect.arrayContaining(['gold/SalesLT/x', 'silver/y']));
    await expect(store.put('alone', bytes('x'))).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect(await store.find('gold')).toBeUndefined();
  });

  test('a connection string and a SAS open it too; a wrong key is STORAGE_DENIED, and no message shows it', async () => {
    const { BlobServiceClient, ContainerSASPermissions } = await import('@azure/storage-blob');
    const store = await open({ credential: { kind: 'connectionString', text: new Secret(azurite.connectionString, 'test') } });
    await store.put('x', bytes('1'));
    const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(`test-${names}`);
    const url = await container.generateSasUrl({
      permissions: ContainerSASPermissions.parse('racwdl'),
      expiresOn: new Date(Date.now() + 3_600_000),
    });
    const token = new URL(url).search;
    const settings = { account: azurite.account, endpoint: azurite.endpoint, container: `test-${names}` };
    const withSas = await openAzureStore({ ...settings, credential: { kind: 'sas', token: new Secret(token, 'test') } }, cache);
    expect(text(await withSas.get('x'))).toBe('1');
    await withSas.putIfAbsent('y', bytes('2'));
    expect(withSas.root).not.toContain('sig');
    const key = Buffer.from('not the key').toString('base64');
    const wrong = await openAzureStore({ ...settings, credential: { kind: 'accountKey', key: new Secret(key, 'test') } }, cache);
    const error: unknown = await wrong.get('x').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'STORAGE_DENIED' });
    expect(JSON.stringify(error)).not.toContain(key);
    await expect(
      openAzureStore({ ...settings, credential: { kind: 'connectionString', text: new Secret('AccountKey=hush', 'test') } }, cache),
    ).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.not.stringContaining('hush') as string });
  });

  test('putIfAbsent whose answer was lost, or that a proxy sent twice, wins once and is not taken for another', async () => {
    for (const fault of ['lose', 'double'] as const) {
      const store = await open();
      await store.put('warm', bytes('')); // makes the container
      once(/^PUT .*commit/, fault);
      await store.putIfAbsent('commit', bytes('mine'));
      expect(proxy.seen.filter((line) => line.startsWith('PUT') && line.includes('commit')).length).toBe(fault === 'lose' ? 2 : 1);
      await expect(store.putIfAbsent('commit', bytes('mine'))).rejects.toMatchObject({ code: 'STORAGE_EXISTS' });
    }
  });

  test('a lost answer does not make a loser a winner, even with the same content', async () => {
    const store = await open();
    await store.put('commit', bytes('same'));
    once(/^PUT .*commit/, 'lose');
    await expect(store.putIfAbsent('commit', bytes('same'))).rejects.toMatchObject({ code: 'STORAGE_EXISTS' });
  });

  test('when every answer is lost the write is found by looking; when the storage is gone the error says what is unknown', async () => {
    const store = await open({ retry: { maxTries: 2, minDelayMs: 1, maxDelayMs: 2, tryTimeoutMs: 500 } });
    await store.put('warm', bytes(''));
    proxy.decide = ({ method }) => (method === 'PUT' ? 'lose' : 'pass');
    await store.putIfAbsent('commit', bytes('mine'));
    proxy.decide = ({ method }) => (method === 'PUT' ? 'drop' : 'pass');
    await expect(store.putIfAbsent('other', bytes('mine'))).rejects.toMatchObject({
      code: 'STORAGE_UNREACHABLE',
      message: expect.stringContaining('may still be on its way') as string,
    });
    proxy.decide = () => 'drop';
    await expect(store.putIfAbsent('other', bytes('mine'))).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE', retryable: true });
  });

  test('429, 503 and 500 are tried again, as the server asks, up to the limit; 403 is not', async () => {
    const store = await open({ retry: { maxTries: 3, minDelayMs: 1, maxDelayMs: 2 } });
    await store.put('x', bytes('1'));
    once(/^GET/, { status: 429, code: 'TooManyRequests' });
    expect(text(await store.get('x'))).toBe('1');
    once(/^GET/, { status: 503, code: 'ServerBusy', retryAfter: 1 });
    const started = performance.now();
    expect(text(await store.get('x'))).toBe('1');
    expect(performance.now() - started).toBeGreaterThanOrEqual(990);
    proxy.decide = () => ({ status: 503, code: 'ServerBusy' });
    proxy.seen.length = 0;
    await expect(store.get('x')).rejects.toMatchObject({ code: 'STORAGE_THROTTLED', data: { status: 503, tries: 3 } });
    expect(proxy.seen).toHaveLength(3);
    proxy.decide = () => ({ status: 500, code: 'InternalError' });
    await expect(store.find('x')).rejects.toMatchObject({ code: 'STORAGE_FAILED', retryable: true });
    // What a server asks for is not waited for without bound.
    once(/^HEAD/, { status: 503, code: 'ServerBusy', retryAfter: 86_400 });
    await expect(store.find('x')).rejects.toMatchObject({ retryable: true, message: expect.stringContaining('86400 s') as string });
    proxy.decide = () => ({ status: 403, code: 'AuthorizationPermissionMismatch' });
    proxy.seen.length = 0;
    await expect(store.get('x')).rejects.toMatchObject({ code: 'STORAGE_DENIED' });
    expect(proxy.seen).toHaveLength(1);
  });

  test('an attempt that gets no answer ends after its time; a signal ends every wait at once', async () => {
    const store = await open({ retry: { maxTries: 2, minDelayMs: 1, tryTimeoutMs: 300 } });
    await store.put('x', bytes('1'));
    once(/^GET/, 'hang');
    expect(text(await store.get('x'))).toBe('1');
    const patient = await open({ retry: { tryTimeoutMs: 60_000 } });
    proxy.decide = () => 'hang';
    const calls = (signal: AbortSignal): Promise<unknown>[] => [
      patient.get('x', undefined, { signal }),
      patient.find('x', { signal }),
      patient.put('x', bytes('1'), { signal }),
      patient.putIfAbsent('x', bytes('1'), { signal }),
      patient.delete('x', { signal }),
      patient.copy('x', 'y', { signal }),
      patient.entries('', { signal }),
      patient.readable('x', { signal }),
      patient.list('', { signal })[Symbol.asyncIterator]().next(),
    ];
    const started = performance.now();
    const results = await Promise.allSettled(calls(AbortSignal.timeout(200)));
    for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'CANCELLED' } });
    for (const result of await Promise.allSettled(calls(AbortSignal.abort())))
      expect(result).toMatchObject({ reason: { code: 'CANCELLED' } });
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('a large staged file goes up by blocks, appears at the end only, and only where nothing is', async () => {
    const store = await open({ blockBytes: 100_000 });
    const content = randomBytes(1_234_567);
    const staged = await store.stage('big');
    writeFileSync(staged.localPath, content);
    let visible = 0;
    proxy.decide = ({ url }) => {
      if (url.includes('comp=block&')) void store.find('big').then((found) => (visible += found === undefined ? 0 : 1));
      return 'pass';
    };
    expect(await staged.publish({ ifAbsent: true })).toEqual({ sizeBytes: content.length });
    expect(proxy.seen.filter((line) => line.includes('comp=block&'))).not.toHaveLength(0);
    expect(visible).toBe(0);
    expect(Buffer.from(await store.get('big')).equals(content)).toBe(true);
    const second = await store.stage('big');
    writeFileSync(second.localPath, randomBytes(500_000));
    await expect(second.publish({ ifAbsent: true })).rejects.toMatchObject({ code: 'STORAGE_EXISTS' });
    await second.discard();
    const third = await store.stage('lost');
    writeFileSync(third.localPath, content);
    once(/comp=blocklist/, 'lose');
    expect(await third.publish({ ifAbsent: true })).toEqual({ sizeBytes: content.length });
    expect(Buffer.from(await store.get('lost', { start: 99_990, end: 100_010 })).equals(content.subarray(99_990, 100_010))).toBe(true);
  });

  test('listing goes page by page, and a page that failed is asked for again', async () => {
    const store = await open({ pageSize: 25 });
    const paths = Array.from({ length: 120 }, (_, index) => `t/${String(index).padStart(4, '0')}`);
    await Promise.all(paths.map(async (path) => await store.put(path, bytes(''))));
    once(/comp=list/, 'drop');
    const found: string[] = [];
    for await (const { path } of store.list('t')) found.push(path);
    expect(found).toEqual(paths);
    expect(proxy.seen.filter((line) => line.includes('comp=list'))).toHaveLength(6);
  });

  test('an object that is replaced while it is fetched is read anew: old and new are never mixed', async () => {
    const store = await open();
    const direct = await open({ endpoint: azurite.endpoint, container: `test-${names}` });
    const part = 8 * 1024 * 1024; // fetched in three parts
    await direct.put('x', new Uint8Array(part * 2 + 10).fill(1));
    let gets = 0;
    proxy.decide = async ({ method }): Promise<'pass'> => {
      if (method === 'GET' && (gets += 1) === 3) await direct.put('x', new Uint8Array(part * 2 + 10).fill(2));
      return 'pass';
    };
    const found = readFileSync(await store.readable('x'));
    expect(found).toHaveLength(part * 2 + 10);
    expect(found.equals(Buffer.alloc(found.length, 2))).toBe(true);
    await direct.put('x', new Uint8Array(3).fill(3));
    expect([...readFileSync(await store.readable('x'))]).toEqual([3, 3, 3]);
  });

  test('never more requests at a time than maxParallel', async () => {
    const store = await open({ maxParallel: 3 });
    await store.put('x', bytes('1'));
    let most = 0;
    let now = 0;
    proxy.decide = () => {
      now += 1;
      most = Math.max(most, now);
      setTimeout(() => (now -= 1), 0); // an answer takes longer than a turn
      return 'pass';
    };
    await Promise.all(Array.from({ length: 40 }, async () => await store.get('x')));
    expect(most).toBeLessThanOrEqual(3);
    expect(store.traffic?.requests).toBeGreaterThanOrEqual(41);
  });
});
