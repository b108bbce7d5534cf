import type { Gateway } from '#access';
import type { Clock, LakesteadError, Log } from '#core';
import type { Engine, Lease } from '#engine';
import type { BoundColumn, TargetTable, TypedValue } from '#tsql';

import type { SqlErrorFacts } from './sql-error.ts';
import type { Database, DefinitionStore } from './types.ts';

/** What all sessions of a warehouse share. */
export type WarehouseContext = {
  readonly engine: Engine;
  readonly gateway: Gateway;
  readonly definitions: DefinitionStore;
  readonly databases: ReadonlyMap<string, Database>;
  /** LOCATION of external data sources by database and name, both lower case. */
  readonly dataSources: Map<string, Map<string, string>>;
  readonly clock: Clock;
  readonly log: Log;
};

/** The state of one session. Its tables and transactions live on `lease`. */
export type SessionState = {
  readonly context: WarehouseContext;
  readonly lease: Lease;
  database: Database;
  /** `#temporary` tables of the session by lower-case name. */
  readonly temporary: Map<string, TargetTable>;
  rowCount: bigint;
  errorNumber: number;
  transactions: number;
  /** Blocks of TRY around what runs now, over all procedures. */
  tries: number;
  /** Procedures and EXEC of strings around what runs now. */
  nesting: number;
  /** The error of each CATCH block around what runs now, innermost last. */
  readonly caught: LakesteadError[];
  readonly caughtFacts: SqlErrorFacts[];
  noCount: boolean;
  /** What RAISERROR raised outside TRY: the batch goes on, and fails at its end. */
  pending: LakesteadError | undefined;
  tableVariables: number;
  /** Where INSERT ... EXEC, or who reads a whole batch as one relation, collects rows that would go to the client. */
  capture: RowCapture | undefined;
};

/** A temporary table of the engine that result sets go into; it is made by the first of them. */
export type RowCapture = {
  readonly name: string;
  /** True where later result sets are left out. */
  readonly firstOnly: boolean;
  columns: readonly BoundColumn[] | undefined;
};

/** The variables of one batch or procedure. */
export type Frame = {
  /** The text that spans count in. */
  readonly text: string;
  readonly procedure: string | undefined;
  readonly variables: Map<string, TypedValue>;
  /** Where each variable was declared. */
  readonly declared: Map<string, number>;
  readonly tableVariables: Map<string, TargetTable>;
  readonly signal: AbortSignal | undefined;
};

export function newFrame(text: string, signal: AbortSignal | undefined, procedure?: string): Frame {
  return { text, procedure, signal, variables: new Map(), declared: new Map(), tableVariables: new Map() };
}
