import { LakesteadError } from '#core';
import { sql } from '#sql';

import type { AddFile, DeletionVectorDescriptor, Metadata } from './actions.ts';
import { type ColumnMapping, columnMappingOf, partitionKeys, physicalName } from './column-mapping.ts';
import { type FileColumns, fileFilter } from './file-filter.ts';
import { withGenerated } from './generated-filter.ts';
import { totalOf } from './live-files.ts';
import { isOn } from './properties.ts';
import { boundsOf, canMatch, type ColumnFacts, type FileStatistics, parseStatistics, scanNumbers } from './pruning.ts';
import { type DeltaType, findField, type StructField, type StructType } from './schema.ts';
import type { Snapshot } from './snapshot.ts';

/** A value to compare with, as in JSON: dates and timestamps as ISO text. */
export type ConditionValue = string | number | bigint | boolean;

/** One condition on a column, or on a field of a struct (`a.b`). Text compares by its UTF-8 bytes: whoever compares without case leaves it out. */
export type ColumnCondition =
  | { readonly column: string; readonly op: '=' | '<>' | '<' | '<=' | '>' | '>='; readonly value: ConditionValue }
  | { readonly column: string; readonly op: 'in'; readonly values: readonly ConditionValue[] }
  | { readonly column: string; readonly op: 'starts with'; readonly value: string }
  | { readonly column: string; readonly op: 'is null' | 'is not null' };

/** What rows must fulfil, as far as files can be told apart by it. */
export type Condition = ColumnCondition | { readonly op: 'and' | 'or'; readonly of: readonly Condition[] };

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
  /** With row tracking: the columns in which files keep the ids and versions of rows that moved into them. */
  readonly rowColumns?: { readonly id: string; readonly version: string } | undefined;
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
  /** Its place in the snapshot's list of files; none for what is of no snapshot. */
  readonly index?: number;
  /** What `__lakestead_file` says of the file's rows; default its position in the plan. */
  readonly position?: number;
  /** With row tracking: the id of the file's first row, and the version that its rows are of. */
  readonly baseRowId?: number;
  readonly defaultRowCommitVersion?: number;
  /** Of a change feed: only these rows of the file, by number. */
  readonly onlyRows?: readonly number[];
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
  const filter = withGenerated(options.filter ?? [], schema, snapshot.partitionColumns);
  const known = knownColumns(snapshot, mapping, filter, field);
  const onPartitions = [...known.values()].some(({ partition }) => partition >= 0);
  const chosen: ScanFile[] = [];
  const { byPartition = 0, byStatistics = 0 } = files.leftOut ?? {};
  const skipped = { byPartition, byStatistics };
  let bytes = 0;
  for (let index = 0; index < files.count; index += 1) {
    const partitionOf = (column: number) => files.partitionValues[column]?.[index] ?? null;
    if (onPartitions && !filter.every((one) => canMatch(one, factsOf(known, partitionOf, null)))) {
      skipped.byPartition += 1;
      continue;
    }
    if (filter.length > 0) {
      const stats = files.stats[index] ?? null;
      if (stats !== null && !filter.every((one) => canMatch(one, factsOf(known, partitionOf, stats)))) {
        skipped.byStatistics += 1;
        continue;
      }
    }
    const deletionVector = files.deletionVectors.get(index);
    const sizeBytes = files.sizes[index] ?? 0;
    bytes += sizeBytes;
    chosen.push({
      index,
      path: files.paths[index] ?? '',
      sizeBytes,
      partitionValues: files.partitionValues.map((values) => values[index] ?? null),
      ...(deletionVector === undefined ? {} : { deletionVector }),
      ...rowFacts(files.extras.get(index)),
    });
  }
  return {
    table: snapshot.table,
    path: snapshot.path,
    version: snapshot.version,
    columns,
    partitionColumns: snapshot.partitionColumns,
    columnMapping: mapping,
    rowColumns: rowColumnsOf(snapshot.metadata),
    files: chosen,
    bytes,
    skipped,
  };
}

