import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';

import { z } from 'zod';

import { LakesteadError, nearMisses, Secret } from '#core';

import { readPrivateFile, withFileLock, writePrivateFile } from './private-file.ts';
import { seal, type Sealed, sealedSchema, unseal } from './vault-cipher.ts';
import { createKeyFile, loadKey } from './vault-key.ts';

const vaultFileSchema = z.strictObject({
  version: z.literal(1),
  /** Of the key's derivation from a passphrase. */
  salt: z.base64(),
  /** Names with the tags of their records, sealed: a record that was removed, added or put back shows. */
  index: sealedSchema,
  records: z.record(z.string(), sealedSchema),
});
type VaultFile = z.infer<typeof vaultFileSchema>;

/** The project's secrets. Each call reads the file again: another process may have changed it. */
export type Vault = {
  readonly file: string;
  /** @throws {LakesteadError} `SECRET_NOT_FOUND` with names that are near, `VAULT_UNREADABLE` */
  get(name: string): Promise<Secret>;
  /** The names, sorted. */
  list(): Promise<readonly string[]>;
  /** Keeps a secret, replacing one of that name. Makes the vault, and a key file when no key was given. */
  set(name: string, value: Secret): Promise<void>;
  /** @throws {LakesteadError} `SECRET_NOT_FOUND` */
  remove(name: string): Promise<void>;
};

export type VaultOptions = {
  /** The vault itself. */
  readonly file: string;
  /** 32 bytes in base64, or a passphrase: `LAKESTEAD_VAULT_KEY`. Without it the key file is used. */
  readonly key?: Secret | undefined;
  /** Default: `vault.key` beside the vault. */
  readonly keyFile?: string | undefined;
};

/** The local vault: a JSON file of mode 0600 with a record each secret. Opens nothing yet. */
export function openVault(options: VaultOptions): Vault {
  const { file } = options;
  const source = { key: options.key, keyFile: options.keyFile ?? join(dirname(file), 'vault.key') };
  const keys = new Map<string, Promise<Buffer | undefined>>();

  const keyFor = async (salt: string): Promise<Buffer | undefined> => {
    let key = keys.get(salt);
    if (key === undefined) {
      key = loadKey(source, Buffer.from(salt, 'base64'));
      keys.set(salt, key);
      // A key that was not there, or could not be read, may be there the next time.
      void key.then((found) => found ?? keys.delete(salt)).catch(() => keys.delete(salt));
    }
    return await key;
  };

  const load = async (): Promise<{ records: VaultFile['records']; salt: string; key: Buffer } | undefined> => {
    const text = await readPrivateFile(file);
    if (text === undefined) return undefined;
    const { salt, index, records } = parseVaultFile(text, file);
    const key = await keyFor(salt);
    if (key === undefined) {
      throw new LakesteadError('VAULT_UNREADABLE', `there is no key for ${file}`, {
        hint: `set LAKESTEAD_VAULT_KEY, or put back ${source.keyFile}`,
      });
    }
    const listed = unseal(key, indexLabel, index);
    if (listed === undefined) throw unreadable(file, 'its key is another one, or it was changed by something else');
    if (listed !== indexText(records)) throw unreadable(file, 'its records were changed by something else');
    return { records, salt, key };
  };

  const save = async (records: VaultFile['records'], salt: string, key: Buffer): Promise<void> => {
    const content: VaultFile = { version: 1, salt, index: seal(key, indexLabel, indexText(records)), records };
    await writePrivateFile(file, `${JSON.stringify(content, undefined, 2)}\n`);
  };

  const start = async (): Promise<{ records: VaultFile['records']; salt: string; key: Buffer }> => {
    const salt = randomBytes(16).toString('base64');
    if (source.key === undefined) await createKeyFile(source.keyFile);
    const key = await keyFor(salt);
    if (key === undefined) throw unreadable(source.keyFile, 'it is empty');
    return { records: {}, salt, key };
  };

  return {
    file,
    get: async (name) => {
      const vault = await load();
      const record = vault === undefined ? undefined : findRecord(vault.records, name);
      if (vault === undefined || record === undefined) throw notFound(name, Object.keys(vault?.records ?? {}));
      const value = unseal(vault.key, recordLabel(name), record);
      if (value === undefined) throw unreadable(file, `its record ${name} was changed by something else`);
      return new Secret(value, `secret:${name}`);
    },
    list: async () => Object.keys((await load())?.records ?? {}).toSorted(),
    set: async (name, value) => {
      if (!/^[A-Za-z0-9_.-]{1,127}$/.test(name)) {
        throw new LakesteadError('USAGE', `${JSON.stringify(name)} cannot be the name of a secret`, {
          hint: 'letters, digits, -, _ and . are taken, at most 127',
        });
      }
      await withFileLock(file, async () => {
        const { records, salt, key } = (await load()) ?? (await start());
        await save(Object.fromEntries([...Object.entries(records), [name, seal(key, recordLabel(name), value.reveal())]]), salt, key);
      });
    },
    remove: async (name) => {
      await withFileLock(file, async () => {
        const vault = await load();
        if (vault === undefined || findRecord(vault.records, name) === undefined) throw notFound(name, Object.keys(vault?.records ?? {}));
        await save(Object.fromEntries(Object.entries(vault.records).filter(([other]) => other !== name)), vault.salt, vault.key);
      });
    },
  };
}

const indexLabel = 'lakestead vault 1, index';

function recordLabel(name: string): string {
  return `lakestead vault 1, record ${name}`;
}

function indexText(records: VaultFile['records']): string {
  return Object.entries(records)
    .map(([name, { tag }]) => `${name} ${tag}`)
    .toSorted()
    .join('\n');
}

function findRecord(records: VaultFile['records'], name: string): Sealed | undefined {
  return Object.hasOwn(records, name) ? records[name] : undefined;
}

function parseVaultFile(text: string, file: string): VaultFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw unreadable(file, 'it is no JSON', cause);
  }
  const parsed = vaultFileSchema.safeParse(json);
  if (!parsed.success) throw unreadable(file, 'it is no vault of a version that is known here', parsed.error);
  return parsed.data;
}

function unreadable(file: string, why: string, cause?: unknown): LakesteadError {
  return new LakesteadError('VAULT_UNREADABLE', `${file} cannot be opened: ${why}`, {
    cause,
    hint: 'give the key that the vault was made with (LAKESTEAD_VAULT_KEY, or the key file beside it), or move the vault away and set the secrets again',
  });
}

function notFound(name: string, names: readonly string[]): LakesteadError {
  const near = nearMisses(name, names);
  return new LakesteadError('SECRET_NOT_FOUND', `there is no secret ${JSON.stringify(name)} in the vault`, {
    hint: `${near.length === 0 ? '' : `did you mean ${near.join(' or ')}? Else: `}lakestead secret set ${name}`,
    data: { name, near },
  });
}
