import { createHash } from 'node:crypto';

import { ownerPrincipal } from '#access';
import type { SourceColumn } from '#connectors';
import { LakesteadError } from '#core';

import { isArray, isObject, type Value, type ValueObject } from '../expression/index.ts';
import type { Activity } from '../load/factory.ts';
import { parseReference } from '../load/parse-activity.ts';
import { modifiedBetween } from './find-files.ts';
import type { Performed } from './perform-activity.ts';
import { readBytes } from './read-bytes.ts';
import { readSource } from './read-source.ts';
import { refuseOthers } from './refuse-options.ts';
import { bindDataset, type BoundDataset, fileLocation } from './resolve-dataset.ts';
import { type ActivityScope, evaluateProperty } from './activity-scope.ts';

const fields = ['childItems', 'columnCount', 'contentMD5', 'exists', 'itemName', 'itemType', 'lastModified', 'size', 'structure'];
const metadataStore = { acts: ['modifiedDatetimeStart', 'modifiedDatetimeEnd'], known: ['recursive', 'enablePartitionDiscovery', 'partitionRootPath', 'maxConcurrentConnections', 'disableMetricsCollection'] }; // prettier-ignore
const tableFields = ['columnCount', 'exists', 'structure'];

/** GetMetadata of files, folders and tables: the fields that were asked for. Without `exists` a missing item is an error, as in Azure. */
export async function performGetMetadata(activity: Activity, scope: ActivityScope): Promise<Performed> {
  const { pipeline, ports } = scope.state;
  const reader = { file: pipeline.file, placeOf: pipeline.placeOf };
  const dataset = bindDataset(
    parseReference(reader, activity.typeProperties['dataset'], [...activity.path, 'typeProperties', 'dataset']),
    scope,
  );
  const asked = evaluateProperty(activity, 'fieldList', scope);
  const fieldList = isArray(asked) ? asked.map(String) : [];
  const unknown = fieldList.find((field) => !fields.includes(field));
  if (unknown !== undefined)
    throw new LakesteadError('FACTORY_UNSUPPORTED', `the field ${unknown} of GetMetadata is not supported`, {
      place: activity.place,
      hint: `supported: ${fields.join(', ')}`,
    });
  if (dataset.typeProperties['location'] === undefined) return await metadataOfTable(dataset, fieldList, activity, scope);
  const location = fileLocation(dataset);
  const address = location.file === '' ? location.folder : `${location.folder}/${location.file}`;
  const { signal } = scope;
  const view = (await ports.gateway()).look(ownerPrincipal);
  const item = await view.item(address, { kind: location.file === '' ? 'folder' : 'file', signal });
  const children = item?.kind === 'folder' ? item.entries : undefined;
  const object = item?.kind === 'file' ? item.info : undefined;
  const exists = item !== undefined;
  if (!exists && !fieldList.includes('exists'))
    throw new LakesteadError('STORAGE_NOT_FOUND', `there is nothing at ${address}`, { hint: 'ask for the field exists to test it' });
  const output: Record<string, Value> = {};
  for (const field of fieldList) {
    const value = exists || field === 'exists' ? await fieldOf(field) : undefined;
    if (value !== undefined) output[field] = value;
  }
  return { input: { fieldList }, output: { ...output, effectiveIntegrationRuntime: 'lakestead' } };

  /** The children; files only as they were changed in the time that `storeSettings` says, when it says one. */
  async function chosen(): Promise<typeof children> {
    const given = evaluateProperty(activity, 'storeSettings', scope);
    refuseOthers(given, metadataStore, 'storeSettings of GetMetadata');
    const settings = isObject(given) ? given : {};
    if (children === undefined || !(settings['modifiedDatetimeStart'] || settings['modifiedDatetimeEnd'])) return children;
    const isInTime = modifiedBetween(settings);
    const found = [];
    for (const child of children) {
      const file = child.kind === 'file' ? await view.item(`${address}/${child.name}`, { kind: 'file', signal }) : undefined;
      if (file?.kind === 'file' && isInTime(file.info)) found.push(child);
    }
    return found;
  }

  async function fieldOf(field: string): Promise<Value | undefined> {
    switch (field) {
      case 'exists':
        return exists;
      case 'childItems':
        return (await chosen())?.map(({ name, kind }): ValueObject => ({ name, type: kind === 'file' ? 'File' : 'Folder' }));
      case 'itemName':
        return item?.name;
      case 'itemType':
        return object === undefined ? 'Folder' : 'File';
      case 'size':
        return object === undefined ? undefined : BigInt(object.sizeBytes);
      case 'lastModified':
        return object === undefined ? undefined : object.modifiedAt.toISOString().replace(/\.\d+Z$/, 'Z');
      case 'contentMD5':
        return object === undefined ? undefined : await digestOf(address, scope);
      default:
        return describeColumns(await columnsOf(dataset, scope), field);
    }
  }
}

