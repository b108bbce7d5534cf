import { LakesteadError } from '#core';
import { runNotebook } from '#notebooks';

import { Float, isObject, printValue, toPlain, toValue, type Value, type ValueObject } from '../expression/index.ts';
import type { Activity } from '../load/factory.ts';
import type { Performed } from './perform-activity.ts';
import { type ActivityScope, evaluateProperty } from './activity-scope.ts';

/** DatabricksNotebook and SynapseNotebook: the exit value stands where each of them has it. */
export async function performNotebook(activity: Activity, scope: ActivityScope): Promise<Performed> {
  const isSynapse = activity.type === 'SynapseNotebook';
  const path = isSynapse ? referencedNotebook(activity, scope) : evaluateProperty(activity, 'notebookPath', scope);
  if (typeof path !== 'string' || path === '')
    throw new LakesteadError('FACTORY_INVALID', `the activity '${activity.name}' names no notebook`, { place: activity.place });
  const given = evaluateProperty(activity, isSynapse ? 'parameters' : 'baseParameters', scope);
  const parameters = Object.fromEntries(
    Object.entries(isObject(given) ? given : {}).map(([name, value]) => [
      name,
      isSynapse && isObject(value) && 'value' in value ? toPlain(typed(name, value)) : toPlain(value),
    ]),
  );
  const { ports } = scope.state;
  const result = await runNotebook({
    file: ports.notebookFile(path),
    parameters,
    port: ports.notebooks.port,
    limits: { ...ports.notebooks.limits, timeoutMs: activity.policy.timeoutMs },
    workers: ports.notebooks.workers,
    signal: scope.signal,
    onLog: (text) => scope.state.emit({ kind: 'notebookLog', path: scope.path, text }),
  });
  const exit: Value = toValue(result.exitValue);
  const output: ValueObject = isSynapse
    ? { status: { Output: { result: { exitValue: exit } } } }
    : exit === null
      ? {}
      : { runOutput: exit };
  return {
    input: { notebookPath: path, parameters: toValue(parameters) },
    output: { ...output, effectiveIntegrationRuntime: 'lakestead' },
  };
}

function referencedNotebook(activity: Activity, scope: ActivityScope): Value | undefined {
  const notebook = evaluateProperty(activity, 'notebook', scope);
  return isObject(notebook) ? notebook['referenceName'] : undefined;
}

/** A parameter of Synapse as the type that stands beside it. */
function typed(name: string, { value = null, type }: ValueObject): Value {
  if (value === null || typeof type !== 'string') return value;
  const text = printValue(value);
  switch (type.toLowerCase()) {
    case 'int':
      if (/^\s*[+-]?\d+\s*$/.test(text)) return BigInt(text.trim().replace('+', ''));
      break;
    case 'float':
      if (text.trim() !== '' && Number.isFinite(Number(text))) return new Float(Number(text));
      break;
    case 'bool':
      if (/^(?:true|false)$/i.test(text)) return text.toLowerCase() === 'true';
      break;
    case 'string':
      return text;
    default:
      throw new LakesteadError('FACTORY_UNSUPPORTED', `the type ${type} of the notebook's parameter '${name}' is not supported`, {
        hint: 'supported: string, int, float, bool',
      });
  }
  throw new LakesteadError('FACTORY_INVALID', `the notebook's parameter '${name}' must be of type ${type}, not '${text}'`);
}
