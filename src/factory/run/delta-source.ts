import { ownerPrincipal } from '#access';
import { LakesteadError } from '#core';
import type { Lease } from '#engine';

import { isObject, type Value, type ValueObject } from '../expression/index.ts';
import { describe, type SourceRelation } from './read-source.ts';
import { refuseOthers } from './refuse-options.ts';
import type { BoundDataset } from './resolve-dataset.ts';
import type { ActivityScope } from './activity-scope.ts';

type Snapshot = { readonly table?: string; readonly version?: number; readonly timestamp?: Date };

/** Reads a Delta table by the sources of Databricks and Fabric: its newest version, or the one that the source asks for. */
export async function readDelta(source: ValueObject, dataset: BoundDataset, lease: Lease, scope: ActivityScope): Promise<SourceRelation> {
  refuseOthers(source, String(source['type']), 'a Delta source');
  const { exportSettings } = source;
  if (isObject(exportSettings)) refuseOthers(exportSettings, { acts: [], known: ['dateFormat', 'timestampFormat'] }, 'exportSettings');
  const { table, version, timestamp } = { ...asOf(source), ...parseQuery(source['query']) };
  const gateway = await scope.state.ports.gateway();
  const address = table?.replaceAll('`', '').split('.').join('/') ?? deltaAddress(dataset);
  const relation = await gateway.resolveLake({
    principal: ownerPrincipal,
    address,
    format: 'delta',
    lease,
    signal: scope.signal,
    ...(version === undefined ? {} : { version }),
    ...(timestamp === undefined ? {} : { timestamp }),
  });
  if (relation.kind !== 'delta') throw new LakesteadError('STORAGE_NOT_FOUND', `there is no Delta table at ${address}`);
  const { columns } = await describe(lease, relation.sql, scope);
  return { columns, sql: relation.sql, bytesRead: () => undefined, [Symbol.asyncDispose]: async () => await Promise.resolve() };
}

/** Where the table of a dataset of Databricks or Fabric is in the lake. */
export function deltaAddress(dataset: BoundDataset): string {
  const { database, schema, table } = dataset.typeProperties;
  if (typeof table !== 'string' || table === '')
    throw new LakesteadError('FACTORY_INVALID', `the dataset '${dataset.name}' names no table`);
  const container = typeof database === 'string' && database !== '' ? database : 'Tables';
  return [container, ...(typeof schema === 'string' && schema !== '' ? [schema] : []), table].join('/');
}

/** Fabric's `versionAsOf` and `timestampAsOf`. */
function asOf({ versionAsOf, timestampAsOf }: ValueObject): Snapshot {
  return {
    ...(versionAsOf === undefined || versionAsOf === null ? {} : { version: Number(versionAsOf) }),
    ...(typeof timestampAsOf === 'string' && timestampAsOf !== '' ? { timestamp: timestampOf(timestampAsOf) } : {}),
  };
}

const wholeTable =
  /^\s*SELECT\s+\*\s+FROM\s+(?<table>(?:`[^`]+`|\w+)(?:\.(?:`[^`]+`|\w+))*)(?:\s+VERSION\s+AS\s+OF\s+(?<version>\d+)|\s+TIMESTAMP\s+AS\s+OF\s+'(?<timestamp>[^']+)')?\s*;?\s*$/i;

/** Databricks' query in the form that its documentation gives for time travel. Other SQL of Spark is not guessed at. */
function parseQuery(query: Value | undefined): Snapshot {
  if (typeof query !== 'string' || query.trim() === '') return {};
  const { table, version, timestamp } = wholeTable.exec(query)?.groups ?? {};
  if (table === undefined)
    throw new LakesteadError('FACTORY_UNSUPPORTED', 'the property query of a Delta source is not supported in this form', {
      hint: "supported: SELECT * FROM table, with VERSION AS OF 1 or TIMESTAMP AS OF '2026-01-31'; leave out columns with a mapping",
    });
  return {
    table,
    ...(version === undefined ? {} : { version: Number(version) }),
    ...(timestamp === undefined ? {} : { timestamp: timestampOf(timestamp) }),
  };
}

/** Without an offset it is UTC. */
function timestampOf(text: string): Date {
  const hasOffset = /(?:Z|[+-]\d\d:?\d\d)$/i.test(text);
  const date = new Date(hasOffset || !text.includes(':') ? text : `${text.replace(' ', 'T')}Z`);
  if (!Number.isNaN(date.getTime())) return date;
  throw new LakesteadError('FACTORY_INVALID', `"${text}" is no timestamp of a version`);
}
