import type { Clock, ErrorDocument } from '#core';

import type { FactoryFolder, Pipeline } from '../load/factory.ts';
import type { Outcome } from './outcome.ts';
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
