import { LakesteadError } from '#core';
import type { Lease, StatementOptions } from '#engine';
import { ident, join, type Sql, sql, unsafeSql } from '#sql';

import { columnMappingOf, physicalName } from './column-mapping.ts';
import { loadDeletionVector } from './deletion-vector.ts';
import { isAbsolutePath } from './file-path.ts';
import { listCommits } from './log-segment.ts';
import { boundsOf, canMatchStatistics, parseStatistics } from './pruning.ts';
import { planToSql } from './relation.ts';
import { planScan } from './scan-plan.ts';
import type { StructField } from './schema.ts';
import { loadSnapshot, type Snapshot, type TableLocation } from './snapshot.ts';

/** Something that is wrong with a table. */
export type CheckFinding = {
  readonly kind: 'log' | 'file' | 'size' | 'rows' | 'statistics' | 'deletionVector';
  /** The file, relative to the table's folder; none for the log as a whole. */
  readonly file?: string;
  readonly problem: string;
  /** How to mend it. */
  readonly hint: string;
  /** A repair can mend it by a commit of the log alone. */
  readonly canRepair?: true;
};

/** What was looked at, and what is wrong with it: nothing when `findings` is empty. */
export type CheckResult = { readonly version: number; readonly files: number; readonly findings: readonly CheckFinding[] };

export type CheckOptions = Pick<StatementOptions, 'signal'> & {
  readonly lease: Lease;
  readonly onProgress?: ((progress: { readonly files: number; readonly totalFiles: number }) => void) | undefined;
};

/** Types whose least and greatest value can be asked for and compared as the log has them. */
const comparable = new Set(['byte', 'short', 'integer', 'long', 'float', 'double', 'string', 'date']);

const missing = 'the file is missing';

const hints: Readonly<Record<CheckFinding['kind'], string>> = {
  log: 'restore _delta_log from a copy, or read an older version',
  file: 'restore the file from a copy, or restore a version of the table that does without it; --repair takes a missing one out of the table',
  size: 'the file is not the one that was committed: restore it from a copy',
  rows: 'the file is not the one that was committed: restore it from a copy',
  statistics: 'filters may leave the file out wrongly: --repair takes these statistics away',
  deletionVector: 'restore the file of the deletion vector from a copy',
};

/**
 * Verifies the newest version of a table against its files: the log is continuous and can be read; each file is there, of
 * its size, with the rows that its statistics count; no statistic would hide a value; deletion vectors are whole.
 * Reads the data, changes nothing.
 *
 * @throws {LakesteadError} `DELTA_NOT_A_TABLE`
 */
export async function checkTable(location: TableLocation, options: CheckOptions): Promise<CheckResult> {
  const { lease, signal, onProgress } = options;
  const findings: CheckFinding[] = [];
  const found = (kind: CheckFinding['kind'], problem: string, file?: string) => {
    const canRepair = kind === 'statistics' || problem === missing;
    findings.push({ kind, ...(file === undefined ? {} : { file }), problem, hint: hints[kind], ...(canRepair ? { canRepair } : {}) });
  };
  let snapshot: Snapshot;
  try {
    snapshot = await loadSnapshot(location, { lease, signal });
  } catch (error) {
    if (!(error instanceof LakesteadError) || error.code !== 'DELTA_CORRUPT') throw error;
    found('log', error.message);
    return { version: -1, files: 0, findings };
  }
  for (const gap of await missingCommits(location)) found('log', `version ${gap} is not in the log, and later ones are`);
  const plan = planScan(snapshot);
  for (const [index, file] of plan.files.entries()) {
    signal?.throwIfAborted();
    onProgress?.({ files: index, totalFiles: plan.files.length });
    if (isAbsolutePath(file.path)) continue; // of another table: a shallow clone
    const info = await location.store.find(location.path === '' ? file.path : `${location.path}/${file.path}`);
    if (info === undefined) {
      found('file', missing, file.path);
      continue;
    }
    if (info.sizeBytes !== file.sizeBytes) {
      found('size', `the file has ${info.sizeBytes} bytes, and the log says ${file.sizeBytes}`, file.path);
      continue;
    }
    if (file.deletionVector !== undefined) {
      const { deletionVector } = file;
      const problem = await problemOf(async () => await loadDeletionVector(location.store, location.path, deletionVector));
      if (problem !== undefined) {
        found('deletionVector', problem, file.path);
        continue;
      }
    }
    const problem = await problemOf(async () => {
      for (const one of await checkFile(location, snapshot, index, options)) found(one.kind, one.problem, file.path);
    });
    if (problem !== undefined) found('file', `the file cannot be read: ${problem}`, file.path);
  }
  return { version: snapshot.version, files: plan.files.length, findings };
}

