import type { FileSystem } from '#storage';

type File = { readonly kind: 'file'; bytes: Uint8Array; durable: Uint8Array | undefined };
type Folder = { readonly kind: 'folder'; readonly names: Map<string, Node>; durable: ReadonlyMap<string, Node> };
type Node = File | Folder;

/**
 * A disk that keeps only what was synced: bytes of a file after `syncFile`, names in a folder after `syncFolder`. What a
 * power cut leaves is the worst that POSIX allows.
 */
export class UnsafeDisk {
  #root: Folder = newFolder();
  /** How many syncs were asked for. */
  syncs = 0;
  /** The number of the sync that is silently left out, counted from 1. */
  skippedSync = 0;

  /** Loses everything that was not synced. */
  cutPower(): void {
    this.#root = survivor(this.#root);
  }

  readonly fileSystem: FileSystem = {
    mkdir: async (path) => {
      const { folder, name } = this.#place(path);
      if (folder.names.has(name)) throw fault('EEXIST', path);
      folder.names.set(name, newFolder());
      await Promise.resolve();
    },
    create: async (path, bytes) => {
      const { folder, name } = this.#place(path);
      if (folder.names.has(name)) throw fault('EEXIST', path);
      folder.names.set(name, { kind: 'file', bytes: bytes.slice(), durable: undefined });
      await Promise.resolve();
    },
    syncFile: async (path) => {
      const file = this.#file(path);
      if (this.#isSynced()) file.durable = file.bytes;
      await Promise.resolve();
    },
    syncFolder: async (path) => {
      const folder = this.#node(path);
      if (folder.kind !== 'folder') throw fault('ENOTDIR', path);
      if (this.#isSynced()) folder.durable = new Map(folder.names);
      await Promise.resolve();
    },
    rename: async (from, to) => {
      const node = this.#node(from);
      const source = this.#place(from);
      const target = this.#place(to);
      target.folder.names.set(target.name, node);
      source.folder.names.delete(source.name);
      await Promise.resolve();
    },
    link: async (from, to) => {
      const node = this.#node(from);
      const { folder, name } = this.#place(to);
      if (folder.names.has(name)) throw fault('EEXIST', to);
      folder.names.set(name, node);
      await Promise.resolve();
    },
    unlink: async (path) => {
      const { folder, name } = this.#place(path);
      if (!folder.names.delete(name)) throw fault('ENOENT', path);
      await Promise.resolve();
    },
    removeTree: async (path) => {
      const { folder, name } = this.#place(path);
      folder.names.delete(name);
      await Promise.resolve();
    },
    copy: async (from, to) => {
      await this.fileSystem.create(to, this.#file(from).bytes);
    },
    read: async (path, range) => await Promise.resolve(this.#file(path).bytes.slice(range?.start, range?.end)),
    stat: async (path) => {
      const node = this.#node(path);
      return await Promise.resolve({ kind: node.kind, sizeBytes: node.kind === 'file' ? node.bytes.length : 0, modifiedAt: new Date(0) });
    },
    entries: async (path) => {
      const node = this.#node(path);
      if (node.kind !== 'folder') throw fault('ENOTDIR', path);
      return await Promise.resolve([...node.names].map(([name, { kind }]) => ({ name, kind })));
    },
  };

  #isSynced(): boolean {
    this.syncs += 1;
    return this.syncs !== this.skippedSync;
  }

  #node(path: string): Node {
    let node: Node = this.#root;
    for (const part of path.split('/').filter((name) => name !== '')) {
      const next: Node | undefined = node.kind === 'folder' ? node.names.get(part) : undefined;
      if (next === undefined) throw fault('ENOENT', path);
      node = next;
    }
    return node;
  }

  #file(path: string): File {
    const node = this.#node(path);
    if (node.kind !== 'file') throw fault('EISDIR', path);
    return node;
  }

  #place(path: string): { readonly folder: Folder; readonly name: string } {
    const at = path.lastIndexOf('/');
    const folder = this.#node(path.slice(0, at));
    if (folder.kind !== 'folder') throw fault('ENOTDIR', path);
    return { folder, name: path.slice(at + 1) };
  }
}

function newFolder(): Folder {
  return { kind: 'folder', names: new Map(), durable: new Map() };
}

function survivor(folder: Folder): Folder {
  const names = new Map<string, Node>();
  for (const [name, node] of folder.durable) {
    const bytes = node.kind === 'file' ? (node.durable ?? new Uint8Array()) : undefined;
    names.set(name, node.kind === 'file' ? { kind: 'file', bytes: bytes ?? new Uint8Array(), durable: bytes } : survivor(node));
  }
  return { kind: 'folder', names, durable: new Map(names) };
}

function fault(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
