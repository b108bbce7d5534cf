export type { Changes, ChangesOptions } from './changes.ts';
export type { Alteration, AlterOptions } from './alter.ts';
export type { AddFile, CommitInfo, DeletionVectorDescriptor, DomainMetadata, Metadata, Protocol, RemoveFile, Txn } from './actions.ts';
export type { ColumnPath } from './alter-schema.ts';
export type { CloneOptions } from './clone.ts';
export type { ConvertOptions } from './convert.ts';
export { describeTable, type TableDescription } from './describe.ts';
export { type CheckFinding, type CheckOptions, type CheckResult, checkTable } from './check.ts';
export type { DropFeatureOptions } from './drop-feature.ts';
export type { HistoryEntry } from './history.ts';
export type { MergeClause, MergeOptions } from './merge.ts';
export type { OptimizeOptions, OptimizeResult } from './optimize.ts';
export { repairTable, type RepairResult } from './repair.ts';
export type { Replacement } from './replace.ts';
export type { ReplaceTableOptions } from './replace-table.ts';
export type { RestoreOptions, RestoreResult } from './restore.ts';
export type { ChangeOptions, ChangeResult } from './rewrite.ts';
export type { VacuumOptions, VacuumResult } from './vacuum.ts';
export type { LiveFiles } from './live-files.ts';
export { planToSql } from './relation.ts';
export type { LogState } from './replay.ts';
export {
  type Condition,
  type ConditionValue,
  explainPlan,
  type PlanSummary,
  type ScanFile,
  type ScanOptions,
  type ScanPlan,
  summarisePlan,
} from './scan-plan.ts';
export { conditionsOf, conditionsOfTree } from './condition-of.ts';
export type { TableScan, TableScanOptions } from './scan-table.ts';
export {
  type ArrayType,
  type DeltaType,
  describeType,
  findField,
  formatSchema,
  type MapType,
  parseSchema,
  type StructField,
  type StructType,
} from './schema.ts';
export { deltaTypeOf, duckdbType, schemaOfColumns } from './duckdb-types.ts';
export { forgetSnapshot, limitSnapshotCache, type Snapshot, type SnapshotOptions, type TableLocation } from './snapshot.ts';
export { storeAs } from './write-plan.ts';
export {
  type CommitResult,
  convertTable,
  createTable,
  type CreateOptions,
  type DeltaTable,
  findTable,
  openTable,
  tableToSql,
  type WriteMode,
  type WriteOptions,
  writeTable,
  type WriteTableOptions,
} from './table.ts';
// What a program needs beside the tables themselves, so that `lakestead/delta` is enough.
export { type Engine, type EngineOptions, type Lease, openDuckdbEngine } from '#engine';
export { ident, literal, sql, type Sql } from '#sql';
export { Secret } from '#core';
export { type AzureSettings, type ObjectStore, openAzureStore, openLocalStore, openMemoryStore } from '#storage';
