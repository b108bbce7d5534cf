import { expect, test } from 'vitest';

import { openMemoryStore } from '#storage';

import { emptyState } from './replay.ts';
import { verifyChecksum } from './version-checksum.ts';

const path = 't/_delta_log/00000000000000000003.crc';

async function verify(text: string | undefined): Promise<void> {
  const store = openMemoryStore();
  if (text !== undefined) await store.putIfAbsent(path, Buffer.from(text));
  await verifyChecksum(store, 't', 3, emptyState);
}

test('a checksum that is missing, torn or none at all is passed over', async () => {
  await expect(verify(undefined)).resolves.toBeUndefined();
  await expect(verify('{"numFiles": 1')).resolves.toBeUndefined();
  await expect(verify('{"what": 1}')).resolves.toBeUndefined();
});

test('a checksum that agrees passes, one that differs is DELTA_CORRUPT with both numbers', async () => {
  await expect(verify('{"numFiles":0,"tableSizeBytes":0}')).resolves.toBeUndefined();
  await expect(verify('{"numFiles":2,"tableSizeBytes":7}')).rejects.toMatchObject({
    code: 'DELTA_CORRUPT',
    message: `${path} says 2 files where the log has 0 and 7 bytes where the log has 0: the log is not what its writer saw`,
  });
});
