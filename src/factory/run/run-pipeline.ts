import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Clock, describeError, type ErrorDocument, LakesteadError, nearMisses, systemClock } from '#core';

import {
  type ActivityView,
  evaluateText,
  evaluateTree,
  isObject,
  type ExpressionContext,
  toPlain,
  toValue,
  type Value,
  type ValueObject,
} from '../expression/index.ts';
import type { Activity, FactoryFolder, ParameterDefinition, Pipeline } from '../load/factory.ts';
import { activityTypes } from '../validate/activity-types.ts';
import { findCycle } from '../load/inner-activities.ts';
import { activityError, decide, failedLeaves, type Outcome } from './outcome.ts';
import { performActivity } from './perform-activity.ts';
import type { RunEvent, RunPorts } from './ports.ts';

/** One attempt of one activity, as the run's document shows it. Times are ISO 8601. */
export type ActivityRun = {
  readonly name: string;
  readonly type: string;
  readonly status: Outcome | 'Inactive';
  readonly startedAt: string;
  readonly durationMs: number;
  readonly attempt?: number;
  readonly iteration?: string;
  readonly input?: unknown;
  readonly output?: unknown;
  readonly error?: ActivityFailure;
  /** What ran inside it: iterations of a loop, a branch, a pipeline. */
  readonly activities?: readonly ActivityRun[];
};

/** An activity's error in Data Factory's words, with our code and hint. */
export type ActivityFailure = {
  readonly errorCode: string;
  readonly message: string;
  readonly failureType: 'UserError';
  readonly target: string;
} & Partial<ErrorDocument>;

export type PipelineRun = {
  readonly runId: string;
  readonly pipeline: string;
  readonly status: 'Succeeded' | 'Failed' | 'Cancelled';
  readonly startedAt: string;
  readonly durationMs: number;
  readonly returnValue?: unknown;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly error?: ErrorDocument;
  readonly activities: readonly ActivityRun[];
};

export type RunOptions = {
  readonly folder: FactoryFolder;
  readonly pipeline: Pipeline;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly ports: RunPorts;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  readonly onEvent?: (event: RunEvent) => void;
  /** The run that started this one. */
  readonly parent?: { readonly runId: string; readonly path: readonly string[] };
};

const innerRuns = new WeakMap<object, readonly ActivityRun[]>();

/** An error of a loop, a branch or a pipeline, with what ran inside until it failed. */
export function withInnerRuns(error: LakesteadError, runs: readonly ActivityRun[], message = error.message): LakesteadError {
  const { code, hint, place, data, retryable } = error;
  const copy = new LakesteadError(code, message, {
    cause: error,
    data,
    retryable,
    ...(hint === undefined ? {} : { hint }),
    ...(place === undefined ? {} : { place }),
  });
  innerRuns.set(copy, runs);
  return copy;
}

function innerRunsOf(error: unknown): readonly ActivityRun[] | undefined {
  return typeof error === 'object' && error !== null ? innerRuns.get(error) : undefined;
}

/** What activities of one run share. */
type RunState = {
  readonly runId: string;
  readonly folder: FactoryFolder;
  readonly pipeline: Pipeline;
  readonly parameters: ValueObject;
  readonly variables: Record<string, Value>;
  readonly returnValue: { value: ValueObject | undefined };
  readonly ports: RunPorts;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly emit: (event: RunEvent) => void;
  readonly startedAt: Date;
};

/** Where an activity stands: the loop's item, what ran before it, the way to it. */
export type ActivityScope = {
  readonly state: RunState;
  readonly signal: AbortSignal;
  readonly path: readonly string[];
  readonly iteration: string | undefined;
  readonly item: Value | undefined;
  readonly activities: Readonly<Record<string, ActivityView>>;
};

/** The item of a loop in a few words: a text itself, the texts of an object in order. */
function describeItem(item: Value | undefined): string | undefined {
  const texts =
    typeof item === 'string'
      ? [item]
      : isObject(item ?? null)
        ? Object.values(item as ValueObject).filter((one) => typeof one === 'string')
        : []; // just checked
  const text = texts.join('.');
  return text === '' ? undefined : text.slice(0, 60);
}

