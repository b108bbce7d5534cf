import { LakesteadError } from '#core';

import { checkObjectPath } from './object-path.ts';
import type { ObjectStore, StoreTraffic } from './object-store.ts';
import { openLocalStore } from './local-store.ts';

/** Where something is in a lake: the account is left out for the lake's own folder. `path` is '' for the container itself. */
export type LakeAddress = { readonly account?: string; readonly container: string; readonly path: string };

/**
 * Reads an address in one of its spellings: `abfss://container@account.dfs.core.windows.net/path` (also `abfs`, `wasbs`,
 * `wasb`), `https://account.dfs|blob.core.windows.net/container/path`, or plain `container/path` of the lake itself.
 * Percent-encoding is taken off where the spelling is a URL. Hosts of other clouds (`core.chinacloudapi.cn`) are taken too.
 *
 * @throws {LakesteadError} `STORAGE_UNMAPPED` for a scheme that no lake has, `STORAGE_FAILED` for a path with `..`
 */
export function parseLakeAddress(text: string): LakeAddress {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return splitContainer(undefined, text.replace(/^\/+/, ''), text);
  const [, authority = '', rest = ''] = /^[^:]+:\/\/([^/]*)\/*(.*)$/s.exec(text) ?? [];
  if (['abfss', 'abfs', 'wasbs', 'wasb'].includes(scheme)) {
    const [, container, account] = /^([^@]+)@([^.@]+)\.[^@]+$/.exec(authority) ?? [];
    if (container === undefined || account === undefined)
      throw unreadable(text, `${scheme}://<container>@<account>.dfs.core.windows.net/<path>`);
    return checked(account, container, decode(rest, text), text);
  }
  const account = /^([^.]+)\.(?:dfs|blob)\.[^/]+$/i.exec(authority)?.[1];
  if ((scheme !== 'https' && scheme !== 'http') || account === undefined) {
    throw unreadable(
      text,
      'abfss://<container>@<account>.dfs.core.windows.net/<path>, https://<account>.dfs.core.windows.net/<container>/<path> or <container>/<path>',
    );
  }
  return splitContainer(account, decode(rest, text), text);
}

function splitContainer(account: string | undefined, path: string, text: string): LakeAddress {
  const [container = '', ...rest] = path.split('/');
  return checked(account, container, rest.join('/'), text);
}

function checked(account: string | undefined, container: string, path: string, text: string): LakeAddress {
  const bare = path.replace(/\/+$/, '');
  if (container === '') throw unreadable(text, 'an address with a container, as in bronze/SalesLT');
  checkObjectPath(bare === '' ? container : `${container}/${bare}`);
  // Accounts are lower case in Azure, and names of hosts compare without it.
  return { ...(account === undefined ? {} : { account: account.toLowerCase() }), container, path: bare };
}

function decode(path: string, text: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new LakesteadError('STORAGE_FAILED', `${text} has a percent sign that starts no escape`, {
      cause,
      hint: 'write a percent sign of a name as %25',
    });
  }
}

function unreadable(text: string, right: string): LakesteadError {
  return new LakesteadError('STORAGE_UNMAPPED', `${text} is no address of a lake`, { hint: `write ${right}` });
}

/** Where an address leads: `path` is the object's or folder's in `store`. */
export type LakePlace = { readonly store: ObjectStore; readonly path: string; readonly container: string; readonly account?: string };

/** A lake: the stores that its addresses lead to, opened once each. */
export type Lake = {
  /** @throws {LakesteadError} `STORAGE_UNMAPPED` when the account is not mapped in this environment */
  resolve(address: string | LakeAddress): Promise<LakePlace>;
  /** What was asked of remote stores so far, all together; `undefined` while none is open. */
  traffic(): StoreTraffic | undefined;
};

/** A folder of this machine, or what opens a store: called once, when the first address leads there. */
export type LakeRoot = string | (() => Promise<ObjectStore>);

export type LakeOptions = {
  /** The lake itself: the folders below are the containers. */
  readonly defaultRoot: LakeRoot;
  /** Storage accounts by name; the folders below are their containers. Names compare without case. */
  readonly accounts?: ReadonlyMap<string, LakeRoot> | undefined;
  /** The environment's name, for messages. */
  readonly environment?: string | undefined;
};

/** Opens nothing yet: a store is opened when the first address leads to it. */
export function openLake(options: LakeOptions): Lake {
  const roots = new Map([...(options.accounts ?? [])].map(([account, root]) => [account.toLowerCase(), root]));
  const stores = new Map<LakeRoot, Promise<ObjectStore>>();
  const opened = new Set<ObjectStore>();
  const open = async (root: LakeRoot): Promise<ObjectStore> => {
    let store = stores.get(root);
    if (store === undefined) {
      store = typeof root === 'string' ? openLocalStore(root) : root();
      stores.set(root, store);
      void store.then((one) => opened.add(one)).catch(() => undefined); // who asked for it sees the error
      // What failed to open (a secret that is not there yet) is tried again by the next.
      store.catch(() => stores.delete(root));
    }
    return await store;
  };
  return {
    traffic: () => {
      const remote = [...opened].flatMap(({ traffic }) => (traffic === undefined ? [] : [traffic]));
      if (remote.length === 0) return undefined;
      const sum = (key: keyof StoreTraffic) => remote.reduce((total, traffic) => total + traffic[key], 0);
      return { requests: sum('requests'), bytesRead: sum('bytesRead'), bytesWritten: sum('bytesWritten') };
    },
    resolve: async (address) => {
      const { account, container, path } = typeof address === 'string' ? parseLakeAddress(address) : address;
      const root = account === undefined ? options.defaultRoot : roots.get(account);
      if (root === undefined) {
        const environment = options.environment ?? '<name>';
        throw new LakesteadError(
          'STORAGE_UNMAPPED',
          `the storage account ${account ?? ''} is not mapped in ${options.environment === undefined ? 'this environment' : `environment ${environment}`}`,
          {
            hint: `add to lakestead.yaml: environments.${environment}.storage: { ${account ?? ''}: ./lake }`,
            data: { account, container },
          },
        );
      }
      const full = path === '' ? container : `${container}/${path}`;
      return { store: await open(root), path: full, container, ...(account === undefined ? {} : { account }) };
    },
  };
}
