import { LakesteadError } from '#core';
import { writeTable } from '#delta';
import type { Lease, StatementProgress } from '#engine';
import { literal, sql, type Sql } from '#sql';

import { Float, isObject, type Value, type ValueObject } from '../expression/index.ts';
import type { Activity } from '../load/factory.ts';
import { activityProperties } from '../validate/activity-types.ts';
import type { Performed } from './perform-activity.ts';
import { fileWriter } from './file-format.ts';
import { mapColumns } from './map-columns.ts';
import { printValues } from './print-values.ts';
import { describe, objectProperty, readSource } from './read-source.ts';
import { refuseOthers } from './refuse-options.ts';
import { bindDataset, type BoundDataset, fileLocation } from './resolve-dataset.ts';
import { type ActivityScope, evaluateProperty } from './run-pipeline.ts';

type Written = { readonly rows: number; readonly bytes: number; readonly files: number; readonly uncompressedBytes: number | undefined };

/** What goes to the sink; `filesRead` is 0 for a database. */
type CopiedRows = {
  readonly query: Sql;
  readonly filesRead: number;
  readonly translator: Value | undefined;
  readonly onProgress: (progress: StatementProgress) => void;
};

/** Copy: one statement of the engine from the source into one file or one Delta commit, which appears whole or not at all. */
export async function performCopy(activity: Activity, scope: ActivityScope): Promise<Performed> {
  const { clock, ports } = scope.state;
  const source = objectProperty(evaluateProperty(activity, 'source', scope), 'source');
  const sink = objectProperty(evaluateProperty(activity, 'sink', scope), 'sink');
  refuseOthers(activity.typeProperties, activityProperties('Copy'), 'a Copy activity');
  const [from, to] = [activity.inputs[0], activity.outputs[0]];
  if (from === undefined || to === undefined)
    throw new LakesteadError('FACTORY_INVALID', `the activity '${activity.name}' needs a dataset in inputs and one in outputs`, {
      place: activity.place,
    });
  const input = bindDataset(from, scope);
  const output = bindDataset(to, scope);
  const started = clock.elapsedMs();
  await using lease = await ports.engine.lease({ signal: scope.signal });
  const onProgress = ({ rows, totalRows }: StatementProgress) => {
    const rowsPerSecond = Math.round((rows / Math.max(1, clock.elapsedMs() - started)) * 1000);
    const total = totalRows === undefined ? {} : { totalRows };
    scope.state.emit({ kind: 'activityProgress', path: scope.path, name: activity.name, rows, rowsPerSecond, ...total });
  };
  await using relation = await readSource(source, input, lease, scope, onProgress);
  const translator = evaluateProperty(activity, 'translator', scope);
  const rows = { query: mapColumns(relation, translator), filesRead: relation.filesRead ?? 0, translator, onProgress };
  const written = await write(sink, output, rows, lease, scope);
  const seconds = (clock.elapsedMs() - started) / 1000;
  // What a database in the engine itself hands over has no bytes of its own: its size is that of the columns before compression.
  const dataRead = relation.bytesRead() ?? written.uncompressedBytes ?? written.bytes;
  const summary = {
    dataRead: BigInt(dataRead),
    dataWritten: BigInt(written.bytes),
    ...(relation.filesRead === undefined ? {} : { filesRead: BigInt(relation.filesRead) }),
    filesWritten: BigInt(written.files),
    sourcePeakConnections: 1n,
    sinkPeakConnections: 1n,
    rowsRead: BigInt(written.rows),
    rowsCopied: BigInt(written.rows),
    copyDuration: BigInt(Math.max(1, Math.ceil(seconds))),
    throughput: new Float(seconds === 0 ? 0 : Number((dataRead / 1024 / seconds).toFixed(3))),
    errors: [],
    effectiveIntegrationRuntime: 'lakestead',
    usedParallelCopies: 1n,
    executionDetails: [
      {
        source: { type: input.linkedService.type },
        sink: { type: output.linkedService.type },
        status: 'Succeeded',
        start: scope.state.clock.now().toISOString(),
        duration: BigInt(Math.max(1, Math.ceil(seconds))),
        usedParallelCopies: 1n,
      },
    ],
  };
  return { input: { source, sink }, output: summary, facts: { rows: written.rows, bytes: written.bytes } };
}

const fileSinks: Readonly<Record<string, string>> = { ParquetSink: 'Parquet', DelimitedTextSink: 'DelimitedText', JsonSink: 'Json' };

async function write(sink: ValueObject, dataset: BoundDataset, relation: CopiedRows, lease: Lease, scope: ActivityScope): Promise<Written> {
  const type = String(sink['type']);
  if (type === 'AzureDatabricksDeltaLakeSink' || type === 'LakehouseTableSink')
    return await writeDelta(sink, dataset, relation, lease, scope);
  const format = fileSinks[type];
  if (format === undefined)
    throw new LakesteadError('FACTORY_UNSUPPORTED', `a sink of type ${type} is not supported`, {
      hint: `supported: ${Object.keys(fileSinks).join(', ')}, AzureDatabricksDeltaLakeSink, LakehouseTableSink`,
    });
  if (format !== dataset.type)
    throw new LakesteadError(
      'FACTORY_INVALID',
      `a ${type} writes a dataset of type ${format}, and '${dataset.name}' is of type ${dataset.type}`,
    );
  return await writeFile(sink, dataset, relation, lease, scope);
}

