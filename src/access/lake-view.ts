import type { Catalog, LakeTable, TableDescription } from '#catalog';
import { describeTable, type HistoryEntry, openTable, type TableDescription as DeltaDescription } from '#delta';
import type { Engine } from '#engine';
import type { FolderEntry, Lake, ObjectInfo } from '#storage';

import type { ReadTable } from './gateway.ts';

type Call = { readonly signal?: AbortSignal | undefined };

/** What stands at an address of the lake: a file, or a folder with what is directly in it, by name. */
export type LakeItem =
  | { readonly kind: 'file'; readonly name: string; readonly info: ObjectInfo }
  | { readonly kind: 'folder'; readonly name: string; readonly entries: readonly FolderEntry[] };

/**
 * The lake as somebody may see it: names, sizes, schemas and histories, and no rows. Looks each time: another process may
 * have written.
 */
export type LakeView = {
  layers(call?: Call): Promise<readonly string[]>;
  /** All tables (of a layer), sorted by layer, schema and name. */
  tables(layer?: string, call?: Call): Promise<readonly LakeTable[]>;
  /** Names compare without case, unless two differ only in it: then the exact one. */
  find(layer: string, schema: string, name: string, call?: Call): Promise<LakeTable | undefined>;
  describe(table: LakeTable, call?: Call): Promise<TableDescription>;
  /** What the log of the Delta table at an address says; of its newest version where none is asked for. */
  inspect(
    address: string,
    options?: Call & { readonly version?: number | undefined; readonly timestamp?: Date | undefined },
  ): Promise<DeltaDescription>;
  /** The commits of the Delta table at an address, newest first. */
  history(address: string, options?: Call & { readonly limit?: number | undefined }): Promise<readonly HistoryEntry[]>;
  /** What stands at an address (of the kind asked for), `undefined` for nothing. */
  item(address: string, options?: Call & { readonly kind?: LakeItem['kind'] | undefined }): Promise<LakeItem | undefined>;
  /** Every file below a folder, in the order of their paths; `relativePath` counts from the folder. */
  files(address: string, call?: Call): AsyncIterable<ObjectInfo & { readonly relativePath: string }>;
};

/** `admit` is told what is looked at before anything is given out; it throws for what may not be seen. */
export function makeLakeView(
  { catalog, lake, engine }: { readonly catalog: Catalog; readonly lake: Lake; readonly engine: Engine },
  admit: (tables: readonly Pick<ReadTable, 'address' | 'format'>[]) => void,
): LakeView {
  const admitTable = ({ address, format }: LakeTable) => admit([{ address, format }]);
  const openDelta = async (address: string, { signal }: Call) => {
    admit([{ address, format: 'delta' }]);
    const { store, path } = await lake.resolve(address);
    return await openTable({ store, path, engine }, { signal });
  };
  return {
    layers: async (call) => {
      admit([{ address: '', format: 'folder' }]);
      return await catalog.layers(call);
    },
    tables: async (layer, call) => {
      admit([{ address: layer ?? '', format: 'folder' }]);
      return await catalog.list(layer, call);
    },
    find: async (layer, schema, name, call) => {
      const found = await catalog.find(layer, schema, name, call);
      if (found !== undefined) admitTable(found);
      return found;
    },
    describe: async (table, call) => {
      admitTable(table);
      return await catalog.describe(table, call);
    },
    inspect: async (address, options = {}) => describeTable(await (await openDelta(address, options)).snapshot(options)),
    history: async (address, options = {}) => await (await openDelta(address, options)).history(options),
    item: async (address, { kind, signal } = {}) => {
      signal?.throwIfAborted();
      admit([{ address, format: 'folder' }]);
      const { store, path } = await lake.resolve(address);
      const name = path.split('/').at(-1) ?? '';
      const entries = kind === 'file' ? undefined : await store.entries(path, { signal });
      if (entries !== undefined) return { kind: 'folder', name, entries };
      const info = kind === 'folder' || path === '' ? undefined : await store.find(path, { signal });
      return info === undefined ? undefined : { kind: 'file', name, info };
    },
    files: async function* files(address, { signal } = {}) {
      admit([{ address, format: 'folder' }]);
      const { store, path } = await lake.resolve(address);
      const prefix = path === '' ? '' : `${path}/`;
      for await (const info of store.list(path, { signal })) yield { ...info, relativePath: info.path.slice(prefix.length) };
    },
  };
}
