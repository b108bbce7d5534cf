import type { Metadata, Protocol } from './actions.ts';
import type { LiveFiles } from './live-files.ts';
import type { ScanOptions, ScanPlan } from './scan-plan.ts';
import type { StructType } from './schema.ts';

/** One version of a table: plain data that never changes. */
export type Snapshot = {
  /** For messages: the store's root and the table's path in it. */
  readonly table: string;
  readonly version: number;
  /** When this version was committed: of its `commitInfo`, else the modification time of its log file. */
  readonly timestamp: Date;
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  readonly schema: StructType;
  readonly partitionColumns: readonly string[];
  readonly files: LiveFiles;
  /** The version of the checkpoint it was read from. */
  readonly checkpointVersion: number | undefined;
  /** Which files to read for those columns and that filter. */
  scan(options?: ScanOptions): ScanPlan;
};
