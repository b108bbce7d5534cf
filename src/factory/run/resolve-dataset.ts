import { LakesteadError, nearMisses } from '#core';

import { evaluateTree, type ExpressionContext, isObject, property, type Value, type ValueObject } from '../expression/index.ts';
import type { Dataset, LinkedService, Reference } from '../load/factory.ts';
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
export function bindDataset(reference: Reference, scope: ActivityScope): BoundDataset {
  const dataset = findByName(scope.state.folder.datasets, reference.name, 'dataset');
  const parameters = bindParameters(dataset, `the dataset '${dataset.name}'`, reference, contextOf(scope));
  const context = { ...contextOf(scope), dataset: parameters };
  const typeProperties = evaluateTree(dataset.typeProperties, context);
  return {
    name: dataset.name,
    type: dataset.type,
    typeProperties: isObject(typeProperties) ? typeProperties : {},
    ...bindLinkedService(dataset.linkedService, scope, context),
  };
}

/** A linked service as this environment has it, with its parameters bound: by an activity, or in a dataset's context. */
export function bindLinkedService(
  reference: Reference,
  scope: ActivityScope,
  context: ExpressionContext = contextOf(scope),
): Pick<BoundDataset, 'service' | 'linkedService'> {
  const linkedService = findByName(scope.state.folder.linkedServices, reference.name, 'linked service');
  const { name } = linkedService;
  const override = scope.state.ports.findOverride(name);
  if (override?.kind === 'embedded') return { linkedService, service: { kind: 'embedded', name, database: override.database } };
  const own = () => {
    const parameters = bindParameters(linkedService, `the linked service '${name}'`, reference, context);
    const evaluated = evaluateTree(linkedService.typeProperties, { ...contextOf(scope), linkedService: parameters });
    return isObject(evaluated) ? evaluated : {};
  };
  const typeProperties = override?.typeProperties ?? own();
  return { linkedService, service: { kind: 'service', name, type: override?.type ?? linkedService.type, typeProperties } };
}

function bindParameters(
  { parameters }: Dataset | LinkedService,
  what: string,
  reference: Reference,
  context: ExpressionContext,
): ValueObject {
  const names = Object.keys(parameters);
  for (const name of Object.keys(reference.parameters)) {
    if (names.some((one) => one.toLowerCase() === name.toLowerCase())) continue;
    const near = nearMisses(name, names);
    throw new LakesteadError('FACTORY_INVALID', `${what} has no parameter '${name}'`, {
      hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : `its parameters: ${names.join(', ') || 'none'}`,
    });
  }
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { defaultValue }]) => {
      const given = property(reference.parameters, name) ?? defaultValue;
      if (given === undefined)
        throw new LakesteadError('FACTORY_INVALID', `the parameter '${name}' of ${what} has no value`, {
          hint: 'give it where it is referred to, or a default where it is declared',
        });
      return [name, evaluateTree(given, context)];
    }),
  );
}

function findByName<T extends { readonly name: string }>(all: ReadonlyMap<string, T>, name: string, what: string): T {
  const found = all.get(name.toLowerCase());
  if (found !== undefined) return found;
  const near = nearMisses(
    name,
    [...all.values()].map((one) => one.name),
  );
  throw new LakesteadError(
    'FACTORY_NOT_FOUND',
    `there is no ${what} '${name}'`,
    near.length === 0 ? {} : { hint: `did you mean ${near.join(' or ')}?` },
  );
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
export type FileLocation = { readonly container: string; readonly folder: string; readonly file: string };

/** The place of a dataset of files. */
export function fileLocation(dataset: BoundDataset): FileLocation {
  const location = dataset.typeProperties['location'];
  if (!isObject(location)) throw new LakesteadError('FACTORY_INVALID', `the dataset '${dataset.name}' has no location`);
  const part = (name: string) => text(location[name]);
  const container = part('fileSystem') || part('container');
  if (container === '') throw new LakesteadError('FACTORY_INVALID', `the location of the dataset '${dataset.name}' names no fileSystem`);
  const root = storageRoot(dataset);
  const address = (...parts: readonly string[]) => `${root}${parts.join('/').replaceAll(/\/+/g, '/').replace(/\/$/, '')}`;
  return { container: address(container), folder: address(container, part('folderPath')), file: part('fileName') };
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