async function writeFile(
  sink: ValueObject,
  dataset: BoundDataset,
  { query, filesRead, translator, onProgress }: CopiedRows,
  lease: Lease,
  scope: ActivityScope,
): Promise<Written> {
  refuseOthers(sink, String(sink['type']), 'a sink of files');
  const { storeSettings, formatSettings } = sink;
  refuseOthers(storeSettings, 'AzureBlobFSWriteSettings', 'storeSettings');
  const behavior = isObject(storeSettings) ? String(storeSettings['copyBehavior'] ?? '') : '';
  const { folder, file } = fileLocation(dataset);
  if (behavior !== '' && behavior !== 'MergeFiles' && behavior !== 'PreserveHierarchy')
    throw new LakesteadError('FACTORY_UNSUPPORTED', `copyBehavior ${behavior} is not supported`, { hint: 'supported: MergeFiles' });
  if (filesRead > 1 && behavior !== 'MergeFiles' && file === '')
    throw new LakesteadError(
      'FACTORY_UNSUPPORTED',
      `copying ${filesRead} files to as many (copyBehavior PreserveHierarchy) is not supported`,
      {
        hint: 'set copyBehavior to MergeFiles, or give the sink a fileName, to write one file',
      },
    );
  const { extension, options, holdsTypes } = fileWriter(dataset, isObject(formatSettings) ? formatSettings : {});
  const fileName = file === '' ? `data_${scope.state.runId}_${scope.iteration?.replaceAll('/', '_') ?? '0'}${extension}` : file;
  const { store, path } = await scope.state.ports.lake.resolve(`${folder}/${fileName}`);
  const staged = await store.stage(path);
  try {
    const format = dataset.type === 'Json' ? 'Json' : 'DelimitedText';
    const rows = holdsTypes ? query : printValues(query, (await describe(lease, query, scope)).columns, format, translator);
    const copy = sql`COPY (${rows}) TO ${literal(staged.localPath)} (${options})`;
    const { rowsChanged } = await lease.run(copy, { signal: scope.signal, onProgress });
    const uncompressedBytes = dataset.type === 'Parquet' ? await uncompressedSize(staged.localPath, lease) : undefined;
    const { sizeBytes } = await staged.publish();
    return { rows: rowsChanged, bytes: sizeBytes, files: 1, uncompressedBytes };
  } catch (error) {
    await staged.discard();
    throw error;
  }
}

async function uncompressedSize(file: string, lease: Lease): Promise<number> {
  const [row] = await lease.rows(sql`SELECT coalesce(sum(total_uncompressed_size), 0)::BIGINT AS bytes FROM parquet_metadata(${file})`);
  return Number(row?.['bytes'] ?? 0);
}

async function writeDelta(
  sink: ValueObject,
  dataset: BoundDataset,
  { query, onProgress }: CopiedRows,
  lease: Lease,
  scope: ActivityScope,
): Promise<Written> {
  const { database, schema, table } = dataset.typeProperties;
  if (typeof table !== 'string' || table === '')
    throw new LakesteadError('FACTORY_INVALID', `the dataset '${dataset.name}' names no table`);
  const container = typeof database === 'string' && database !== '' ? database : 'Tables';
  const address = [container, ...(typeof schema === 'string' && schema !== '' ? [schema] : []), table].join('/');
  refuseOthers(sink, String(sink['type']), 'a Delta sink');
  refuseOthers(sink['importSettings'], { acts: [], known: [] }, 'importSettings');
  const partition = sink['partitionOption'] ?? 'None';
  if (partition !== 'None' && partition !== '')
    throw new LakesteadError('FACTORY_UNSUPPORTED', `partitionOption ${String(partition)} is not supported`, { hint: 'supported: None' });
  const mode = String(sink['tableActionOption'] ?? 'Append').toLowerCase();
  if (mode !== 'append' && mode !== 'overwrite')
    throw new LakesteadError('FACTORY_UNSUPPORTED', `tableActionOption ${mode} is not supported`, { hint: 'supported: Append, Overwrite' });
  const { store, path } = await scope.state.ports.lake.resolve(address);
  const result = await writeTable({
    store,
    path,
    engine: scope.state.ports.engine,
    query,
    lease,
    mode,
    schemaMode: mode === 'overwrite' ? 'overwrite' : 'strict',
    signal: scope.signal,
    onProgress,
  });
  return { rows: result.rowsWritten, bytes: result.bytesWritten, files: result.filesAdded, uncompressedBytes: undefined };
}
