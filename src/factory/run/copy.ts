import { LakesteadError } from '#core';
import { writeTable } from '#delta';
import type { Lease } from '#engine';
import { ident, join, literal, sql, type Sql, unsafeSql } from '#sql';

import { Float, isArray, isObject, type Value, type ValueObject } from '../expression/index.ts';
import type { Activity } from '../load/factory.ts';
import type { Performed } from './perform-activity.ts';
import { objectProperty, readSource, type SourceRelation } from './read-source.ts';
import { bindDataset, type BoundDataset, fileLocation } from './resolve-dataset.ts';
import { type ActivityScope, evaluateProperty } from './run-pipeline.ts';

type Written = { readonly rows: number; readonly bytes: number; readonly files: number; readonly uncompressedBytes: number | undefined };

/** Copy: one statement of the engine from the source into one file or one Delta commit, which appears whole or not at all. */
export async function performCopy(activity: Activity, scope: ActivityScope): Promise<Performed> {
  const { clock, ports } = scope.state;
  const source = objectProperty(evaluateProperty(activity, 'source', scope), 'source');
  const sink = objectProperty(evaluateProperty(activity, 'sink', scope), 'sink');
  const [from, to] = [activity.inputs[0], activity.outputs[0]];
  if (from === undefined || to === undefined)
    throw new LakesteadError('FACTORY_INVALID', `the activity '${activity.name}' needs a dataset in inputs and one in outputs`, {
      place: activity.place,
    });
  const input = bindDataset(from, scope);
  const output = bindDataset(to, scope);
  const started = clock.elapsedMs();
  await using lease = await ports.engine.lease({ signal: scope.signal });
  await using relation = await readSource(source, input, lease, scope);
  const query = mapColumns(relation, evaluateProperty(activity, 'translator', scope));
  const written = await write(sink, output, query, lease, scope);
  const seconds = (clock.elapsedMs() - started) / 1000;
  // What a database in the engine itself hands over has no bytes of its own: its size is that of the columns before compression.
  const dataRead = relation.bytesRead() ?? written.uncompressedBytes ?? written.bytes;
  const summary = {
    dataRead: BigInt(dataRead),
    dataWritten: BigInt(written.bytes),
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

/** The columns that go to the sink: all, or those that a translator maps by name. */
function mapColumns(relation: SourceRelation, translator: Value | undefined): Sql {
  if (!isObject(translator) || !isArray(translator['mappings'])) return relation.sql;
  const list = translator['mappings'].map((mapping) => {
    const name = (side: Value | undefined) => (isObject(side) && typeof side['name'] === 'string' ? side['name'] : undefined);
    const [from, to] = isObject(mapping) ? [name(mapping['source']), name(mapping['sink'])] : [];
    if (from === undefined || to === undefined)
      throw new LakesteadError('FACTORY_UNSUPPORTED', 'a mapping of the translator needs source.name and sink.name');
    const column = relation.columns.find((one) => one.name.toLowerCase() === from.toLowerCase());
    if (column === undefined)
      throw new LakesteadError('FACTORY_INVALID', `the mapping names the column '${from}', which the source does not have`, {
        hint: `its columns: ${relation.columns.map((one) => one.name).join(', ')}`,
      });
    return sql`${ident(column.name)} AS ${ident(to)}`;
  });
  return sql`SELECT ${join(list)} FROM (${relation.sql}) AS source`;
}

async function write(sink: ValueObject, dataset: BoundDataset, query: Sql, lease: Lease, scope: ActivityScope): Promise<Written> {
  const type = String(sink['type']);
  switch (type) {
    case 'ParquetSink':
      return await writeFile(dataset, query, parquetOptions(dataset), '.parquet', lease, scope);
    case 'DelimitedTextSink':
      return await writeFile(dataset, query, csvOptions(dataset), '.txt', lease, scope);
    case 'JsonSink': {
      const settings = sink['formatSettings'];
      const isArrayOfObjects = isObject(settings) && settings['filePattern'] === 'arrayOfObjects';
      return await writeFile(
        dataset,
        query,
        sql`FORMAT json, ARRAY ${literal(isArrayOfObjects)}${compression(dataset)}`,
        '.json',
        lease,
        scope,
      );
    }
    case 'AzureDatabricksDeltaLakeSink':
    case 'LakehouseTableSink':
      return await writeDelta(sink, dataset, query, lease, scope);
    default:
      throw new LakesteadError('FACTORY_UNSUPPORTED', `a sink of type ${type} is not supported`, {
        hint: 'supported: ParquetSink, DelimitedTextSink, JsonSink, AzureDatabricksDeltaLakeSink, LakehouseTableSink',
      });
  }
}

const codecs: Readonly<Record<string, string>> = {
  snappy: 'snappy',
  gzip: 'gzip',
  none: 'uncompressed',
  uncompressed: 'uncompressed',
  zstd: 'zstd',
  lz4: 'lz4',
  brotli: 'brotli',
};

function parquetOptions(dataset: BoundDataset): Sql {
  const wanted = dataset.typeProperties['compressionCodec'];
  const codec = wanted === undefined || wanted === null ? 'snappy' : codecs[String(wanted).toLowerCase()];
  if (codec === undefined)
    throw new LakesteadError('FACTORY_UNSUPPORTED', `the codec ${String(wanted)} of Parquet is not supported`, {
      hint: `supported: ${Object.keys(codecs).join(', ')}`,
    });
  return sql`FORMAT parquet, COMPRESSION ${unsafeSql(codec)}`;
}

function compression(dataset: BoundDataset): Sql {
  const wanted =
    dataset.typeProperties['compressionCodec'] ??
    (isObject(dataset.typeProperties['compression']) ? dataset.typeProperties['compression']['type'] : undefined);
  if (wanted === undefined || wanted === null || /^none$/i.test(String(wanted))) return sql``;
  if (/^gzip$/i.test(String(wanted))) return sql`, COMPRESSION gzip`;
  throw new LakesteadError('FACTORY_UNSUPPORTED', `the codec ${String(wanted)} of text files is not supported`, {
    hint: 'supported: none, gzip',
  });
}

function csvOptions(dataset: BoundDataset): Sql {
  const { typeProperties } = dataset;
  const option = (name: string, fallback: string) => (typeof typeProperties[name] === 'string' ? typeProperties[name] : fallback);
  const header = typeProperties['firstRowAsHeader'] === true;
  return sql`FORMAT csv, HEADER ${literal(header)}, DELIMITER ${literal(option('columnDelimiter', ','))}, QUOTE ${literal(option('quoteChar', '"'))}, ESCAPE ${literal(option('escapeChar', '\\'))}, NULLSTR ${literal(option('nullValue', ''))}${compression(dataset)}`;
}

async function writeFile(
  dataset: BoundDataset,
  query: Sql,
  options: Sql,
  extension: string,
  lease: Lease,
  scope: ActivityScope,
): Promise<Written> {
  const { folder, file } = fileLocation(dataset);
  const fileName = file === '' ? `data_${scope.state.runId}_${scope.iteration?.replaceAll('/', '_') ?? '0'}${extension}` : file;
  const { store, path } = await scope.state.ports.lake.resolve(`${folder}/${fileName}`);
  const staged = await store.stage(path);
  try {
    const { rowsChanged } = await lease.run(sql`COPY (${query}) TO ${literal(staged.localPath)} (${options})`, { signal: scope.signal });
    const uncompressedBytes = extension === '.parquet' ? await uncompressedSize(staged.localPath, lease) : undefined;
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

async function writeDelta(sink: ValueObject, dataset: BoundDataset, query: Sql, lease: Lease, scope: ActivityScope): Promise<Written> {
  const { database, schema, table } = dataset.typeProperties;
  if (typeof table !== 'string' || table === '')
    throw new LakesteadError('FACTORY_INVALID', `the dataset '${dataset.name}' names no table`);
  const container = typeof database === 'string' && database !== '' ? database : 'Tables';
  const address = [container, ...(typeof schema === 'string' && schema !== '' ? [schema] : []), table].join('/');
  if (sink['preCopyScript'] !== undefined && sink['preCopyScript'] !== null)
    throw new LakesteadError('FACTORY_UNSUPPORTED', 'preCopyScript of a Delta sink is not supported');
  const mode = String(sink['tableActionOption'] ?? 'Append').toLowerCase() === 'overwrite' ? 'overwrite' : 'append';
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
  });
  return { rows: result.rowsWritten, bytes: result.bytesWritten, files: result.filesAdded, uncompressedBytes: undefined };
}