/** The base64 of the file's MD5, as Azure Storage keeps it; read in pieces. */
async function digestOf(address: string, scope: ActivityScope): Promise<string> {
  const hash = createHash('md5');
  for await (const piece of await readBytes(address, scope)) hash.update(piece as Buffer); // no encoding is set
  return hash.digest('base64');
}

/** A table has columns, or is not there. */
async function metadataOfTable(
  dataset: BoundDataset,
  fieldList: readonly string[],
  activity: Activity,
  scope: ActivityScope,
): Promise<Performed> {
  const other = fieldList.find((field) => !tableFields.includes(field));
  if (other !== undefined)
    throw new LakesteadError('FACTORY_INVALID', `GetMetadata of a table has no field ${other}`, {
      place: activity.place,
      hint: `of tables: ${tableFields.join(', ')}`,
    });
  let columns: readonly SourceColumn[] | undefined;
  try {
    columns = await columnsOf(dataset, scope);
  } catch (error) {
    // Asked whether it exists, a table that is not there is an answer.
    if (!fieldList.includes('exists') || !(error instanceof LakesteadError) || error.code !== 'SQL_NAME_NOT_FOUND') throw error;
  }
  const output: Record<string, Value> = {};
  for (const field of fieldList) {
    if (field === 'exists') output[field] = columns !== undefined;
    else if (columns !== undefined) output[field] = describeColumns(columns, field);
  }
  return { input: { fieldList }, output: { ...output, effectiveIntegrationRuntime: 'lakestead' } };
}

async function columnsOf(dataset: BoundDataset, scope: ActivityScope): Promise<readonly SourceColumn[]> {
  await using lease = await scope.state.ports.engine.lease({ signal: scope.signal });
  const type = dataset.typeProperties['location'] === undefined ? 'SqlSource' : `${dataset.type}Source`;
  await using relation = await readSource({ type }, dataset, lease, scope);
  return relation.columns;
}

function describeColumns(columns: readonly SourceColumn[], field: string): Value {
  if (field === 'columnCount') return BigInt(columns.length);
  return columns.map((column): ValueObject => ({ name: column.name, type: interimType(column) }));
}

const interimTypes: Readonly<Record<string, string>> = {
  BOOLEAN: 'Boolean', TINYINT: 'SByte', SMALLINT: 'Int16', INTEGER: 'Int32', BIGINT: 'Int64', FLOAT: 'Single', DOUBLE: 'Double', VARCHAR: 'String',
  BLOB: 'Byte[]', DATE: 'DateTime', TIMESTAMP: 'DateTime', 'TIMESTAMP WITH TIME ZONE': 'DateTimeOffset', TIME: 'TimeSpan',
}; // prettier-ignore

/** Data Factory's own name of a column's type. */
function interimType({ sourceType, lakeType }: SourceColumn): string {
  const named = { uniqueidentifier: 'Guid', time: 'TimeSpan', datetimeoffset: 'DateTimeOffset' }[sourceType.replace(/\(.*/, '')];
  return named ?? interimTypes[lakeType] ?? (lakeType.startsWith('DECIMAL') ? 'Decimal' : 'Object');
}
