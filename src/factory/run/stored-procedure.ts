import { LakesteadError } from '#core';

import { isObject, property, toPlain, type ValueObject } from '../expression/index.ts';
import type { Activity } from '../load/factory.ts';
import type { Performed } from './perform-activity.ts';
import { bindLinkedService } from './resolve-dataset.ts';
import { type ActivityScope, evaluateProperty } from './activity-scope.ts';

/** SqlServerStoredProcedure: runs a procedure for its effect, with typed parameters. */
export async function performStoredProcedure(activity: Activity, scope: ActivityScope): Promise<Performed> {
  const name = evaluateProperty(activity, 'storedProcedureName', scope);
  if (typeof name !== 'string' || name === '')
    throw new LakesteadError('FACTORY_INVALID', `the activity '${activity.name}' names no stored procedure`, { place: activity.place });
  if (activity.linkedService === undefined)
    throw new LakesteadError('FACTORY_INVALID', `the activity '${activity.name}' names no linked service`, { place: activity.place });
  const given = evaluateProperty(activity, 'storedProcedureParameters', scope);
  const parameters: ValueObject = isObject(given) ? given : {};
  const service = bindLinkedService(activity.linkedService, scope).service;
  await using connector = await scope.state.ports.openConnector(service, scope.signal);
  await connector.call(
    name,
    Object.entries(parameters).map(([parameter, definition]) => {
      const value = isObject(definition) && 'value' in definition ? (property(definition, 'value') ?? null) : definition;
      const type = isObject(definition) ? property(definition, 'type') : undefined;
      return { name: parameter, value: toPlain(value), ...(typeof type === 'string' ? { type } : {}) };
    }),
    { signal: scope.signal },
  );
  return {
    input: { storedProcedureName: name, storedProcedureParameters: parameters },
    output: { effectiveIntegrationRuntime: 'lakestead' },
  };
}