/** What stands for a secret in records and documents. */
const hidden = '***';

/** Parameters as the record of a run keeps them: what is declared as SecureString is hidden. */
function withoutSecrets({ parameters }: Pipeline, given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const isSecret = (name: string) =>
    Object.entries(parameters).some(([one, { type }]) => one.toLowerCase() === name.toLowerCase() && /^secure/i.test(type));
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, isSecret(name) ? hidden : value]));
}

/** Runs a pipeline to its end. A pipeline that fails is a result; only what prevents the run at all is thrown. */
export async function runPipeline(options: RunOptions): Promise<PipelineRun> {
  const { pipeline, folder, ports, signal, clock = systemClock, onEvent = () => {}, parent } = options;
  const runId = randomUUID();
  const startedAt = clock.now();
  const started = clock.elapsedMs();
  ports.recorder.runStarted({
    runId,
    pipeline: pipeline.name,
    parameters: withoutSecrets(pipeline, options.parameters),
    ...(parent === undefined ? {} : { parent: parent.runId }),
  });
  onEvent({ kind: 'runStarted', runId, pipeline: pipeline.name });
  let activities: readonly ActivityRun[] = [];
  let error: ErrorDocument | undefined;
  let variables: Record<string, Value> = {};
  let returnValue: ValueObject | undefined;
  try {
    const state: RunState = {
      runId,
      folder,
      pipeline,
      parameters: bindParameters(pipeline, options.parameters),
      variables: Object.fromEntries(Object.entries(pipeline.variables).map(([name, definition]) => [name, initialValue(definition)])),
      returnValue: { value: undefined },
      ports,
      clock,
      signal,
      emit: onEvent,
      startedAt,
    };
    variables = state.variables;
    const scope: ActivityScope = {
      state,
      signal,
      path: [...(parent?.path ?? []), pipeline.name],
      iteration: undefined,
      item: undefined,
      activities: {},
    };
    const result = await runActivities(pipeline.activities, scope);
    activities = result.runs;
    error = result.error === undefined ? undefined : describeError(result.error);
    returnValue = state.returnValue.value;
  } catch (thrown) {
    error = describeError(thrown);
  }
  const isCancelled = signal.aborted && error !== undefined;
  if (isCancelled && error !== undefined) error = withState(error, activities);
  const status = error === undefined ? 'Succeeded' : isCancelled ? 'Cancelled' : 'Failed';
  const shown = returnValue === undefined ? {} : { returnValue: toPlain(returnValue) };
  ports.recorder.runFinished(runId, { status, ...(error === undefined ? {} : { error }), ...shown });
  return {
    runId,
    pipeline: pipeline.name,
    status,
    startedAt: startedAt.toISOString(),
    durationMs: Math.round(clock.elapsedMs() - started),
    ...shown,
    variables: Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, toPlain(value)])),
    ...(error === undefined ? {} : { error }),
    activities,
  };
}

function initialValue({ type, defaultValue }: ParameterDefinition): Value {
  if (defaultValue !== undefined) return defaultValue;
  return type.toLowerCase() === 'array' ? [] : null;
}

/** The parameters of a run: given or default, with the type that the pipeline says. */
function bindParameters(pipeline: Pipeline, given: Readonly<Record<string, unknown>>): ValueObject {
  const names = Object.keys(pipeline.parameters);
  for (const name of Object.keys(given)) {
    if (names.some((one) => one.toLowerCase() === name.toLowerCase())) continue;
    const near = nearMisses(name, names);
    throw new LakesteadError('FACTORY_INVALID', `the pipeline '${pipeline.name}' has no parameter '${name}'`, {
      hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : `its parameters: ${names.join(', ') || 'none'}`,
    });
  }
  return Object.fromEntries(
    Object.entries(pipeline.parameters).map(([name, definition]) => {
      const key = Object.keys(given).find((one) => one.toLowerCase() === name.toLowerCase());
      const value = key === undefined ? definition.defaultValue : toValue(given[key]);
      if (value === undefined)
        throw new LakesteadError('FACTORY_INVALID', `the parameter '${name}' of the pipeline '${pipeline.name}' has no value`, {
          hint: `give it: --param ${name}=...`,
        });
      return [name, coerce(name, value, definition.type)];
    }),
  );
}