/** The columns that conditions name. */
function* columnsIn(conditions: readonly Condition[], isWanted: (condition: ColumnCondition) => boolean = () => true): Generator<string> {
  for (const condition of conditions) {
    if ('of' in condition) yield* columnsIn(condition.of, isWanted);
    else if (isWanted(condition)) yield condition.column;
  }
}

/** Where the facts of each column that conditions name stand. */
function knownColumns(
  snapshot: Pick<Snapshot, 'schema' | 'partitionColumns'>,
  mapping: ColumnMapping,
  filter: readonly Condition[],
  field: (name: string) => StructField,
): ReadonlyMap<string, KnownColumn> {
  const nullAsked = new Set(columnsIn(filter, (condition) => condition.op === 'is null' || condition.op === 'is not null'));
  return new Map([...columnsIn(filter)].map((name) => [name, locateColumn(snapshot, mapping, name, field, nullAsked)]));
}

/** Where the facts of a column stand: in which partition column (-1 for none), or at which path of the statistics (empty for nowhere). */
export type KnownColumn = {
  readonly type: DeltaType;
  readonly partition: number;
  readonly path: readonly string[];
  /** Only compared: whether a value is null is not asked. */
  readonly isNumber: boolean;
};

/** The types of numbers that have a name of their own: not decimals. */
export const numericTypes: ReadonlySet<DeltaType> = new Set<DeltaType>(['byte', 'short', 'integer', 'long', 'float', 'double']);

/** Where the facts of a column, or of a field of a struct, stand: in which partition column, or at which path of the statistics. */
function locateColumn(
  { schema, partitionColumns }: Pick<Snapshot, 'schema' | 'partitionColumns'>,
  mapping: ColumnMapping,
  name: string,
  field: (name: string) => StructField,
  nullAsked: ReadonlySet<string>,
): KnownColumn {
  const [first = '', ...rest] = findField(schema, name) === undefined ? name.split('.') : [name];
  const top = field(first);
  let { type } = top;
  const path = [physicalName(top, mapping)];
  for (const part of rest) {
    const inner = typeof type !== 'string' && type.type === 'struct' ? findField(type, part) : undefined;
    if (inner === undefined) return { type: 'binary', partition: -1, path: [], isNumber: false };
    path.push(physicalName(inner, mapping));
    ({ type } = inner);
  }
  const partition = rest.length > 0 ? -1 : partitionColumns.findIndex((column) => column.toLowerCase() === top.name.toLowerCase());
  return { type, partition, path, isNumber: numericTypes.has(type) && !nullAsked.has(name) };
}

function factsOf(
  known: ReadonlyMap<string, KnownColumn>,
  partitionOf: (column: number) => string | null,
  stats: string | null,
): (column: string) => ColumnFacts {
  let parsed: FileStatistics | undefined | 'not yet' = 'not yet';
  return (column) => {
    const found = known.get(column);
    if (found === undefined) return { kind: 'unknown' };
    if (found.partition >= 0) return { kind: 'partition', type: found.type, value: partitionOf(found.partition) };
    if (stats === null || found.path.length === 0) return { kind: 'unknown' };
    const [name, ...more] = found.path;
    const scanned = name !== undefined && more.length === 0 && found.isNumber ? scanNumbers(stats, name) : undefined;
    if (scanned !== undefined) return { kind: 'statistics', type: found.type, bounds: scanned };
    if (parsed === 'not yet') parsed = parseStatistics(stats);
    return parsed === undefined ? { kind: 'unknown' } : { kind: 'statistics', type: found.type, bounds: boundsOf(parsed, found.path) };
  };
}

/**
 * A filter over a list of files, as {@link planScan} would go by it: all of it, and what of it goes by partitions alone.
 *
 * @returns `undefined` where the filter tells no files apart
 */
export function filterOfFiles(table: Pick<Snapshot, 'schema' | 'partitionColumns' | 'metadata'>, asked: readonly Condition[]) {
  const { schema, partitionColumns, metadata } = table;
  const filter = withGenerated(asked, schema, partitionColumns);
  const known = knownColumns(table, columnMappingOf(metadata), filter, anyField(schema));
  const ofPartitions = new Map([...known].filter(([, { partition }]) => partition >= 0));
  const columns: FileColumns = { partitionValue: () => sql`NULL`, statistic: () => sql`NULL` };
  if (fileFilter(filter, known, columns) === undefined) return undefined;
  return {
    fits: (files: FileColumns) => fileFilter(filter, known, files) ?? sql`true`,
    fitsPartition: (files: FileColumns) => fileFilter(filter, ofPartitions, files) ?? sql`true`,
  };
}

