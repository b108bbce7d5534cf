import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openLocalStore, openMemoryStore } from '#storage';

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