/** A parameter's text from the command line as the type that the pipeline says. */
function coerce(name: string, value: Value, type: string): Value {
  if (typeof value !== 'string') return value;
  const convert: Readonly<Record<string, string>> = {
    int: 'int',
    float: 'float',
    bool: 'bool',
    boolean: 'bool',
    array: 'json',
    object: 'json',
  };
  const fn = convert[type.toLowerCase()];
  if (fn === undefined) return value;
  try {
    return evaluateText(`@${fn}(pipeline().parameters.value)`, { parameters: { value }, now: new Date(0) });
  } catch (error) {
    throw new LakesteadError('FACTORY_INVALID', `the parameter '${name}' must be of type ${type}, not '${value}'`, { cause: error });
  }
}

/** Runs a list of activities as its dependencies say; gives the runs in the order of their end, and the error of the list. */
export async function runActivities(
  activities: readonly Activity[],
  scope: ActivityScope,
): Promise<{ runs: readonly ActivityRun[]; error: LakesteadError | undefined }> {
  const cycle = findCycle(activities);
  if (cycle !== undefined) throw new LakesteadError('FACTORY_INVALID', `the activities ${cycle.join(' -> ')} wait for each other`);
  const outcomes = new Map<string, Outcome>();
  const views: Record<string, ActivityView> = { ...scope.activities };
  const errors = new Map<string, unknown>();
  const runs: ActivityRun[] = [];
  const running = new Map<string, Promise<void>>();
  const waiting = new Set(activities);
  const finish = (activity: Activity, outcome: Outcome, view: ActivityView) => {
    outcomes.set(activity.name.toLowerCase(), outcome);
    views[activity.name] = view;
  };
  for (;;) {
    let moved = true;
    while (moved) {
      moved = false;
      for (const activity of waiting) {
        const decision = decide(activity, outcomes);
        if (decision === 'wait') continue;
        waiting.delete(activity);
        moved = true;
        if (scope.signal.aborted || decision === 'skip') {
          runs.push(skipped(activity, scope));
          finish(activity, 'Skipped', { status: 'Skipped' });
        } else if (activity.inactiveAs !== undefined) {
          runs.push({ ...skipped(activity, scope), status: 'Inactive' });
          finish(activity, activity.inactiveAs, { status: 'Inactive' });
        } else {
          const work = runActivity(activity, { ...scope, activities: views }).then((result) => {
            runs.push(...result.runs);
            if (result.error !== undefined) errors.set(activity.name, result.error);
            finish(activity, result.outcome, result.view);
            running.delete(activity.name);
          });
          running.set(activity.name, work);
        }
      }
    }
    if (running.size === 0) break;
    await Promise.race(running.values());
  }
  for (const activity of waiting) {
    const missing = activity.dependsOn.find(
      ({ activity: name }) => !activities.some((one) => one.name.toLowerCase() === name.toLowerCase()),
    );
    throw new LakesteadError('FACTORY_INVALID', `the activity '${activity.name}' depends on '${missing?.activity}', which is not there`, {
      place: activity.place,
    });
  }
  if (scope.signal.aborted) {
    const reason: unknown = scope.signal.reason;
    const [first] = [...errors.values()];
    return {
      runs,
      error:
        reason instanceof LakesteadError
          ? reason
          : first instanceof LakesteadError
            ? first
            : new LakesteadError('CANCELLED', 'the run was cancelled'),
    };
  }
  const [failed] = failedLeaves(activities, outcomes);
  return {
    runs,
    error:
      failed === undefined
        ? undefined
        : activityError(failed, errors.get(failed) ?? new LakesteadError('ACTIVITY_FAILED', `the activity '${failed}' failed`)),
  };
}

