import { LakesteadError } from '#core';

import type { DeletionVectorDescriptor } from './actions.ts';
import { type ColumnMapping, columnMappingOf, physicalName } from './column-mapping.ts';
import { canMatchPartition, canMatchStatistics, parseStatistics } from './pruning.ts';
import { findField, type StructField } from './schema.ts';
import type { Snapshot } from './snapshot.ts';

/** A value to compare with, as in JSON: dates and timestamps as ISO text. */
export type ConditionValue = string | number | bigint | boolean;

/** One condition on a column. Text compares by its UTF-8 bytes: whoever compares without case leaves it out. */
export type Condition =
  | { readonly column: string; readonly op: '=' | '<' | '<=' | '>' | '>='; readonly value: ConditionValue }
  | { readonly column: string; readonly op: 'in'; readonly values: readonly ConditionValue[] }
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
  /** The table's folder in its store. */
  readonly path: string;
  readonly version: number;
  readonly columns: readonly StructField[];
  readonly partitionColumns: readonly string[];
  readonly columnMapping: ColumnMapping;
  readonly files: readonly ScanFile[];
  readonly bytes: number;
  /** How many files the log lists that are not read, and why. */
  readonly skipped: { readonly byPartition: number; readonly byStatistics: number };
};

/** One file of a plan. */
export type ScanFile = {
  /** Relative to the table's folder, or absolute. */
  readonly path: string;
  readonly sizeBytes: number;
  /** In the order of the plan's `partitionColumns`. */
  readonly partitionValues: readonly (string | null)[];
  readonly deletionVector?: DeletionVectorDescriptor;
  /** Of a change feed: only these rows of the file, by number. */
  readonly onlyRows?: readonly bigint[];
};

/**
 * Decides which files of a snapshot to read. Reads nothing itself.
 *
 * @throws {LakesteadError} `DELTA_SCHEMA_MISMATCH` for a column that the table does not have
 */
export function planScan(snapshot: Snapshot, options: ScanOptions = {}): ScanPlan {
  const { schema, files } = snapshot;
  const field = (name: string): StructField => {
    const found = findField(schema, name);
    if (found !== undefined) return found;
    throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${snapshot.table} has no column ${name} in version ${snapshot.version}`, {
      hint: `its columns are ${schema.fields.map((other) => other.name).join(', ')}`,
    });
  };
  const columns = options.columns === undefined ? schema.fields : options.columns.map(field);
  const mapping = columnMappingOf(snapshot.metadata);
  const conditions = (options.filter ?? []).map((condition) => ({ condition, field: field(condition.column) }));
  // Partition columns are logical names in the metadata, and physical ones in a file's values.
  const partitionIndexes = new Map(snapshot.partitionColumns.map((name, index) => [name.toLowerCase(), index]));
  const onPartitions = conditions.filter((one) => partitionIndexes.has(one.field.name.toLowerCase()));
  const onStatistics = conditions.filter((one) => !partitionIndexes.has(one.field.name.toLowerCase()));
  const chosen: ScanFile[] = [];
  const skipped = { byPartition: 0, byStatistics: 0 };
  let bytes = 0;
  for (let index = 0; index < files.count; index += 1) {
    const value = (name: string) => files.partitionValues[partitionIndexes.get(name.toLowerCase()) ?? -1]?.[index] ?? null;
    if (!onPartitions.every((one) => canMatchPartition(one.condition, one.field.type, value(one.field.name)))) {
      skipped.byPartition += 1;
      continue;
    }
    if (onStatistics.length > 0) {
      const statistics = parseStatistics(files.stats[index] ?? null);
      if (
        statistics !== undefined &&
        !onStatistics.every((one) => canMatchStatistics(one.condition, one.field.type, physicalName(one.field, mapping), statistics))
      ) {
        skipped.byStatistics += 1;
        continue;
      }
    }
    const deletionVector = files.deletionVectors.get(index);
    const sizeBytes = files.sizes[index] ?? 0;
    bytes += sizeBytes;
    chosen.push({
      path: files.paths[index] ?? '',
      sizeBytes,
      partitionValues: files.partitionValues.map((values) => values[index] ?? null),
      ...(deletionVector === undefined ? {} : { deletionVector }),
    });
  }
  return {
    table: snapshot.table,
    path: snapshot.path,
    version: snapshot.version,
    columns,
    partitionColumns: snapshot.partitionColumns,
    columnMapping: mapping,
    files: chosen,
    bytes,
    skipped,
  };
}
