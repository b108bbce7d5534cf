import type { ObjectStore } from '#storage';

/** A table of the lake: a Delta table, a folder of Parquet files, or one Parquet file. */
export type LakeTable = {
  /** The container: bronze, silver, gold. */
  readonly layer: string;
  /** The folder below it, parts joined by `/`; '' when the table stands in the container itself. */
  readonly schema: string;
  readonly name: string;
  readonly format: 'delta' | 'parquet';
  /** `gold/SalesLT/Address`: the folder (or file) in the lake. */
  readonly address: string;
  readonly store: ObjectStore;
  /** In `store`. */
  readonly path: string;
};

export type TableColumn = { readonly name: string; readonly type: string; readonly nullable: boolean };

/** What is known of a table now. */
export type TableDescription = {
  readonly layer: string;
  readonly schema: string;
  readonly name: string;
  readonly format: 'delta' | 'parquet';
  readonly address: string;
  readonly columns: readonly TableColumn[];
  readonly rows: bigint;
  readonly bytes: bigint;
  readonly files: number;
  /** Of a Delta table: its newest version. */
  readonly version?: number;
};

/** What is in the lake. Looks each time: another process may have written. */
export type Catalog = {
  layers(options?: { readonly signal?: AbortSignal | undefined }): Promise<readonly string[]>;
  /** All tables (of a layer), sorted by layer, schema and name. */
  list(layer?: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<readonly LakeTable[]>;
  /** Names compare without case, unless two differ only in it: then the exact one. */
  find(
    layer: string,
    schema: string,
    name: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<LakeTable | undefined>;
  describe(table: LakeTable, options?: { readonly signal?: AbortSignal | undefined }): Promise<TableDescription>;
};