function skipped(activity: Activity, { state, iteration }: ActivityScope): ActivityRun {
  return {
    name: activity.name,
    type: activity.type,
    status: 'Skipped',
    startedAt: state.clock.now().toISOString(),
    durationMs: 0,
    ...(iteration === undefined ? {} : { iteration }),
  };
}

type ActivityResult = {
  readonly runs: readonly ActivityRun[];
  readonly outcome: Outcome;
  readonly view: ActivityView;
  readonly error?: unknown;
};

/** Tries an activity as often as its policy says; each try is a run of its own. */
async function runActivity(activity: Activity, scope: ActivityScope): Promise<ActivityResult> {
  const runs: ActivityRun[] = [];
  for (let attempt = 1; ; attempt += 1) {
    const result = await tryActivity(activity, scope, attempt);
    runs.push(...result.runs);
    const isLast = result.outcome !== 'Failed' || attempt > activity.policy.retry || scope.signal.aborted || isPermanent(result.error);
    if (isLast) return { ...result, runs };
    scope.state.emit({ kind: 'retry', path: scope.path, name: activity.name, attempt, error: describeError(result.error).message });
    await sleep(activity.policy.retryIntervalMs, undefined, { signal: scope.signal }).catch(() => undefined); // a cancelled wait is seen by the next look at the signal
  }
}

/** Errors of what is written in the factory or the configuration: trying again cannot help. */
function isPermanent(error: unknown): boolean {
  return (
    error instanceof LakesteadError &&
    /^(?:FACTORY|EXPRESSION|CONFIG|SECRET|VAULT)_|^(?:NOTEBOOK_NOT_FOUND|STORAGE_UNMAPPED|SQL_SYNTAX|SQL_NOT_SUPPORTED|CONNECT_LOGIN)$/.test(
      error.code,
    )
  );
}

async function tryActivity(activity: Activity, scope: ActivityScope, attempt: number): Promise<ActivityResult> {
  const { state, iteration } = scope;
  const { clock, ports } = state;
  const startedAt = clock.now();
  const started = clock.elapsedMs();
  const { secureInput, secureOutput, timeoutMs } = activity.policy;
  state.emit({ kind: 'activityStarted', path: scope.path, name: activity.name, type: activity.type });
  const recorded = ports.recorder.activityStarted({
    run: state.runId,
    name: activity.name,
    type: activity.type,
    iteration,
    attempt,
    input: secureInput ? hidden : toPlain(activity.typeProperties),
  });
  const limit = new AbortController();
  const timer = setTimeout(
    () =>
      limit.abort(
        new LakesteadError('TIMEOUT', `the activity '${activity.name}' took longer than its time limit of ${timeoutMs / 1000} s`, {
          hint: 'raise policy.timeout',
        }),
      ),
    Math.min(timeoutMs, 2 ** 31 - 1),
  );
  const label = secureInput ? undefined : describeItem(scope.item);
  const done = (status: Outcome, more: Partial<ActivityRun>): ActivityRun => ({
    name: activity.name,
    type: activity.type,
    status,
    startedAt: startedAt.toISOString(),
    durationMs: Math.round(clock.elapsedMs() - started),
    ...(attempt === 1 ? {} : { attempt }),
    ...(iteration === undefined ? {} : { iteration }),
    ...more,
  });
  const tell = (run: ActivityRun, facts: { rows?: number; bytes?: number }) => {
    const { name, type, status, durationMs, error } = run;
    state.emit({
      kind: 'activityFinished',
      path: scope.path,
      name,
      type,
      status,
      durationMs,
      ...(label === undefined ? {} : { item: label }),
      ...facts,
      ...(error === undefined ? {} : { error: `${error.errorCode}: ${error.message}` }),
    });
  };
  let input: Value = null;
  try {
    if (!Object.hasOwn(activityTypes, activity.type)) {
      throw new LakesteadError('FACTORY_UNSUPPORTED', `activities of type ${activity.type} are not supported`, {
        place: activity.place,
        hint: `supported: ${Object.keys(activityTypes).join(', ')}`,
      });
    }
    const signal = AbortSignal.any([scope.signal, limit.signal]);
    const result = await performActivity(activity, { ...scope, signal, path: [...scope.path, activity.name] });
    ({ input } = result);
    const output = toPlain(result.output);
    const run = done('Succeeded', {
      input: secureInput ? hidden : toPlain(input),
      output: secureOutput ? hidden : output,
      ...(result.activities === undefined ? {} : { activities: result.activities }),
    });
    ports.recorder.activityFinished(recorded, { status: 'Succeeded', output: secureOutput ? hidden : output });
    tell(run, result.facts ?? {});
    return { runs: [run], outcome: 'Succeeded', view: { status: 'Succeeded', output: result.output } };
  } catch (thrown) {
    const error = limit.signal.aborted ? limit.signal.reason : scope.signal.aborted ? cancelled(activity, thrown) : thrown;
    const failure = describeFailure(activity, error);
    const outcome = scope.signal.aborted ? 'Cancelled' : 'Failed';
    const inside = innerRunsOf(error);
    const inner = inside === undefined ? {} : { activities: inside };
    const run = done(outcome, { error: failure, ...inner });
    ports.recorder.activityFinished(recorded, { status: outcome, error: failure });
    tell(run, {});
    const view: ActivityView = {
      status: outcome,
      error: toValue({ errorCode: failure.errorCode, message: failure.message, failureType: failure.failureType, target: failure.target }),
      output: null,
    };
    return { runs: [run], outcome, view, error: withPlace(error, activity) };
  } finally {
    clearTimeout(timer);
  }
}