/** A column of the schema; one that is none has no facts. */
function anyField(schema: StructType): (name: string) => StructField {
  return (name) => findField(schema, name) ?? { name, type: 'binary', nullable: true, metadata: {} };
}

/** False only when a file, as a commit names it, cannot hold a row for which all conditions are true. */
export function canHold(
  snapshot: Snapshot,
  filter: readonly Condition[],
  { partitionValues, stats }: Pick<AddFile, 'stats'> & { readonly partitionValues?: AddFile['partitionValues'] | undefined },
): boolean {
  const mapping = columnMappingOf(snapshot.metadata);
  const known = knownColumns(snapshot, mapping, filter, anyField(snapshot.schema));
  // A remove that does not say its partition may be of any.
  if (partitionValues === undefined) return true;
  const keys = partitionKeys(snapshot.metadata);
  const facts = factsOf(known, (column) => partitionValues[keys[column] ?? ''] || null, stats ?? null);
  return filter.every((one) => canMatch(one, facts));
}

/** What of a table is read, and how much is not and why. Counts of files, and bytes. */
export type PlanSummary = {
  readonly version: number;
  readonly files: number;
  readonly bytes: number;
  readonly totalFiles: number;
  readonly totalBytes: number;
  readonly leftOut: { readonly byPartition: number; readonly byStatistics: number };
  /** Files of which some rows count as deleted. */
  readonly filesWithDeletedRows: number;
};

/** A plan in numbers. */
export function summarisePlan({ files, bytes, version, skipped }: ScanPlan, { files: all }: Pick<Snapshot, 'files'>): PlanSummary {
  const { byPartition, byStatistics } = skipped;
  const filesWithDeletedRows = files.filter(({ deletionVector }) => deletionVector !== undefined).length;
  const total = totalOf(all);
  return { version, files: files.length, bytes, totalFiles: total.files, totalBytes: total.bytes, leftOut: { byPartition, byStatistics }, filesWithDeletedRows }; // prettier-ignore
}

/** A plan in lines for people. */
export function explainPlan({ version, files, bytes, totalFiles, totalBytes, leftOut, filesWithDeletedRows }: PlanSummary): string {
  const some = (count: number) => `  ${count} ${count === 1 ? 'file' : 'files'}`;
  return [
    `version ${version}: reads ${files} of ${totalFiles} files, ${bytes} of ${totalBytes} bytes`,
    ...(leftOut.byPartition === 0 ? [] : [`${some(leftOut.byPartition)} of other partitions`]),
    ...(leftOut.byStatistics === 0 ? [] : [`${some(leftOut.byStatistics)} without such rows, by the statistics`]),
    ...(filesWithDeletedRows === 0 ? [] : [`${some(filesWithDeletedRows)} of these with deletion vectors`]),
  ].join('\n');
}

function rowFacts(extras: Readonly<Record<string, unknown>> | undefined): Pick<ScanFile, 'baseRowId' | 'defaultRowCommitVersion'> {
  const { baseRowId, defaultRowCommitVersion } = extras ?? {};
  return {
    ...(typeof baseRowId === 'number' ? { baseRowId } : {}),
    ...(typeof defaultRowCommitVersion === 'number' ? { defaultRowCommitVersion } : {}),
  };
}

function rowColumnsOf({ configuration }: Metadata): ScanPlan['rowColumns'] {
  const id = configuration['delta.rowTracking.materializedRowIdColumnName'];
  const version = configuration['delta.rowTracking.materializedRowCommitVersionColumnName'];
  const isTracked = isOn(configuration, 'delta.enableRowTracking');
  return isTracked && typeof id === 'string' && typeof version === 'string' ? { id, version } : undefined;
}
