import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { openLake, parseLakeAddress } from '#storage';

test('every spelling of an address names its account, container and path', () => {
  const expected = { account: 'lake1', container: 'gold', path: 'SalesLT/Address' };
  expect(parseLakeAddress('abfss://gold@lake1.dfs.core.windows.net/SalesLT/Address')).toEqual(expected);
  expect(parseLakeAddress('abfs://gold@lake1.dfs.core.windows.net/SalesLT/Address/')).toEqual(expected);
  expect(parseLakeAddress('wasbs://gold@LAKE1.blob.core.windows.net//SalesLT/Address')).toEqual(expected);
  expect(parseLakeAddress('https://lake1.dfs.core.windows.net/gold/SalesLT/Address')).toEqual(expected);
  expect(parseLakeAddress('https://lake1.blob.core.windows.net/gold/SalesLT/Address/')).toEqual(expected);
  expect(parseLakeAddress('https://lake1.blob.core.chinacloudapi.cn/gold/SalesLT/Address')).toEqual(expected);
  expect(parseLakeAddress('gold/SalesLT/Address')).toEqual({ container: 'gold', path: 'SalesLT/Address' });
  expect(parseLakeAddress('/gold/SalesLT/Address/')).toEqual({ container: 'gold', path: 'SalesLT/Address' });
  expect(parseLakeAddress('gold')).toEqual({ container: 'gold', path: '' });
});

test('escapes are taken off where the address is a URL, and only there', () => {
  expect(parseLakeAddress('https://a.dfs.core.windows.net/gold/with%20blank/100%25').path).toBe('with blank/100%');
  expect(parseLakeAddress('gold/with%20blank').path).toBe('with%20blank');
});

test('what is no address, or leads out of its container, is refused', () => {
  for (const text of ['s3://bucket/key', 'https://example.com/gold/x', 'abfss://gold/x', '']) {
    expect(() => parseLakeAddress(text)).toThrow(expect.objectContaining({ code: 'STORAGE_UNMAPPED' }));
  }
  for (const text of [
    'gold/../silver',
    'https://a.dfs.core.windows.net/gold/%2e%2e/silver',
    '../x',
    'https://a.dfs.core.windows.net/gold/100%',
  ]) {
    expect(() => parseLakeAddress(text)).toThrow(expect.objectContaining({ code: 'STORAGE_FAILED' }));
  }
});

test('an account leads to its folder, one that is not mapped to what must be written', async () => {
  const root = mkdtempSync(join(tmpdir(), 'lakestead-lake-'));
  try {
    const lake = openLake({
      defaultRoot: join(root, 'own'),
      accounts: new Map([['ContosoLake', join(root, 'contoso')]]),
      environment: 'local',
    });
    const place = await lake.resolve('abfss://gold@contosolake.dfs.core.windows.net/t');
    expect(place).toMatchObject({ path: 'gold/t', container: 'gold', account: 'contosolake' });
    await place.store.put(`${place.path}/x`, new Uint8Array(1));
    const again = await lake.resolve('https://contosolake.blob.core.windows.net/gold/t');
    expect(again.store).toBe(place.store);
    expect(await (await lake.resolve('gold/t')).store.entries('gold/t')).toBeUndefined();
    await expect(lake.resolve('abfss://gold@other.dfs.core.windows.net/t')).rejects.toMatchObject({
      code: 'STORAGE_UNMAPPED',
      hint: 'add to lakestead.yaml: environments.local.storage: { other: ./lake }',
    });
  } finally {
    rmSync(root, { recursive: true });
  }
});