async function problemOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (!(error instanceof LakesteadError) || error.code === 'CANCELLED') throw error;
    return error.message;
  }
}

/** Versions between the oldest and the newest commit of the log that are not there. */
async function missingCommits({ store, path }: TableLocation): Promise<readonly number[]> {
  const versions = (await listCommits(store, path)).map(({ version }) => version);
  const [first = 0] = versions;
  const last = versions.at(-1) ?? first;
  const there = new Set(versions);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index).filter((version) => !there.has(version));
}

type Problem = Pick<CheckFinding, 'kind' | 'problem'>;

/** A file's rows against its statistics. */
async function checkFile(
  location: TableLocation,
  snapshot: Snapshot,
  index: number,
  { lease, signal }: CheckOptions,
): Promise<readonly Problem[]> {
  const plan = planScan(snapshot);
  const file = plan.files[index];
  if (file === undefined) return [];
  const { deletionVector: _, ...whole } = file; // statistics count deleted rows too
  const rows = await planToSql({ ...plan, files: [whole] }, location.store, { scope: lease, signal });
  const statistics = parseStatistics(snapshot.files.stats[index] ?? null);
  const mapping = columnMappingOf(snapshot.metadata);
  const fields = plan.columns.filter(({ name, type }) => !plan.partitionColumns.includes(name) && comparable.has(String(type)));
  const asked = fields.flatMap(({ name, type }) => [
    boundOf('min', name, type),
    boundOf('max', name, type),
    sql`count(*) - count(${ident(name)})`,
  ]);
  const { batches } = await lease.stream(sql`SELECT ${join([sql`count(*)`, ...asked])} FROM (${rows}) AS f`, { signal });
  const values: unknown[] = [];
  for await (const { columns } of batches) values.push(...columns.map(([value]) => value));
  if (statistics === undefined) return [];
  const problems: Problem[] = [];
  const count = Number(values[0]);
  if (statistics.numRecords !== undefined && statistics.numRecords !== count)
    problems.push({ kind: 'rows', problem: `the file has ${count} rows, and its statistics say ${statistics.numRecords}` });
  for (const [position, field] of fields.entries()) {
    const [least, greatest, nulls] = values.slice(1 + position * 3, 4 + position * 3);
    const name = physicalName(field, mapping);
    const said = statistics.nullCount[name];
    if (typeof said === 'number' && said !== Number(nulls))
      problems.push({ kind: 'statistics', problem: `${field.name} is null in ${String(nulls)} rows, and its statistics say ${said}` });
    for (const value of [least, greatest]) {
      if (value === null || value === undefined || canBeFound(field, name, value, statistics)) continue;
      problems.push({ kind: 'statistics', problem: `${field.name} has the value ${String(value)}, which its statistics leave out` });
    }
  }
  return problems;
}

/** NaN is no bound: statistics leave it out, and comparisons with it are no filters of files. */
function boundOf(bound: 'min' | 'max', name: string, type: StructField['type']): Sql {
  const column = ident(name);
  const value = type === 'float' || type === 'double' ? sql`CASE WHEN isnan(${column}) THEN NULL ELSE ${column} END` : column;
  const found = sql`${unsafeSql(bound)}(${value})`;
  return type === 'date' ? sql`${found}::VARCHAR` : found;
}

function canBeFound(
  field: StructField,
  name: string,
  value: unknown,
  statistics: NonNullable<ReturnType<typeof parseStatistics>>,
): boolean {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return true;
  return canMatchStatistics({ column: field.name, op: '=', value }, field.type, boundsOf(statistics, [name]));
}
