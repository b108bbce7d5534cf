/** A run's or activity's end, in Data Factory's words. */
export type RunStatus = 'InProgress' | 'Succeeded' | 'Failed' | 'Cancelled';

/** An activity may also not have run at all. */
export type ActivityStatus = RunStatus | 'Skipped' | 'Inactive';

export type RunStart = {
  readonly id: string;
  readonly pipeline: string;
  readonly environment: string;
  readonly parameters: unknown;
  /** The run whose ExecutePipeline started this one. */
  readonly parent?: string | undefined;
};

export type RunEnd = {
  readonly status: Exclude<RunStatus, 'InProgress'>;
  readonly error?: unknown;
  readonly returnValue?: unknown;
};

export type Run = {
  readonly id: string;
  readonly pipeline: string;
  readonly environment: string;
  readonly status: RunStatus;
  readonly started: Date;
  readonly ended?: Date;
  readonly parameters: unknown;
  readonly error?: unknown;
  readonly returnValue?: unknown;
  readonly parent?: string;
};

export type ActivityStart = {
  readonly run: string;
  readonly name: string;
  readonly type: string;
  /** Which turn of the loops around it, outermost first: `0`, `3/1`. */
  readonly iteration?: string | undefined;
  /** From 1. */
  readonly attempt?: number | undefined;
  readonly input?: unknown;
};

export type ActivityEnd = {
  readonly status: Exclude<ActivityStatus, 'InProgress'>;
  readonly output?: unknown;
  readonly error?: unknown;
};

export type ActivityRun = {
  readonly id: number;
  readonly run: string;
  readonly name: string;
  readonly type: string;
  readonly status: ActivityStatus;
  readonly iteration?: string;
  readonly attempt: number;
  readonly started: Date;
  readonly ended?: Date;
  readonly input?: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
};

/** A view or procedure of a warehouse database, by its original text. Names compare without case. */
export type Definition = {
  readonly database: string;
  readonly schema: string;
  readonly name: string;
  readonly kind: 'view' | 'procedure';
  readonly text: string;
  readonly created: Date;
  readonly modified: Date;
};

/** The project's `.lakestead/state.db`. Calls are synchronous and durable when they return. */
export type State = Disposable & {
  readonly runs: {
    start(run: RunStart): void;
    finish(id: string, end: RunEnd): void;
    /** Newest first; without `children` only runs that no other run started. */
    list(options?: { readonly limit?: number; readonly children?: boolean }): readonly Run[];
    get(id: string): Run | undefined;
    /**
     * Ends what an owner that was killed left InProgress: the runs become Failed with `OWNER_STOPPED`, their activities
     * Cancelled. Only for the one who owns the project now. Says which runs.
     */
    closeAbandoned(): readonly string[];
  };
  readonly activities: {
    /** Says the id to finish it by. */
    start(activity: ActivityStart): number;
    finish(id: number, end: ActivityEnd): void;
    /** In the order of their start. */
    list(run: string): readonly ActivityRun[];
  };
  readonly definitions: {
    find(database: string, schema: string, name: string): Definition | undefined;
    list(database: string): readonly Definition[];
    /** Creates it, or replaces its text and kind. */
    save(definition: {
      readonly database: string;
      readonly schema: string;
      readonly name: string;
      readonly kind: 'view' | 'procedure';
      readonly text: string;
    }): Definition;
    /** False when there is none. */
    remove(database: string, schema: string, name: string): boolean;
  };
  readonly settings: {
    get(name: string): string | undefined;
    set(name: string, value: string): void;
  };
};
