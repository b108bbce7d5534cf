import { LakesteadError, nearMisses } from '#core';

import { evaluateTree, isObject, property, type Value, type ValueObject } from '../expression/index.ts';
import type { Dataset, DatasetReference, LinkedService } from '../load/factory.ts';
import type { EffectiveService } from './ports.ts';
import { type ActivityScope, contextOf } from './activity-scope.ts';

/** A dataset with its parameters bound and its expressions evaluated. */
export type BoundDataset = {
  readonly name: string;
  readonly type: string;
  readonly typeProperties: ValueObject;
  readonly service: EffectiveService;
  readonly linkedService: LinkedService;
};

/** The dataset that an activity refers to, for this iteration. Missing and unknown parameters are named. */
export function bindDataset(reference: DatasetReference, scope: ActivityScope): BoundDataset {
  const { folder } = scope.state;
  const dataset = folder.datasets.get(reference.name.toLowerCase());
  if (dataset === undefined) {
    const near = nearMisses(
      reference.name,
      [...folder.datasets.values()].map(({ name }) => name),
    );
    throw new LakesteadError(
      'FACTORY_NOT_FOUND',
      `there is no dataset '${reference.name}'`,
      near.length === 0 ? {} : { hint: `did you mean ${near.join(' or ')}?` },
    );
  }
  const parameters = bindParameters(dataset, reference, scope);
  const linkedService = findLinkedService(dataset.linkedService, scope);
  const context = { ...contextOf(scope), dataset: parameters };
  const typeProperties = evaluateTree(dataset.typeProperties, context);
  return {
    name: dataset.name,
    type: dataset.type,
    typeProperties: isObject(typeProperties) ? typeProperties : {},
    service: effectiveService(linkedService, scope),
    linkedService,
  };
}

function bindParameters(dataset: Dataset, reference: DatasetReference, scope: ActivityScope): ValueObject {
  const names = Object.keys(dataset.parameters);
  for (const name of Object.keys(reference.parameters)) {
    if (names.some((one) => one.toLowerCase() === name.toLowerCase())) continue;
    const near = nearMisses(name, names);
    throw new LakesteadError('FACTORY_INVALID', `the dataset '${dataset.name}' has no parameter '${name}'`, {
      hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : `its parameters: ${names.join(', ') || 'none'}`,
    });
  }
  return Object.fromEntries(
    Object.entries(dataset.parameters).map(([name, { defaultValue }]) => {
      const given = property(reference.parameters, name) ?? defaultValue;
      if (given === undefined)
        throw new LakesteadError('FACTORY_INVALID', `the parameter '${name}' of the dataset '${dataset.name}' has no value`, {
          hint: "give it in the activity's dataset reference, or a default in the dataset",
        });
      return [name, evaluateTree(given, contextOf(scope))];
    }),
  );
}

export function findLinkedService(name: string, scope: ActivityScope): LinkedService {
  const { folder } = scope.state;
  const found = folder.linkedServices.get(name.toLowerCase());
  if (found !== undefined) return found;
  const near = nearMisses(
    name,
    [...folder.linkedServices.values()].map((one) => one.name),
  );
  throw new LakesteadError(
    'FACTORY_NOT_FOUND',
    `there is no linked service '${name}'`,
    near.length === 0 ? {} : { hint: `did you mean ${near.join(' or ')}?` },
  );
}

/** A linked service as this environment has it. */
export function effectiveService(service: LinkedService, scope: ActivityScope): EffectiveService {
  const override = scope.state.ports.findOverride(service.name);
  if (override?.kind === 'embedded') return { kind: 'embedded', name: service.name, database: override.database };
  const own = evaluateTree(service.typeProperties, contextOf(scope));
  const typeProperties = override?.typeProperties ?? (isObject(own) ? own : {});
  return { kind: 'service', name: service.name, type: override?.type ?? service.type, typeProperties };
}

/** The table that a dataset of a database names, by `schema` and `table` or by the older `tableName`. */
export function tableOf(dataset: BoundDataset): { readonly schema?: string; readonly table: string } | undefined {
  const { schema, table, tableName } = dataset.typeProperties;
  if (typeof table === 'string' && table !== '') return { table, ...(typeof schema === 'string' && schema !== '' ? { schema } : {}) };
  if (typeof tableName !== 'string' || tableName === '') return undefined;
  const [first = '', second] = tableName.replaceAll(/[[\]]/g, '').split('.');
  return second === undefined ? { table: first } : { schema: first, table: second };
}

/** Where a file dataset points: an address that the lake resolves. `file` is '' for a folder. */
export type FileLocation = { readonly folder: string; readonly file: string };

/** The place of a dataset of files. */
export function fileLocation(dataset: BoundDataset): FileLocation {
  const location = dataset.typeProperties['location'];
  if (!isObject(location)) throw new LakesteadError('FACTORY_INVALID', `the dataset '${dataset.name}' has no location`);
  const part = (name: string) => text(location[name]);
  const container = part('fileSystem') || part('container');
  if (container === '') throw new LakesteadError('FACTORY_INVALID', `the location of the dataset '${dataset.name}' names no fileSystem`);
  const path = [container, part('folderPath')].filter((one) => one !== '').join('/');
  return { folder: `${storageRoot(dataset)}${path.replaceAll(/\/+/g, '/').replace(/\/$/, '')}`, file: part('fileName') };
}

/** The address of the storage account with a slash, or '' for the lake itself. */
function storageRoot(dataset: BoundDataset): string {
  if (dataset.service.kind === 'embedded')
    throw new LakesteadError(
      'FACTORY_INVALID',
      `the dataset '${dataset.name}' is of files, and its linked service stands for a database here`,
    );
  const properties = dataset.service.typeProperties;
  const url = properties['url'] ?? properties['serviceEndpoint'];
  if (typeof url === 'string' && url !== '') return url.endsWith('/') ? url : `${url}/`;
  const connection = properties['connectionString'];
  const account = typeof connection === 'string' ? /AccountName=([^;]+)/i.exec(connection)?.[1] : undefined;
  if (account !== undefined) return `https://${account}.blob.core.windows.net/`;
  return '';
}

const text = (value: Value | undefined): string => (typeof value === 'string' ? value : '');
