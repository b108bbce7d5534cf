import { basename, dirname, resolve } from 'node:path';

import { LakesteadError, Secret } from '#core';
import { type AzureCredential, type Lake, type LakePlace, openAzureStore, openLake, parseLakeAddress, RemoteCache } from '#storage';

/** A Delta table by where it is, without a project: a lake of its own, and the table's address in it. */
export type DeltaPlace = AsyncDisposable & { readonly lake: Lake; readonly address: string; resolve(): Promise<LakePlace> };

/** What the environment says about storage accounts, as Azure's own tools name it. */
type Environment = Readonly<Record<string, string | undefined>>;

/** Whether a table is named by the URL of a storage account, and not by a folder. */
export function isUrl(path: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(path);
}

/**
 * The table in a folder of this machine, or at a URL of a storage account (`abfss://...`, `https://...`, or that of an emulator),
 * which is opened by `AZURE_STORAGE_CONNECTION_STRING`, `AZURE_STORAGE_KEY` or `AZURE_STORAGE_SAS_TOKEN`, else by Azure's own chain
 * of identities.
 *
 * @throws {LakesteadError} `STORAGE_UNMAPPED` for a URL that is none of a lake
 */
export async function openDeltaPlace(path: string, environment: Environment = process.env): Promise<DeltaPlace> {
  if (!isUrl(path)) {
    const folder = resolve(path);
    const lake = openLake({ defaultRoot: dirname(folder) });
    const address = basename(folder);
    return { lake, address, resolve: async () => await lake.resolve(address), [Symbol.asyncDispose]: async () => await Promise.resolve() };
  }
  const { account, container, path: inside, endpoint } = parseUrl(path);
  const cache = await RemoteCache.open();
  const credential = credentialOf(environment);
  const store = async () => await openAzureStore({ account, endpoint, credential }, cache);
  const lake = openLake({ defaultRoot: store, accounts: new Map([[account, store]]) });
  const address = [container, inside].filter((part) => part !== '').join('/');
  return {
    lake,
    address,
    resolve: async () => await lake.resolve(address),
    [Symbol.asyncDispose]: async () => await cache[Symbol.asyncDispose](),
  };
}

/** An account of Azure by its host, or one behind an address of this machine (`http://127.0.0.1:10000/account/container/...`). */
function parseUrl(url: string): {
  readonly account: string;
  readonly container: string;
  readonly path: string;
  readonly endpoint: string | undefined;
} {
  const [, origin, account, container, path = ''] = /^(https?:\/\/(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?)\/([^/]+)\/([^/]+)(?:\/(.*))?$/i.exec(url) ?? []; // prettier-ignore
  if (origin !== undefined && account !== undefined && container !== undefined)
    return { account, container, path: decodeURIComponent(path).replace(/\/+$/, ''), endpoint: `${origin}/${account}` };
  const address = parseLakeAddress(url);
  if (address.account !== undefined) return { ...address, account: address.account, endpoint: undefined };
  throw new LakesteadError('STORAGE_UNMAPPED', `${url} names no storage account`);
}

function credentialOf(environment: Environment): AzureCredential {
  const found = (name: string) => {
    const text = environment[name];
    return text === undefined || text === '' ? undefined : new Secret(text, name);
  };
  const text = found('AZURE_STORAGE_CONNECTION_STRING');
  if (text !== undefined) return { kind: 'connectionString', text };
  const key = found('AZURE_STORAGE_KEY') ?? found('AZURE_STORAGE_ACCOUNT_KEY');
  if (key !== undefined) return { kind: 'accountKey', key };
  const token = found('AZURE_STORAGE_SAS_TOKEN');
  return token === undefined ? { kind: 'default' } : { kind: 'sas', token };
}
