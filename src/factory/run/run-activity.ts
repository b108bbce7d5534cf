import { setTimeout as sleep } from 'node:timers/promises';

import { describeError, LakesteadError } from '#core';

import { type ActivityView, isObject, toPlain, toValue, type Value, type ValueObject } from '../expression/index.ts';
import type { Activity } from '../load/factory.ts';
import { activityTypes } from '../validate/activity-types.ts';
import type { ActivityScope } from './activity-scope.ts';
import { innerRunsOf } from './inner-runs.ts';
import { activityError, type Outcome } from './outcome.ts';
import { performActivity } from './perform-activity.ts';
import { hidden } from './run-parameters.ts';
import type { ActivityFailure, ActivityRun } from './run-types.ts';

type ActivityResult = {
  readonly runs: readonly ActivityRun[];
  readonly outcome: Outcome;
  readonly view: ActivityView;
  readonly error?: unknown;
};

/** Tries an activity as often as its policy says; each try is a run of its own. */
export async function runActivity(activity: Activity, scope: ActivityScope): Promise<ActivityResult> {
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
    const ended = limit.signal.aborted ? limit.signal.reason : scope.signal.aborted ? cancelled(activity, thrown) : thrown;
    const error = secureInput ? withoutText(activity, ended) : ended;
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

/** What an expression says of its failure quotes its values: it is hidden with the input. */
function withoutText(activity: Activity, error: unknown): unknown {
  if (!(error instanceof LakesteadError) || !error.code.startsWith('EXPRESSION_')) return error;
  return new LakesteadError(error.code, `an expression of the activity '${activity.name}' failed`, {
    place: activity.place,
    hint: 'policy.secureInput hides what it says; take it away to see it',
  });
}

/** What a wait or a driver throws when it is aborted has no code of ours. */
function cancelled(activity: Activity, thrown: unknown): unknown {
  if (thrown instanceof LakesteadError) return thrown;
  return new LakesteadError('CANCELLED', `the activity '${activity.name}' was cancelled`, { cause: thrown });
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

/** The item of a loop in a few words: a text itself, the `name` of an object (as in a folder's `childItems`), else its texts in order. */
function describeItem(item: Value | undefined): string | undefined {
  const value = isObject(item ?? null) ? (item as ValueObject) : { name: item ?? null }; // just checked
  const parts = typeof value['name'] === 'string' ? [value['name']] : Object.values(value);
  const text = parts.filter((part) => typeof part === 'string').join('.');
  return text === '' ? undefined : text.slice(0, 60).replaceAll(/\s+/g, ' ');
}
