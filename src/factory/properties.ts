import { nearMisses } from '#core';

import { isArray, type Value, type ValueObject } from './expression/index.ts';

/** Which properties of a typed object of the JSON act here, and which are known and change nothing. All others are refused by name. */
export type PropertyUse = { readonly acts: readonly string[]; readonly known: readonly string[] };

/** Settings of speed, of retries and of the service's own monitoring: they change nothing of what is read or written. */
const tuning = [
  'type',
  'sourceRetryCount',
  'sourceRetryWait',
  'sinkRetryCount',
  'sinkRetryWait',
  'maxConcurrentConnections',
  'disableMetricsCollection',
  'blockSizeInMB',
  'writeBatchSize',
  'writeBatchTimeout',
];

const use = (acts: string, known = ''): PropertyUse => ({ acts: words(acts), known: [...tuning, ...words(known)] });
const words = (text: string): readonly string[] => text.split(' ').filter((word) => word !== '');

// Partitions and isolation change how Data Factory reads, not what.
const sqlSource = use(
  'sqlReaderQuery query queryTimeout sqlReaderStoredProcedureName storedProcedureParameters partitionQuery additionalColumns',
  'partitionOption partitionSettings isolationLevel',
);
const fileSource = use('storeSettings formatSettings additionalColumns');
const fileSink = use('storeSettings formatSettings');
const sqlSink = use('writeBehavior upsertSettings tableOption preCopyScript', 'sqlWriterUseTableLock');
const deltaSink = use('tableActionOption importSettings partitionOption partitionNameList');
const readStore = use(
  'recursive wildcardFileName wildcardFolderPath modifiedDatetimeStart modifiedDatetimeEnd deleteFilesAfterCompletion',
  'enablePartitionDiscovery partitionRootPath',
);
const writeStore = use('copyBehavior');
const sqlTable = use('schema table tableName', 'structure');
const fileDataset = (acts: string): PropertyUse => use(`location ${acts}`, 'compressionLevel schema');
const location = use('fileSystem container folderPath fileName');

/** By the `type` that each of these objects carries in the JSON. */
const objects: Readonly<Record<string, PropertyUse>> = {
  SqlServerSource: sqlSource,
  AzureSqlSource: sqlSource,
  SqlMISource: sqlSource,
  SqlDWSource: sqlSource,
  SqlSource: sqlSource,
  PostgreSqlSource: sqlSource,
  PostgreSqlV2Source: sqlSource,
  AzurePostgreSqlSource: sqlSource,
  ParquetSource: fileSource,
  DelimitedTextSource: fileSource,
  JsonSource: fileSource,
  BinarySource: use('storeSettings formatSettings'),
  AzureDatabricksDeltaLakeSource: use('query exportSettings additionalColumns'),
  LakehouseTableSource: use('versionAsOf timestampAsOf additionalColumns'),
  BinarySink: use('storeSettings'),
  SqlServerSink: sqlSink,
  AzureSqlSink: sqlSink,
  SqlMISink: sqlSink,
  SqlSink: sqlSink,
  ParquetSink: fileSink,
  DelimitedTextSink: fileSink,
  JsonSink: fileSink,
  AzureDatabricksDeltaLakeSink: deltaSink,
  LakehouseTableSink: deltaSink,
  AzureBlobFSReadSettings: readStore,
  AzureBlobStorageReadSettings: readStore,
  LakehouseReadSettings: readStore,
  AzureBlobFSWriteSettings: writeStore,
  AzureBlobStorageWriteSettings: writeStore,
  LakehouseWriteSettings: writeStore,
  ParquetReadSettings: use(''),
  DelimitedTextReadSettings: use('skipLineCount'),
  JsonReadSettings: use(''),
  BinaryReadSettings: use(''),
  ParquetWriteSettings: use('maxRowsPerFile fileNamePrefix'),
  DelimitedTextWriteSettings: use('quoteAllText fileExtension maxRowsPerFile fileNamePrefix'),
  JsonWriteSettings: use('filePattern'),
  TabularTranslator: use('mappings typeConversion typeConversionSettings'),
  Parquet: fileDataset('compressionCodec compression'),
  DelimitedText: fileDataset(
    'columnDelimiter rowDelimiter quoteChar escapeChar firstRowAsHeader nullValue encodingName compressionCodec compression',
  ),
  Json: fileDataset('encodingName compression compressionCodec'),
  Binary: fileDataset(''),
  SqlServerTable: sqlTable,
  AzureSqlTable: sqlTable,
  AzureSqlMITable: sqlTable,
  AzureSqlDWTable: sqlTable,
  PostgreSqlTable: sqlTable,
  PostgreSqlV2Table: sqlTable,
  AzurePostgreSqlTable: sqlTable,
  AzureDatabricksDeltaLakeDataset: use('database table'),
  LakehouseTable: use('schema table'),
  AzureBlobFSLocation: location,
  AzureBlobStorageLocation: location,
  LakehouseLocation: location,
};

/** All types with what acts in them, for the page of properties. */
export const typedObjects: Readonly<Record<string, PropertyUse>> = objects;

/** Undefined for a type that is not supported. */
export function findProperties(type: string): PropertyUse | undefined {
  return Object.hasOwn(objects, type) ? objects[type] : undefined;
}

/** The supported types whose name ends so: `Source`, `Sink`. */
export function supportedTypes(suffix: string): readonly string[] {
  return Object.keys(objects).filter((type) => type.endsWith(suffix));
}

/** As if the property were not there. */
function isOff(value: Value): boolean {
  return value === null || value === false || value === '' || value === 'None' || (isArray(value) && value.length === 0);
}

/**
 * The properties that are set and would be without effect, or are known to have none, in the order of the JSON. One that is
 * off counts where it is probably a misspelt one: that one's default need not be off.
 */
export function otherProperties(
  object: ValueObject,
  { acts, known }: PropertyUse,
): readonly { readonly name: string; readonly isKnown: boolean }[] {
  return Object.entries(object).flatMap(([name, value]) =>
    acts.includes(name) || name === 'type' || (isOff(value) && nearMisses(name, acts).length === 0)
      ? []
      : [{ name, isKnown: known.includes(name) }],
  );
}
