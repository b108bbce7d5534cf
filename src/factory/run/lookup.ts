import { LakesteadError } from '#core';
import { formatJson } from '#engine';

import { parseJson, type ValueObject } from '../expression/index.ts';
import type { Activity } from '../load/factory.ts';
import { parseReference } from '../load/parse-activity.ts';
import type { Performed } from './perform-activity.ts';
import { objectProperty, readSource } from './read-source.ts';
import { bindDataset } from './resolve-dataset.ts';
import { type ActivityScope, evaluateProperty } from './activity-scope.ts';

const maxRows = 5000;
const maxBytes = 4 * 1024 * 1024;

/** Lookup: `firstRow`, or `count` and `value` of at most 5,000 rows; fails over 4 MB as Data Factory does. */
export async function performLookup(activity: Activity, scope: ActivityScope): Promise<Performed> {
  const { pipeline, ports } = scope.state;
  const source = objectProperty(evaluateProperty(activity, 'source', scope), 'source');
  const reader = { file: pipeline.file, placeOf: pipeline.placeOf };
  const reference = parseReference(reader, activity.typeProperties['dataset'], [...activity.path, 'typeProperties', 'dataset']);
  const dataset = bindDataset(reference, scope);
  const firstRowOnly = evaluateProperty(activity, 'firstRowOnly', scope) !== false;
  await using lease = await ports.engine.lease({ signal: scope.signal });
  await using relation = await readSource(source, dataset, lease, scope);
  const rows: ValueObject[] = [];
  let bytes = 0;
  const limit = firstRowOnly ? 1 : maxRows;
  const { columns, batches } = await lease.stream(relation.sql, { signal: scope.signal });
  for await (const batch of batches) {
    for (let index = 0; index < batch.rowCount && rows.length < limit; index += 1) {
      const json = `{${columns.map(({ name, type }, column) => `${JSON.stringify(name)}:${asFactoryJson(formatJson(batch.columns[column]?.[index] ?? null), type)}`).join(',')}}`;
      bytes += Buffer.byteLength(json);
      if (bytes > maxBytes)
        throw new LakesteadError('ACTIVITY_FAILED', `the output of the Lookup '${activity.name}' is larger than 4 MB`, {
          hint: 'select fewer columns, or use Copy',
          data: { errorCode: '2108' },
        });
      rows.push(parseJson(json, 'row').value as ValueObject); // an object, as it was just written
    }
    if (rows.length >= limit) break;
  }
  const runtime = { effectiveIntegrationRuntime: 'lakestead' };
  const output: ValueObject = firstRowOnly
    ? { ...(rows[0] === undefined ? {} : { firstRow: rows[0] }), ...runtime }
    : { count: BigInt(rows.length), value: rows, ...runtime };
  return { input: { source, firstRowOnly }, output, facts: { rows: rows.length } };
}

/** Data Factory shows timestamps of a source with `Z`. */
function asFactoryJson(json: string, type: string): string {
  return type === 'TIMESTAMP' && json.startsWith('"') ? `${json.slice(0, -1)}Z"` : json;
}
