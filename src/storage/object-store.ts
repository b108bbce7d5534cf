/** What is known of one object. `path` is relative to the store's root, parts joined by `/`, never percent-encoded. */
export type ObjectInfo = {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
};

/** One entry of a folder. */
export type FolderEntry = { readonly name: string; readonly kind: 'file' | 'folder' };

/** What every call takes. */
export type StoreCall = {
  /** Ends the call's waits with `CANCELLED`; what was done until then stays. */
  readonly signal?: AbortSignal | undefined;
};

/** Bytes `[start, end)`. */
export type ByteRange = { readonly start: number; readonly end: number };

/** What was asked of a store that is reached through a network. */
export type StoreTraffic = { readonly requests: number; readonly bytesRead: number; readonly bytesWritten: number };

export type ReadableOptions = StoreCall & {
  /**
   * The top-level columns of a Parquet file that will be read, by name or field id; default all. What stands elsewhere in the
   * local copy of a remote file may be missing, so a reader may touch nothing else.
   */
  readonly columns?: readonly (string | number)[] | undefined;
  /** Holds a local copy until it ends (a lease, a DisposableStack). Without it the copy is held as long as the process lives. */
  readonly scope?: { defer(release: () => void): void } | undefined;
};

/**
 * Where the lake's bytes are. An object appears whole or not at all, and is durable when a write returns.
 * Paths are relative to the root; `..` and absolute paths are refused with `STORAGE_FAILED`.
 * A missing object throws `STORAGE_NOT_FOUND`; a full disk throws `DISK_FULL` and leaves nothing visible.
 */
export type ObjectStore = {
  /** For messages: a folder or an address. */
  readonly root: string;
  /** Bytes `[start, end)` of an object; without a range the whole of it. */
  get(path: string, range?: ByteRange, options?: StoreCall): Promise<Uint8Array>;
  /** What is known of the object, `undefined` when it is not there. */
  find(path: string, options?: StoreCall): Promise<ObjectInfo | undefined>;
  /** Writes an object, replacing one that was there. */
  put(path: string, bytes: Uint8Array, options?: StoreCall): Promise<void>;
  /** Writes an object only if none is there: exactly one of many racing writers wins, the others get `STORAGE_EXISTS`. */
  putIfAbsent(path: string, bytes: Uint8Array, options?: StoreCall): Promise<void>;
  /** Every object below `prefix` (a folder path, '' for all), in the order of their paths by UTF-8 bytes; `after` (exclusive) starts later in that order. */
  list(prefix: string, options?: StoreCall & { readonly after?: string | undefined }): AsyncIterable<ObjectInfo>;
  /** The direct entries of a folder, sorted by name; `undefined` when there is no such folder. */
  entries(folder: string, options?: StoreCall): Promise<readonly FolderEntry[] | undefined>;
  /** Removes an object; nothing happens when it is not there. */
  delete(path: string, options?: StoreCall): Promise<void>;
  /** Removes every object below a folder, and the folder; nothing happens when there is none. The store itself is no folder. */
  deleteFolder(folder: string, options?: StoreCall): Promise<void>;
  /** Copies an object within the store, replacing. */
  copy(from: string, to: string, options?: StoreCall): Promise<void>;
  /**
   * A place where the engine writes a file that will become the object `path`. The bytes become visible, durable and
   * whole at `publish`; `discard` (or a crash) leaves nothing that a reader sees.
   */
  stage(path: string): Promise<StagedFile>;
  /** A folder in which the engine writes several files, for the same purpose as {@link ObjectStore.stage}. */
  stageFolder(): Promise<StagedFolder>;
  /** An address that the engine can read the object from (a path of the local file system, or a cached copy). */
  readable(path: string, options?: ReadableOptions): Promise<string>;
  /** What was asked so far; a store on this machine has none. */
  readonly traffic?: StoreTraffic;
};

/** A file being written beside the lake. */
export type StagedFile = {
  /** Where to write: a path of the local file system. */
  readonly localPath: string;
  /** Makes the object visible, replacing one that was there, or only if absent. Says its size. */
  publish(options?: StoreCall & { readonly ifAbsent?: boolean | undefined }): Promise<{ readonly sizeBytes: number }>;
  discard(): Promise<void>;
};

/** A folder being filled beside the lake. `discard` also after `publish`: it removes what is left. */
export type StagedFolder = {
  readonly localPath: string;
  /** Makes files of the folder visible as objects, all durable when this returns; `from` is relative to `localPath`. */
  publish(files: readonly { readonly from: string; readonly path: string }[], options?: StoreCall): Promise<void>;
  discard(): Promise<void>;
};
