import { randomBytes, scrypt } from 'node:crypto';
import { dirname } from 'node:path';
import { mkdir } from 'node:fs/promises';

import { LakesteadError, type Secret } from '#core';

import { readPrivateFile, writePrivateFile } from './private-file.ts';

/** Where a vault's key comes from: the given one, else the key file. */
export type KeySource = { readonly key: Secret | undefined; readonly keyFile: string };

/** OpenSSL needs 128 * N * r bytes: 32 MiB. */
const scryptCost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

/** The key's 32 bytes, or `undefined` when there is none yet. Text that is not 32 bytes in base64 is a passphrase. */
export async function loadKey(source: KeySource, salt: Buffer): Promise<Buffer | undefined> {
  const text = source.key?.reveal() ?? (await readPrivateFile(source.keyFile))?.trim();
  if (text === undefined || text === '') return undefined;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 32 && /^[A-Za-z0-9+/]{43}=?$/.test(text)) return bytes;
  if (text.length < 12) {
    throw new LakesteadError('VAULT_UNREADABLE', 'the key of the vault is too short', {
      hint: 'LAKESTEAD_VAULT_KEY is 32 bytes in base64 (openssl rand -base64 32), or a passphrase of at least 12 characters',
    });
  }
  return await new Promise((resolve, reject) => {
    scrypt(text, salt, 32, scryptCost, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

/** Makes a key file with a random key. Another process may have made one meanwhile: then that one stays. */
export async function createKeyFile(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writePrivateFile(file, `${randomBytes(32).toString('base64')}\n`, { ifAbsent: true });
}
