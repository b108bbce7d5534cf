import type { DeletionVectorDescriptor } from './actions.ts';
import type { StructField } from './schema.ts';

/** One condition on a column. Values are as in JSON: dates and timestamps as ISO text. */
export type Condition =
  | { readonly column: string; readonly op: '=' | '<' | '<=' | '>' | '>='; readonly value: string | number | bigint | boolean }
  | { readonly column: string; readonly op: 'in'; readonly values: readonly (string | number | bigint | boolean)[] }
  | { readonly column: string; readonly op: 'is null' | 'is not null' };

export type ScanOptions = {
  /** Columns in the order wanted; default all of the schema. */
  readonly columns?: readonly string[] | undefined;
  /** All must hold. Only leaves out files that cannot match: the reader still filters rows. */
  readonly filter?: readonly Condition[] | undefined;
};

/** Which files to read, and as what. Plain data. */
export type ScanPlan = {
  readonly table: string;
  readonly version: number;
  readonly columns: readonly StructField[];
  readonly partitionColumns: readonly string[];
  readonly columnMapping: 'none' | 'name' | 'id';
  readonly files: readonly ScanFile[];
  readonly bytes: number;
  /** How many files the log lists, and why some of them are not read. */
  readonly skipped: { readonly byPartition: number; readonly byStatistics: number };
};

/** One file of a plan. */
export type ScanFile = {
  /** Relative to the table's folder, or absolute. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly partitionValues: Readonly<Record<string, string | null>>;
  readonly deletionVector?: DeletionVectorDescriptor;
};
