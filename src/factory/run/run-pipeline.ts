import { randomUUID } from 'node:crypto';

import { describeError, type ErrorDocument, systemClock } from '#core';

import { toPlain, type Value, type ValueObject } from '../expression/index.ts';
import type { ActivityScope, RunState } from './activity-scope.ts';
import { runActivities } from './run-activities.ts';
import { bindParameters, hidden, initialValue, withoutSecrets } from './run-parameters.ts';
import type { ActivityRun, PipelineRun, RunOptions } from './run-types.ts';

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
  const securedVariables = new Set<string>();
  let returnValue: ValueObject | undefined;
  try {
    const state: RunState = {
      runId,
      folder,
      pipeline,
      parameters: bindParameters(pipeline, options.parameters),
      variables: Object.fromEntries(Object.entries(pipeline.variables).map(([name, definition]) => [name, initialValue(definition)])),
      securedVariables,
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
    variables: Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [name, securedVariables.has(name) ? hidden : toPlain(value)]),
    ),
    ...(error === undefined ? {} : { error }),
    activities,
  };
}

/** Says of a cancelled run what state it leaves. */
function withState(error: ErrorDocument, runs: readonly ActivityRun[]): ErrorDocument {
  const done = runs.filter(({ status }) => status === 'Succeeded').length;
  return {
    ...error,
    hint: `${done} of ${runs.length} activities had succeeded and stay done; of the others each file and commit is whole or not there; run it again to do the rest`,
  };
}
