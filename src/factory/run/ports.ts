import type { Gateway } from '#access';
import type { Connector } from '#connectors';
import type { ErrorDocument } from '#core';
import type { Engine } from '#engine';
import type { NotebookLimits, NotebookPort, WorkerShelf } from '#notebooks';
import type { Lake } from '#storage';

import type { ValueObject } from '../expression/index.ts';

/** A linked service as this environment has it: its JSON, or what stands in for it. Values may still be secrets' references. */
export type EffectiveService =
  | { readonly kind: 'embedded'; readonly name: string; readonly database: string }
  | { readonly kind: 'service'; readonly name: string; readonly type: string; readonly typeProperties: Readonly<Record<string, unknown>> };

/** Keeps what ran. Calls are durable when they return. */
export type RunRecorder = {
  runStarted(run: {
    readonly runId: string;
    readonly pipeline: string;
    readonly parameters: unknown;
    readonly parent?: string | undefined;
  }): void;
  runFinished(
    runId: string,
    end: {
      readonly status: 'Succeeded' | 'Failed' | 'Cancelled';
      readonly error?: ErrorDocument | undefined;
      readonly returnValue?: unknown;
    },
  ): void;
  /** Says the id to finish it by. */
  activityStarted(activity: {
    readonly run: string;
    readonly name: string;
    readonly type: string;
    readonly iteration?: string | undefined;
    readonly attempt: number;
    readonly input?: unknown;
  }): number;
  activityFinished(
    id: number,
    end: {
      readonly status: 'Succeeded' | 'Failed' | 'Cancelled' | 'Skipped' | 'Inactive';
      readonly output?: unknown;
      readonly error?: unknown;
    },
  ): void;
};

/** What a run needs of the world around it. */
export type RunPorts = {
  readonly engine: Engine;
  readonly lake: Lake;
  /** What a pipeline reads of the lake it reads through here, as the owner. */
  gateway(): Promise<Pick<Gateway, 'resolveLake' | 'look'>>;
  readonly recorder: RunRecorder;
  /** What stands in for a linked service in this environment; undefined where its own JSON counts. */
  findOverride(
    linkedService: string,
  ):
    | { readonly kind: 'embedded'; readonly database: string }
    | { readonly kind: 'service'; readonly type?: string; readonly typeProperties: Readonly<Record<string, unknown>> }
    | undefined;
  openConnector(service: EffectiveService, signal: AbortSignal): Promise<Connector>;
  /** The file of a notebook by its path in the workspace. Throws `NOTEBOOK_NOT_FOUND`. */
  notebookFile(path: string): string;
  readonly notebooks: { readonly port: NotebookPort; readonly limits: NotebookLimits; readonly workers?: WorkerShelf | undefined };
  /** Values that replace the factory's global parameters. */
  readonly globalParameters: ValueObject;
};

/** What a run tells while it goes on: plain data. `path` is the way to the activity: pipeline, loops and iterations. */
export type RunEvent =
  | { readonly kind: 'runStarted'; readonly runId: string; readonly pipeline: string }
  | { readonly kind: 'activityStarted'; readonly path: readonly string[]; readonly name: string; readonly type: string }
  | {
      readonly kind: 'activityFinished';
      readonly path: readonly string[];
      readonly name: string;
      readonly type: string;
      readonly status: string;
      readonly durationMs: number;
      /** What the loop is at, for people: `SalesLT.Address`. */
      readonly item?: string;
      readonly rows?: number;
      readonly bytes?: number;
      readonly error?: string;
    }
  | {
      readonly kind: 'activityProgress';
      readonly path: readonly string[];
      readonly name: string;
      readonly rows: number;
      /** Where it is known how many there are. */
      readonly totalRows?: number;
      readonly rowsPerSecond: number;
    }
  | { readonly kind: 'notebookLog'; readonly path: readonly string[]; readonly text: string }
  | { readonly kind: 'retry'; readonly path: readonly string[]; readonly name: string; readonly attempt: number; readonly error: string };
