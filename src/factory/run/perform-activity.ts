import { setTimeout as sleep } from 'node:timers/promises';

import { LakesteadError, reviveError } from '#core';

import { evaluateTree, isArray, isObject, printValue, toValue, typeName, type Value, type ValueObject } from '../expression/index.ts';
import type { Activity } from '../load/factory.ts';
import { innerActivities } from '../load/inner-activities.ts';
import { type ActivityScope, contextOf, evaluateProperty } from './activity-scope.ts';
import { performCopy } from './copy.ts';
import { performGetMetadata } from './get-metadata.ts';
import { withInnerRuns } from './inner-runs.ts';
import { performLookup } from './lookup.ts';
import { performNotebook } from './notebook-activity.ts';
import { performStoredProcedure } from './stored-procedure.ts';
import { runActivities } from './run-activities.ts';
import { withoutSecrets } from './run-parameters.ts';
import { runPipeline } from './run-pipeline.ts';
import type { ActivityRun } from './run-types.ts';

/** What an activity came to. `facts` are for progress: rows and bytes. */
export type Performed = {
  readonly input: Value;
  readonly output: Value;
  readonly activities?: readonly ActivityRun[];
  readonly facts?: { readonly rows?: number; readonly bytes?: number };
};

/** Performs one activity; throws what went wrong. */
export async function performActivity(activity: Activity, scope: ActivityScope): Promise<Performed> {
  switch (activity.type) {
    case 'Lookup':
      return await performLookup(activity, scope);
    case 'Copy':
      return await performCopy(activity, scope);
    case 'GetMetadata':
      return await performGetMetadata(activity, scope);
    case 'SqlServerStoredProcedure':
      return await performStoredProcedure(activity, scope);
    case 'DatabricksNotebook':
    case 'SynapseNotebook':
      return await performNotebook(activity, scope);
    case 'ForEach':
      return await performForEach(activity, scope);
    case 'IfCondition':
      return await performIf(activity, scope);
    case 'Switch':
      return await performSwitch(activity, scope);
    case 'Until':
      return await performUntil(activity, scope);
    case 'Filter':
      return performFilter(activity, scope);
    case 'SetVariable':
      return setVariable(activity, scope);
    case 'AppendVariable':
      return appendVariable(activity, scope);
    case 'ExecutePipeline':
      return await executePipeline(activity, scope);
    case 'Wait':
      return await performWait(activity, scope);
    case 'Fail':
      return performFail(activity, scope);
    default:
      throw new LakesteadError('FACTORY_UNSUPPORTED', `activities of type ${activity.type} are not supported`, { place: activity.place });
  }
}

function required(activity: Activity, name: string, scope: ActivityScope): Value {
  const value = evaluateProperty(activity, name, scope);
  if (value === undefined)
    throw new LakesteadError('FACTORY_INVALID', `the activity '${activity.name}' has no ${name}`, { place: activity.place });
  return value;
}

function requiredList(activity: Activity, name: string, scope: ActivityScope): readonly Value[] {
  const value = required(activity, name, scope);
  if (isArray(value)) return value;
  throw new LakesteadError(
    'EXPRESSION_FAILED',
    `${name} of '${activity.name}' must be an array, not ${value === null ? 'null' : typeof value}`,
    { place: activity.place },
  );
}

function inner(activity: Activity, scope: ActivityScope, index: number): readonly Activity[] {
  return innerActivities(activity, scope.state.pipeline)[index] ?? [];
}

/** Runs what stands inside an activity; its error carries the runs, so that they are shown. */
async function runInner(activities: readonly Activity[], scope: ActivityScope): Promise<readonly ActivityRun[]> {
  const { runs, error } = await runActivities(activities, scope);
  if (error === undefined) return runs;
  throw withInnerRuns(error, runs);
}