/** What a wait or a driver throws when it is aborted has no code of ours. */
function cancelled(activity: Activity, thrown: unknown): unknown {
  if (thrown instanceof LakesteadError) return thrown;
  return new LakesteadError('CANCELLED', `the activity '${activity.name}' was cancelled`, { cause: thrown });
}

/** Says of a cancelled run what state it leaves. */
function withState(error: ErrorDocument, runs: readonly ActivityRun[]): ErrorDocument {
  const done = runs.filter(({ status }) => status === 'Succeeded').length;
  return {
    ...error,
    hint: `${done} of ${runs.length} activities had succeeded and stay done; of the others each file and commit is whole or not there; run it again to do the rest`,
  };
}

/** An error of an expression or a reference gets the place of its activity's file. */
function withPlace(error: unknown, activity: Activity): unknown {
  if (!(error instanceof LakesteadError)) return error;
  if (error.place?.file !== undefined || !/^(?:EXPRESSION|FACTORY)_/.test(error.code)) return activityError(activity.name, error);
  const { hint, retryable, data, code, message } = error;
  return new LakesteadError(code, message, {
    cause: error,
    retryable,
    data: { ...data, activity: activity.name },
    place: activity.place,
    ...(hint === undefined ? {} : { hint }),
  });
}

function describeFailure(activity: Activity, error: unknown): ActivityFailure {
  const { data, ...document } = describeError(error);
  const errorCode = typeof data?.['errorCode'] === 'string' ? data['errorCode'] : document.code;
  return { ...document, errorCode, message: document.message, failureType: 'UserError', target: activity.name };
}

/** What expressions of an activity may refer to. */
export function contextOf(scope: ActivityScope): ExpressionContext {
  const { state } = scope;
  return {
    parameters: state.parameters,
    globalParameters: { ...state.folder.globalParameters, ...state.ports.globalParameters },
    variables: state.variables,
    activities: scope.activities,
    ...(scope.item === undefined ? {} : { item: scope.item }),
    system: {
      RunId: state.runId,
      GroupId: state.runId,
      Pipeline: state.pipeline.name,
      PipelineName: state.pipeline.name,
      DataFactory: state.folder.name,
      TriggerType: 'Manual',
      TriggerId: state.runId,
      TriggerName: 'Manual',
      TriggerTime: state.startedAt.toISOString(),
    },
    now: state.clock.now(),
  };
}

/** A property of an activity with its expressions evaluated; undefined when it is absent. */
export function evaluateProperty(activity: Activity, name: string, scope: ActivityScope): Value | undefined {
  const value = activity.typeProperties[name];
  return value === undefined ? undefined : evaluateTree(value, contextOf(scope));
}
