import { resolveSecret, type Vault } from '#access';
import type { AzureStorage, Config } from '#config';
import { Secret } from '#core';
import { type AzureCredential, type Lake, type LakeRoot, openAzureStore, openLake, RemoteCache } from '#storage';

import { lazy } from './lazy.ts';

/** The lake of an environment. Secrets are opened, and Azure's packages loaded, when the first address leads to an account. */
export function openProjectLake(config: Config, cacheFolder: string, vault: () => Vault): Lake & AsyncDisposable {
  const { environment, engine } = config;
  const cache = lazy(async () => await RemoteCache.open({ folder: cacheFolder, limitBytes: engine.remoteCacheBytes }));
  const root = (storage: string | AzureStorage): LakeRoot =>
    typeof storage === 'string'
      ? storage
      : async () => await openAzureStore({ ...storage, credential: await openCredential(storage, vault) }, await cache.get());
  const lake = openLake({
    defaultRoot: root(environment.lake),
    accounts: new Map([...environment.storage].map(([account, storage]) => [account, root(storage)])),
    environment: environment.name,
  });
  return {
    ...lake,
    [Symbol.asyncDispose]: async () => await (await cache.started)?.[Symbol.asyncDispose](),
  };
}

async function openCredential({ credential }: AzureStorage, vault: () => Vault): Promise<AzureCredential> {
  if (credential === undefined) return { kind: 'default' };
  const { value } = credential;
  const secret = value instanceof Secret ? value : await resolveSecret(value, vault());
  switch (credential.kind) {
    case 'accountKey':
      return { kind: 'accountKey', key: secret };
    case 'sasToken':
      return { kind: 'sas', token: secret };
    case 'connectionString':
      return { kind: 'connectionString', text: secret };
  }
}

/** Where the lake is, for people: its folder, or the address of its account. */
export function describeLakeRoot({ lake }: Config['environment']): string {
  if (typeof lake === 'string') return lake;
  const address = lake.endpoint ?? `https://${lake.account}.blob.core.windows.net`;
  return [address.replace(/\/+$/, ''), lake.container, lake.folder].filter((part) => part !== undefined).join('/');
}
