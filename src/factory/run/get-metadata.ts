import { LakesteadError } from '#core';

import { isArray, type Value, type ValueObject } from '../expression/index.ts';
import type { Activity } from '../load/factory.ts';
import { parseDatasetReference } from '../load/parse-activity.ts';
import type { Performed } from './perform-activity.ts';
import { describe, readSource } from './read-source.ts';
import { bindDataset, type BoundDataset, fileLocation } from './resolve-dataset.ts';
import { type ActivityScope, evaluateProperty } from './run-pipeline.ts';

const fields = ['childItems', 'columnCount', 'exists', 'itemName', 'itemType', 'lastModified', 'size', 'structure'];

/** GetMetadata of files and folders: the fields that were asked for. Without `exists` a missing item is an error, as in Azure. */
export async function performGetMetadata(activity: Activity, scope: ActivityScope): Promise<Performed> {
  const { pipeline, ports } = scope.state;
  const reader = { file: pipeline.file, placeOf: pipeline.placeOf };
  const dataset = bindDataset(
    parseDatasetReference(reader, activity.typeProperties['dataset'], [...activity.path, 'typeProperties', 'dataset']),
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
  const location = fileLocation(dataset);
  const { store, path } = await ports.lake.resolve(location.file === '' ? location.folder : `${location.folder}/${location.file}`);
  const children = location.file === '' ? await store.entries(path) : undefined;
  const object = location.file === '' ? undefined : await store.find(path);
  const exists = children !== undefined || object !== undefined;
  if (!exists && !fieldList.includes('exists'))
    throw new LakesteadError(
      'STORAGE_NOT_FOUND',
      `there is nothing at ${location.folder}${location.file === '' ? '' : `/${location.file}`}`,
      { hint: 'ask for the field exists to test it' },
    );
  const output: Record<string, Value> = {};
  for (const field of fieldList) {
    const value = exists || field === 'exists' ? await fieldOf(field) : undefined;
    if (value !== undefined) output[field] = value;
  }
  return { input: { fieldList }, output: { ...output, effectiveIntegrationRuntime: 'lakestead' } };

  async function fieldOf(field: string): Promise<Value | undefined> {
    switch (field) {
      case 'exists':
        return exists;
      case 'childItems':
        return children?.map(({ name, kind }): ValueObject => ({ name, type: kind === 'file' ? 'File' : 'Folder' }));
      case 'itemName':
        return path.split('/').at(-1) ?? '';
      case 'itemType':
        return object === undefined ? 'Folder' : 'File';
      case 'size':
        return object === undefined ? undefined : BigInt(object.sizeBytes);
      case 'lastModified':
        return object === undefined ? undefined : object.modifiedAt.toISOString().replace(/\.\d+Z$/, 'Z');
      default:
        return await structureOf(dataset, field, scope);
    }
  }
}

async function structureOf(dataset: BoundDataset, field: string, scope: ActivityScope): Promise<Value> {
  await using lease = await scope.state.ports.engine.lease({ signal: scope.signal });
  await using relation = await readSource({ type: `${dataset.type}Source` }, dataset, lease, scope);
  const { columns } = await describe(lease, relation.sql, scope);
  if (field === 'columnCount') return BigInt(columns.length);
  return columns.map(({ name, sourceType }): ValueObject => ({ name, type: sourceType }));
}