async function performForEach(activity: Activity, scope: ActivityScope): Promise<Performed> {
  const items = requiredList(activity, 'items', scope);
  if (items.length > 100_000)
    throw new LakesteadError('FACTORY_INVALID', `${items.length} items: ForEach takes 100,000`, { place: activity.place });
  const isSequential = evaluateProperty(activity, 'isSequential', scope) === true;
  const batch = evaluateProperty(activity, 'batchCount', scope);
  const batchCount = isSequential ? 1 : typeof batch === 'bigint' ? Number(batch) : 20;
  if (batchCount < 1 || batchCount > 50)
    throw new LakesteadError('FACTORY_INVALID', 'batchCount goes from 1 to 50', { place: activity.place });
  const activities = inner(activity, scope, 0);
  const runs: ActivityRun[] = [];
  const failures: LakesteadError[] = [];
  let next = 0;
  const work = async () => {
    while (next < items.length && !scope.signal.aborted) {
      const index = next;
      next += 1;
      const iteration = scope.iteration === undefined ? String(index) : `${scope.iteration}/${index}`;
      const result = await runActivities(activities, {
        ...scope,
        item: items[index] ?? null,
        iteration,
        path: [...scope.path, String(index)],
      });
      runs.push(...result.runs);
      // A failed iteration does not stop the others.
      if (result.error !== undefined) failures.push(result.error);
    }
  };
  await Promise.all(Array.from({ length: Math.min(batchCount, items.length) }, work));
  scope.signal.throwIfAborted();
  const [first] = failures;
  if (first !== undefined) {
    const others = failures.length > 1 ? ` (and ${failures.length - 1} more of ${items.length} iterations failed)` : '';
    throw withInnerRuns(first, runs, `${first.message}${others}`);
  }
  return {
    input: { items },
    output: { itemsCount: BigInt(items.length), successCount: BigInt(items.length), failureCount: 0n },
    activities: runs,
  };
}

function truth(value: Value, activity: Activity): boolean {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string' && /^(?:true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  throw new LakesteadError('EXPRESSION_FAILED', `the condition of '${activity.name}' must be a boolean`, { place: activity.place });
}

async function performIf(activity: Activity, scope: ActivityScope): Promise<Performed> {
  const condition = truth(required(activity, 'expression', scope), activity);
  const runs = await runInner(inner(activity, scope, condition ? 0 : 1), scope);
  return { input: { expression: condition }, output: {}, activities: runs };
}

async function performSwitch(activity: Activity, scope: ActivityScope): Promise<Performed> {
  const on = printValue(required(activity, 'on', scope));
  const cases = activity.typeProperties['cases'];
  const index = isArray(cases) ? cases.findIndex((one) => isObject(one) && one['value'] === on) : -1;
  const lists = innerActivities(activity, scope.state.pipeline);
  const runs = await runInner(lists[index < 0 ? lists.length - 1 : index] ?? [], scope);
  return { input: { on }, output: {}, activities: runs };
}

async function performUntil(activity: Activity, scope: ActivityScope): Promise<Performed> {
  const runs: ActivityRun[] = [];
  let views = scope.activities;
  for (let round = 0; ; round += 1) {
    scope.signal.throwIfAborted();
    const iteration = scope.iteration === undefined ? String(round) : `${scope.iteration}/${round}`;
    const result = await runActivities(inner(activity, scope, 0), { ...scope, activities: views, iteration });
    runs.push(...result.runs);
    if (result.error !== undefined) throw withInnerRuns(result.error, runs);
    ({ views } = result);
    if (truth(required(activity, 'expression', { ...scope, activities: views }), activity))
      return { input: {}, output: {}, activities: runs };
  }
}

function performFilter(activity: Activity, scope: ActivityScope): Performed {
  const items = requiredList(activity, 'items', scope);
  const { condition } = activity.typeProperties;
  if (condition === undefined)
    throw new LakesteadError('FACTORY_INVALID', `the activity '${activity.name}' has no condition`, { place: activity.place });
  const kept = items.filter((item) => truth(evaluateTree(condition, contextOf({ ...scope, item })), activity));
  return { input: { items }, output: { ItemsCount: BigInt(items.length), FilteredItemsCount: BigInt(kept.length), Value: kept } };
}

function variableName(activity: Activity, scope: ActivityScope): string {
  const wanted = String(required(activity, 'variableName', scope));
  const name = Object.keys(scope.state.variables).find((one) => one.toLowerCase() === wanted.toLowerCase());
  if (name === undefined)
    throw new LakesteadError('FACTORY_INVALID', `the pipeline has no variable '${wanted}'`, {
      place: activity.place,
      hint: `its variables: ${Object.keys(scope.state.variables).join(', ') || 'none'}`,
    });
  return name;
}

function setVariable(activity: Activity, scope: ActivityScope): Performed {
  const value = activity.typeProperties['value'];
  if (activity.typeProperties['setSystemVariable'] === true || activity.typeProperties['variableName'] === 'pipelineReturnValue') {
    const pairs = isArray(value) ? value : [];
    const returned = Object.fromEntries(
      pairs.flatMap((pair) => (isObject(pair) ? [[String(pair['key']), returnValue(pair['value'] ?? null, scope)]] : [])),
    );
    scope.state.returnValue.value = { ...scope.state.returnValue.value, ...returned };
    return { input: { value: returned }, output: { name: 'pipelineReturnValue', value: returned } };
  }
  const name = variableName(activity, scope);
  const evaluated = required(activity, 'value', scope);
  checkVariableType(activity, name, evaluated, scope);
  setValue(activity, name, evaluated, scope);
  return { input: { name, value: evaluated }, output: { name, value: evaluated } };
}

