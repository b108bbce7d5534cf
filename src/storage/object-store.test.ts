import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe } from 'vitest';

import { Secret } from '#core';
import { openAzureStore, openLocalStore, openMemoryStore, RemoteCache } from '#storage';

import { type Azurite, findAzurite, startAzurite } from '../../test/services/azurite.ts';
import { count } from '../../test/support/evidence.ts';
import { describeRandomHistory } from './object-store.history.ts';
import { describeObjectStore } from './object-store.conformance.ts';

describeObjectStore('a local folder', async () => {
  const root = mkdtempSync(join(tmpdir(), 'lakestead-store-'));
  return {
    store: await openLocalStore(join(root, 'lake')),
    [Symbol.asyncDispose]: async () => await Promise.resolve(rmSync(root, { recursive: true })),
  };
});

describeObjectStore('memory', async () => {
  const store = openMemoryStore();
  return await Promise.resolve({ store, [Symbol.asyncDispose]: async () => await store[Symbol.asyncDispose]() });
});

describeRandomHistory(
  'a local folder',
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'lakestead-store-'));
    const clients = await Promise.all([1, 2, 3].map(async () => await openLocalStore(join(root, 'lake'))));
    return { clients, [Symbol.asyncDispose]: async () => await Promise.resolve(rmSync(root, { recursive: true })) };
  },
  count(60, 1000),
);

describeRandomHistory(
  'memory',
  async () => {
    const store = openMemoryStore();
    return await Promise.resolve({ clients: [store], [Symbol.asyncDispose]: async () => await store[Symbol.asyncDispose]() });
  },
  count(200, 5000),
);

describe.runIf(findAzurite())('with Azurite', () => {
  let azurite: Azurite;
  let containers = 0;
  beforeAll(async () => {
    azurite = await startAzurite();
  });
  afterAll(async () => await azurite[Symbol.asyncDispose]());

  const openClient = async (folder: string | undefined, cache: RemoteCache) =>
    await openAzureStore(
      {
        account: azurite.account,
        endpoint: azurite.endpoint,
        credential: { kind: 'accountKey', key: new Secret(azurite.accountKey, 'test') },
        container: `conformance-${containers}`,
        folder,
      },
      cache,
    );
  const open = (folder: string | undefined) => async () => {
    const cache = await RemoteCache.open();
    containers += 1;
    return { store: await openClient(folder, cache), [Symbol.asyncDispose]: async () => await cache[Symbol.asyncDispose]() };
  };
  describeObjectStore('a container of Azure', open(undefined));
  describeObjectStore('a folder of a container of Azure', open('deep/lake'));
  describeRandomHistory(
    'Azure',
    async () => {
      const cache = await RemoteCache.open();
      containers += 1;
      const clients = await Promise.all([1, 2, 3].map(async () => await openClient(undefined, cache)));
      return { clients, [Symbol.asyncDispose]: async () => await cache[Symbol.asyncDispose]() };
    },
    count(30, 500),
  );
});
