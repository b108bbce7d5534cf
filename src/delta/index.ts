export type { AddFile, CommitInfo, DeletionVectorDescriptor, Metadata, Protocol } from './actions.ts';
export type { LiveFiles } from './live-files.ts';
export type { Condition, ScanFile, ScanOptions, ScanPlan } from './scan-plan.ts';
export { type ArrayType, type DeltaType, describeType, formatSchema, type MapType, parseSchema, type StructField, type StructType } from './schema.ts';
export type { Snapshot } from './snapshot.ts';
export type { CommitResult, CreateOptions, DeltaTable, HistoryEntry, SnapshotOptions, TableLocation, WriteOptions } from './table.ts';