/** What a secured activity has set stays hidden in the document of the run. */
function setValue({ policy }: Activity, name: string, value: Value, { state }: ActivityScope): void {
  state.variables[name] = value;
  if (policy.secureInput || policy.secureOutput) state.securedVariables.add(name);
}

/** A variable keeps the type that the pipeline declares; Data Factory converts nothing here. */
function checkVariableType(activity: Activity, name: string, value: Value, scope: ActivityScope): void {
  const declared = scope.state.pipeline.variables[name]?.type ?? 'String';
  const holds: Readonly<Record<string, boolean>> = {
    string: typeof value === 'string',
    boolean: typeof value === 'boolean',
    bool: typeof value === 'boolean',
    integer: typeof value === 'bigint',
    array: isArray(value),
  };
  if (value === null || holds[declared.toLowerCase()] !== false) return;
  throw new LakesteadError(
    'FACTORY_INVALID',
    `the variable '${name}' of type ${declared} cannot be updated with a value of type ${typeName(value)}`,
    {
      place: activity.place,
      hint: declared.toLowerCase() === 'string' ? 'write @string(...) around it' : `give it a value of type ${declared}`,
    },
  );
}

/** A return value is `{type, content}`; an array of such, or a plain value. */
function returnValue(value: Value, scope: ActivityScope): Value {
  if (isObject(value) && 'content' in value && 'type' in value) return returnValue(value['content'] ?? null, scope);
  if (isArray(value)) return value.map((item) => returnValue(item, scope));
  return evaluateTree(value, contextOf(scope));
}

function appendVariable(activity: Activity, scope: ActivityScope): Performed {
  const name = variableName(activity, scope);
  const before = scope.state.variables[name] ?? null;
  if (!isArray(before)) throw new LakesteadError('FACTORY_INVALID', `the variable '${name}' is no array`, { place: activity.place });
  const value = required(activity, 'value', scope);
  setValue(activity, name, [...before, value], scope);
  return { input: { name, value }, output: { name, value } };
}

async function executePipeline(activity: Activity, scope: ActivityScope): Promise<Performed> {
  const { state } = scope;
  const reference = activity.typeProperties['pipeline'];
  const name = isObject(reference) ? String(reference['referenceName']) : '';
  const pipeline = state.folder.pipelines.get(name.toLowerCase());
  if (pipeline === undefined) throw new LakesteadError('FACTORY_NOT_FOUND', `there is no pipeline '${name}'`, { place: activity.place });
  const parameters = evaluateProperty(activity, 'parameters', scope) ?? {};
  const given: ValueObject = isObject(parameters) ? parameters : {};
  const input = { pipelineName: pipeline.name, parameters: withoutSecrets(pipeline, given) };
  const child = runPipeline({
    folder: state.folder,
    pipeline,
    parameters: given,
    ports: state.ports,
    signal: scope.signal,
    clock: state.clock,
    onEvent: state.emit,
    parent: { runId: state.runId, path: scope.path },
  });
  if (evaluateProperty(activity, 'waitOnCompletion', scope) !== true) {
    // Started and not waited for: its end is in its own record.
    void child;
    return { input, output: { pipelineName: pipeline.name } };
  }
  const run = await child;
  if (run.status !== 'Succeeded') {
    scope.signal.throwIfAborted();
    const error =
      run.error === undefined
        ? new LakesteadError('ACTIVITY_FAILED', `the pipeline '${pipeline.name}' ended as ${run.status}`)
        : reviveError(run.error);
    throw withInnerRuns(error, run.activities);
  }
  const returned = run.returnValue === undefined ? {} : { pipelineReturnValue: toValue(run.returnValue) };
  return {
    input,
    output: { pipelineRunId: run.runId, pipelineName: pipeline.name, ...returned },
    activities: run.activities,
  };
}

async function performWait(activity: Activity, scope: ActivityScope): Promise<Performed> {
  const seconds = Number(required(activity, 'waitTimeInSeconds', scope));
  if (!Number.isFinite(seconds) || seconds < 0)
    throw new LakesteadError('FACTORY_INVALID', 'waitTimeInSeconds must be a number of seconds', { place: activity.place });
  await sleep(seconds * 1000, undefined, { signal: scope.signal });
  return { input: { waitTimeInSeconds: BigInt(Math.floor(seconds)) }, output: {} };
}

function performFail(activity: Activity, scope: ActivityScope): never {
  const message = printValue(required(activity, 'message', scope));
  const errorCode = printValue(evaluateProperty(activity, 'errorCode', scope) ?? '');
  throw new LakesteadError('ACTIVITY_FAILED', message, { data: { errorCode } });
}
