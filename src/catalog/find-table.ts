import type { FolderEntry, Lake, ObjectStore } from '#storage';

import type { LakeTable } from './catalog.ts';

/** Deeper folders are not looked into: a link that leads back to itself ends here. */
const maxDepth = 12;

/** The lake's own store: all containers are its folders. */
export async function lakeStore(lake: Lake): Promise<ObjectStore> {
  // Any container leads to it: nothing is opened for the container itself.
  return (await lake.resolve({ container: 'bronze', path: '' })).store;
}

/** The containers of the lake, sorted. */
export async function listLayers(store: ObjectStore): Promise<readonly string[]> {
  return subfolders((await store.entries('')) ?? []);
}

/** Every table below a container, sorted by schema and name. */
export async function listTables(store: ObjectStore, layer: string, signal?: AbortSignal): Promise<readonly LakeTable[]> {
  const found: LakeTable[] = [];
  const visit = async (parts: readonly string[]): Promise<void> => {
    signal?.throwIfAborted();
    if (parts.length > maxDepth) return;
    const entries = (await store.entries([layer, ...parts].join('/'))) ?? [];
    const folderTable = parts.length === 0 ? undefined : tableOfFolder(store, layer, parts, entries);
    if (folderTable !== undefined) {
      found.push(folderTable);
      return;
    }
    for (const name of parquetFiles(entries)) found.push(tableOfFile(store, layer, parts, name));
    for (const name of subfolders(entries)) await visit([...parts, name]);
  };
  await visit([]);
  return found.toSorted((a, b) => compare(a.schema, b.schema) || compare(a.name, b.name));
}

/** One table by its name, looking only into the folders on the way. */
export async function findTableByName(store: ObjectStore, layer: string, schema: string, name: string): Promise<LakeTable | undefined> {
  const container = pick(await listLayers(store), layer);
  if (container === undefined) return undefined;
  let entries = (await store.entries(container)) ?? [];
  const parts: string[] = [];
  for (const wanted of schema === '' ? [] : schema.split('/')) {
    const part = pick(subfolders(entries), wanted);
    if (part === undefined) return undefined;
    parts.push(part);
    entries = (await store.entries([container, ...parts].join('/'))) ?? [];
    // What is inside a table is no schema.
    if (tableOfFolder(store, container, parts, entries) !== undefined) return undefined;
  }
  const folder = pick(subfolders(entries), name);
  if (folder !== undefined) {
    const inside = (await store.entries([container, ...parts, folder].join('/'))) ?? [];
    const table = tableOfFolder(store, container, [...parts, folder], inside);
    if (table !== undefined) return table;
  }
  const file = pick(parquetFiles(entries).map(withoutExtension), name);
  const fileName = file === undefined ? undefined : parquetFiles(entries).find((candidate) => withoutExtension(candidate) === file);
  return fileName === undefined ? undefined : tableOfFile(store, container, parts, fileName);
}

/**
 * A folder with `_delta_log` is a Delta table. One with Parquet files in it is a table when it stands below a schema;
 * directly below the container it is the schema, and its files are the tables.
 */
function tableOfFolder(
  store: ObjectStore,
  layer: string,
  parts: readonly string[],
  entries: readonly FolderEntry[],
): LakeTable | undefined {
  const format = entries.some(({ kind, name }) => kind === 'folder' && name === '_delta_log') ? 'delta' : 'parquet';
  if (format === 'parquet' && (parts.length < 2 || parquetFiles(entries).length === 0)) return undefined;
  const path = [layer, ...parts].join('/');
  return { layer, schema: parts.slice(0, -1).join('/'), name: parts.at(-1) ?? '', format, address: path, store, path };
}

function tableOfFile(store: ObjectStore, layer: string, parts: readonly string[], file: string): LakeTable {
  const path = [layer, ...parts, file].join('/');
  return { layer, schema: parts.join('/'), name: withoutExtension(file), format: 'parquet', address: path, store, path };
}

/** What a writer hides (`_delta_log`, `_temporary`, `.crc`) is no table. */
function isVisible(name: string): boolean {
  return !name.startsWith('_') && !name.startsWith('.');
}

function subfolders(entries: readonly FolderEntry[]): readonly string[] {
  return entries.filter(({ kind, name }) => kind === 'folder' && isVisible(name)).map(({ name }) => name);
}

function parquetFiles(entries: readonly FolderEntry[]): readonly string[] {
  return entries.filter(({ kind, name }) => kind === 'file' && isVisible(name) && /\.parquet$/i.test(name)).map(({ name }) => name);
}

/** The paths of a Parquet table's files in its store, sorted. */
export async function parquetPaths(table: LakeTable): Promise<readonly string[]> {
  const entries = await table.store.entries(table.path);
  return entries === undefined ? [table.path] : parquetFiles(entries).map((name) => `${table.path}/${name}`);
}

function withoutExtension(file: string): string {
  return file.replace(/\.parquet$/i, '');
}

function pick(names: readonly string[], wanted: string): string | undefined {
  if (names.includes(wanted)) return wanted;
  const lower = wanted.toLowerCase();
  const same = names.filter((name) => name.toLowerCase() === lower);
  return same.length === 1 ? same[0] : undefined;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
