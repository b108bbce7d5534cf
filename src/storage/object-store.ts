/** What is known of one object. `path` is relative to the store's root, parts joined by `/`, never percent-encoded. */
export type ObjectInfo = {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
};

/** One entry of a folder. */
export type FolderEntry = { readonly name: string; readonly kind: 'file' | 'folder' };

/**
 * Where the lake's bytes are. An object appears whole or not at all, and is durable when a write returns.
 * Paths are relative to the root; `..` and absolute paths are refused with `STORAGE_FAILED`.
 * A missing object throws `STORAGE_NOT_FOUND`; a full disk throws `DISK_FULL` and leaves nothing visible.
 */
export type ObjectStore = {
  /** For messages: a folder or an address. */
  readonly root: string;
  /** Bytes `[start, end)` of an object; without a range the whole of it. */
  get(path: string, range?: { readonly start: number; readonly end: number }): Promise<Uint8Array>;
  /** What is known of the object, `undefined` when it is not there. */
  find(path: string): Promise<ObjectInfo | undefined>;
  /** Writes an object, replacing one that was there. */
  put(path: string, bytes: Uint8Array): Promise<void>;
  /** Writes an object only if none is there: exactly one of many racing writers wins, the others get `STORAGE_EXISTS`. */
  putIfAbsent(path: string, bytes: Uint8Array): Promise<void>;
  /** Every object below `prefix` (a folder path, '' for all), in the order of their paths by UTF-8 bytes; `after` (exclusive) starts later in that order. */
  list(prefix: string, options?: { readonly after?: string }): AsyncIterable<ObjectInfo>;
  /** The direct entries of a folder, sorted by name; `undefined` when there is no such folder. */
  entries(folder: string): Promise<readonly FolderEntry[] | undefined>;
  /** Removes an object; nothing happens when it is not there. */
  delete(path: string): Promise<void>;
  /** Copies an object within the store, replacing. */
  copy(from: string, to: string): Promise<void>;
  /**
   * A place where the engine writes a file that will become the object `path`. The bytes become visible, durable and
   * whole at `publish`; `discard` (or a crash) leaves nothing that a reader sees.
   */
  stage(path: string): Promise<StagedFile>;
  /** A folder in which the engine writes several files, for the same purpose as {@link ObjectStore.stage}. */
  stageFolder(): Promise<StagedFolder>;
  /** An address that the engine can read the object from (a path of the local file system, or a cached copy). */
  readable(path: string): Promise<string>;
};

/** A file being written beside the lake. */
export type StagedFile = {
  /** Where to write: a path of the local file system. */
  readonly localPath: string;
  /** Makes the object visible, replacing one that was there, or only if absent. Says its size. */
  publish(options?: { readonly ifAbsent?: boolean }): Promise<{ readonly sizeBytes: number }>;
  discard(): Promise<void>;
};

/** A folder being filled beside the lake. `discard` also after `publish`: it removes what is left. */
export type StagedFolder = {
  readonly localPath: string;
  /** Makes files of the folder visible as objects, all durable when this returns; `from` is relative to `localPath`. */
  publish(files: readonly { readonly from: string; readonly path: string }[]): Promise<void>;
  discard(): Promise<void>;
};
