import type { Clock } from '#core';

import { type ActivityView, evaluateTree, type ExpressionContext, type Value, type ValueObject } from '../expression/index.ts';
import type { Activity, FactoryFolder, Pipeline } from '../load/factory.ts';
import type { RunEvent, RunPorts } from './ports.ts';

/** What activities of one run share. */
export type RunState = {
  readonly runId: string;
  readonly folder: FactoryFolder;
  readonly pipeline: Pipeline;
  readonly parameters: ValueObject;
  readonly variables: Record<string, Value>;
  /** Those that an activity with secureInput or secureOutput has set. */
  readonly securedVariables: Set<string>;
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
