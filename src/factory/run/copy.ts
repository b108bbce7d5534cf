import { LakesteadError } from '#core';
import type { Lease, StatementProgress } from '#engine';

import type { ValueObject } from '../expression/index.ts';
import type { Activity } from '../load/factory.ts';
import { activityProperties } from '../validate/activity-types.ts';
import { copyBinary } from './copy-binary.ts';
import { describeCopy } from './copy-output.ts';
import { mapColumns } from './map-columns.ts';
import type { Performed } from './perform-activity.ts';
import { objectProperty, readSource } from './read-source.ts';
import { refuseOthers } from './refuse-options.ts';
import { bindDataset, type BoundDataset } from './resolve-dataset.ts';
import { type ActivityScope, evaluateProperty } from './activity-scope.ts';
import { writeDatabase } from './write-database.ts';
import { writeDelta } from './write-delta.ts';
import { type RowsToWrite, writeFiles, type Written } from './write-files.ts';

/** One Copy: its two sides, evaluated. */
type CopyPlan = {
  readonly source: ValueObject;
  readonly sink: ValueObject;
  readonly input: BoundDataset;
  readonly output: BoundDataset;
};

/** Copy: from a database, files or a Delta table into files or one Delta commit, which appear whole or not at all. */
export async function performCopy(activity: Activity, scope: ActivityScope): Promise<Performed> {
  const source = objectProperty(evaluateProperty(activity, 'source', scope), 'source');
  const sink = objectProperty(evaluateProperty(activity, 'sink', scope), 'sink');
  refuseOthers(activity.typeProperties, activityProperties('Copy'), 'a Copy activity');
  const [from, to] = [activity.inputs[0], activity.outputs[0]];
  if (from === undefined || to === undefined)
    throw new LakesteadError('FACTORY_INVALID', `the activity '${activity.name}' needs a dataset in inputs and one in outputs`, {
      place: activity.place,
    });
  const plan = { source, sink, input: bindDataset(from, scope), output: bindDataset(to, scope) };
  const isBinary = [source['type'], sink['type']].some((type) => String(type).startsWith('Binary'));
  return isBinary ? await performBinary(plan, scope) : await performTabular(activity, plan, scope);
}

async function performBinary({ source, sink, input, output }: CopyPlan, scope: ActivityScope): Promise<Performed> {
  const { clock } = scope.state;
  const [startedAt, started] = [clock.now(), clock.elapsedMs()];
  const { bytesRead, bytesWritten, filesRead, filesWritten } = await copyBinary(source, input, sink, output, scope);
  const totalMs = clock.elapsedMs() - started;
  const facts = { input, output, startedAt, openMs: 0, totalMs, rows: undefined, bytesRead, bytesWritten, filesRead, filesWritten };
  return { input: { source, sink }, output: describeCopy(facts), facts: { bytes: bytesWritten } };
}

async function performTabular(activity: Activity, { source, sink, input, output }: CopyPlan, scope: ActivityScope): Promise<Performed> {
  const { clock, ports } = scope.state;
  const [startedAt, started] = [clock.now(), clock.elapsedMs()];
  await using lease = await ports.engine.lease({ signal: scope.signal });
  const onProgress = ({ rows, totalRows }: StatementProgress) => {
    const rowsPerSecond = Math.round((rows / Math.max(1, clock.elapsedMs() - started)) * 1000);
    const total = totalRows === undefined ? {} : { totalRows };
    scope.state.emit({ kind: 'activityProgress', path: scope.path, name: activity.name, rows, rowsPerSecond, ...total });
  };
  await using relation = await readSource(source, input, lease, scope, onProgress);
  const openMs = clock.elapsedMs() - started;
  const translator = evaluateProperty(activity, 'translator', scope);
  const parts = relation.parts?.map(({ relativePath, open }) => ({
    relativePath,
    query: async () => mapColumns(await open(), translator),
  }));
  const written = await write(sink, output, { query: mapColumns(relation, translator), parts, translator, onProgress }, lease, scope);
  const facts = {
    input,
    output,
    startedAt,
    openMs,
    totalMs: clock.elapsedMs() - started,
    rows: written.rows,
    // What a database in the engine itself hands over has no bytes of its own: its size is that of the columns before compression.
    bytesRead: relation.bytesRead() ?? written.uncompressedBytes ?? written.bytes,
    bytesWritten: written.bytes,
    filesRead: relation.filesRead,
    filesWritten: written.files,
  };
  return {
    input: { source, sink },
    output: describeCopy(facts),
    facts: { rows: written.rows, ...(written.bytes === undefined ? {} : { bytes: written.bytes }) },
  };
}

const fileSinks: Readonly<Record<string, string>> = { ParquetSink: 'Parquet', DelimitedTextSink: 'DelimitedText', JsonSink: 'Json' };
const databaseSinks = ['SqlServerSink', 'AzureSqlSink', 'SqlMISink', 'SqlSink'];

async function write(sink: ValueObject, dataset: BoundDataset, rows: RowsToWrite, lease: Lease, scope: ActivityScope): Promise<Written> {
  const type = String(sink['type']);
  if (type === 'AzureDatabricksDeltaLakeSink' || type === 'LakehouseTableSink') return await writeDelta(sink, dataset, rows, lease, scope);
  if (databaseSinks.includes(type)) return await writeDatabase(sink, dataset, rows, lease, scope);
  const format = fileSinks[type];
  if (format === undefined)
    throw new LakesteadError('FACTORY_UNSUPPORTED', `a sink of type ${type} is not supported`, {
      hint: `supported: ${Object.keys(fileSinks).join(', ')}, BinarySink, AzureDatabricksDeltaLakeSink, LakehouseTableSink, ${databaseSinks.join(', ')}`,
    });
  if (format !== dataset.type)
    throw new LakesteadError(
      'FACTORY_INVALID',
      `a ${type} writes a dataset of type ${format}, and '${dataset.name}' is of type ${dataset.type}`,
    );
  return await writeFiles(sink, dataset, rows, lease, scope);
}
