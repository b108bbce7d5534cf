import { LakesteadError } from '#core';
import type { Lease } from '#engine';
import { ident, join, sql, type Sql, unsafeSql } from '#sql';
import { bindQuery, parseBatch, parseType, placeOf, splitBatches, type TypedValue } from '#tsql';

import { type CallArgument, callProcedure, convert } from './call-procedure.ts';
import { inferValueType } from './evaluate.ts';
import { runStatements } from './interpret.ts';
import { describeRelation } from './lake-relation.ts';
import { sessionScope } from './session-scope.ts';
import { type Frame, newFrame, type RowCapture, type SessionState, type WarehouseContext } from './session-state.ts';
import type { CompiledQuery, Database, ExecuteOptions, ProcedureOutcome, Session, SessionParameter, SessionResult } from './types.ts';

/** Opens a session; it takes a connection of the engine when it first needs one, and keeps it until it is closed. */
export function openSession(context: WarehouseContext, database: Database): Session {
  return new WarehouseSession(context, database);
}

class WarehouseSession implements Session {
  readonly #context: WarehouseContext;
  #home: Database;
  #state: SessionState | undefined;
  #isBusy = false;

  constructor(context: WarehouseContext, database: Database) {
    this.#context = context;
    this.#home = database;
  }

  get database(): string {
    return (this.#state?.database ?? this.#home).name;
  }

  async #open(signal: AbortSignal | undefined): Promise<SessionState> {
    this.#state ??= newState(this.#context, await this.#context.engine.lease({ signal }), this.#home);
    return this.#state;
  }

  #begin(): void {
    if (this.#isBusy) throw new LakesteadError('INTERNAL', 'a session runs one batch at a time');
    this.#isBusy = true;
  }

  async *execute(script: string, options: ExecuteOptions = {}): AsyncGenerator<SessionResult, void> {
    this.#begin();
    try {
      yield* runScript(await this.#open(options.signal), script, options);
    } finally {
      reset(this.#state);
      this.#isBusy = false;
    }
  }

  async capture(script: string, options: ExecuteOptions & { readonly lease: Lease }): Promise<CompiledQuery & { readonly release: Sql }> {
    const { lease, signal } = options;
    const state = newState(this.#context, lease, this.#state?.database ?? this.#home);
    const capture: RowCapture = { name: 'captured rows', firstOnly: true, columns: undefined };
    const table = ident('temp', 'main', capture.name);
    const release = sql`DROP TABLE IF EXISTS ${table}`;
    await lease.run(release, { signal });
    state.capture = capture;
    for await (const result of runScript(state, script, options)) void result;
    if (capture.columns === undefined)
      throw new LakesteadError('SQL_TYPE', 'the batch gave no result set, and rows are needed here', {
        hint: 'end it with a SELECT',
      });
    const names = capture.columns.map(({ name }, index) => sql`${ident(`c${index}`)} AS ${ident(name)}`);
    return { columns: capture.columns, sql: sql`SELECT ${join(names)} FROM ${table}`, release };
  }

  async load(script: string, options: ExecuteOptions & { readonly lease: Lease; readonly rows: Sql }): Promise<void> {
    const { lease, signal, rows } = options;
    const state = newState(this.#context, lease, this.#state?.database ?? this.#home);
    const relation = await describeRelation(rows, lease, signal);
    // Text of serverless ends at 8,000 characters; here it comes from anywhere.
    const columns = relation.columns.map((column) => {
      if (column.type.name === 'varchar') return { ...column, type: parseType('nvarchar(max)') };
      return column.type.name === 'varbinary' ? { ...column, type: parseType('varbinary(max)') } : column;
    });
    state.temporary.set('#incoming', { columns, sql: relation.sql, target: sql`` });
    try {
      for await (const result of runScript(state, script, options)) void result;
    } catch (error) {
      // A statement that failed may have ended the transaction already.
      if (state.transactions > 0) await lease.run(unsafeSql('ROLLBACK')).catch(() => undefined);
      throw error;
    }
  }

  async compile(query: string, options: ExecuteOptions & { readonly lease?: Lease | undefined } = {}): Promise<CompiledQuery> {
    const { signal, lease, parameters = [] } = options;
    const frame = newFrame(query, signal);
    // On the session's own connection a second statement would cut short the rows of a running batch.
    if (lease === undefined && this.#isBusy) throw new LakesteadError('INTERNAL', 'a session runs one batch at a time');
    const state = lease === undefined ? await this.#open(signal) : newState(this.#context, lease, this.#state?.database ?? this.#home);
    for (const parameter of parameters) frame.variables.set(variableName(parameter.name), await typed(state, frame, parameter));
    const [statement, second] = parseBatch(query);
    if (statement?.kind !== 'query' || second !== undefined) {
      const place = placeOf(query, (second ?? statement)?.span.start ?? 0);
      throw new LakesteadError('SQL_NOT_SUPPORTED', 'a query of exactly one SELECT is needed here', { place });
    }
    const { body } = statement.query;
    if (body.kind === 'select' && (body.into !== undefined || body.items.some(({ assign }) => assign !== undefined)))
      throw new LakesteadError('SQL_NOT_SUPPORTED', 'a SELECT that returns rows is needed here, without INTO and variables', {
        place: placeOf(query, body.span.start),
      });
    const bound = await bindQuery(statement.query, sessionScope(state, frame));
    return { columns: bound.columns, sql: bound.sql };
  }

  async callProcedure(
    name: string,
    parameters: readonly SessionParameter[] = [],
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<ProcedureOutcome> {
    const { signal } = options;
    this.#begin();
    try {
      const state = await this.#open(signal);
      const messages: string[] = [];
      const values: CallArgument[] = [];
      for (const parameter of parameters) {
        const value = await typed(state, newFrame('', signal), parameter);
        values.push({ name: variableName(parameter.name), value, output: undefined });
      }
      const call = callProcedure(state, signal, parseName(name), values, () => undefined);
      for (;;) {
        const step = await call.next();
        if (step.done === true) {
          throwPending(state);
          return { returnCode: step.value.returnCode, outputs: step.value.outputParameters, messages };
        }
        if (step.value.kind === 'message') messages.push(step.value.text);
      }
    } finally {
      reset(this.#state);
      this.#isBusy = false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const state = this.#state;
    this.#state = undefined;
    if (state === undefined) return;
    try {
      if (state.transactions > 0) await state.lease.run(unsafeSql('ROLLBACK'));
    } finally {
      await state.lease[Symbol.asyncDispose]();
    }
  }
}

/** Runs a script batch by batch. */
async function* runScript(state: SessionState, script: string, options: ExecuteOptions): AsyncGenerator<SessionResult, void> {
  const { signal, parameters = [] } = options;
  for (const batch of splitBatches(script)) {
    for (let turn = 0; turn < batch.count; turn += 1) {
      // Blank lines before the batch, so that places count in the script.
      const text = `${'\n'.repeat(batch.line - 1)}${batch.text}`;
      const frame = newFrame(text, signal);
      for (const { name } of parameters) frame.declared.set(variableName(name), -1);
      for (const parameter of parameters) frame.variables.set(variableName(parameter.name), await typed(state, frame, parameter));
      const completion = yield* runStatements(state, frame, parseBatch(text));
      if (completion.kind === 'goto') throw new LakesteadError('SQL_SYNTAX', `there is no label ${completion.label} for GOTO`);
      if (completion.kind === 'break' || completion.kind === 'continue')
        throw new LakesteadError('SQL_SYNTAX', `${completion.kind.toUpperCase()} stands outside a WHILE`);
      throwPending(state);
    }
  }
}

function newState(context: WarehouseContext, lease: Lease, database: Database): SessionState {
  return {
    context, lease, database, temporary: new Map(), rowCount: 0n, errorNumber: 0, transactions: 0, tries: 0, nesting: 0, caught: [], caughtFacts: [],
    noCount: false, pending: undefined, tableVariables: 0, capture: undefined,
  }; // prettier-ignore
}

/** After a batch, however it ended: nothing of its control flow is left. */
function reset(state: SessionState | undefined): void {
  if (state === undefined) return;
  state.tries = 0;
  state.nesting = 0;
  state.pending = undefined;
  state.capture = undefined;
  state.caught.length = 0;
  state.caughtFacts.length = 0;
}

function throwPending(state: SessionState): void {
  const { pending } = state;
  state.pending = undefined;
  if (pending !== undefined) throw pending;
}

function variableName(name: string): string {
  return (name.startsWith('@') ? name : `@${name}`).toLowerCase();
}

/** A parameter's value as its type says; without one, the type that the value has by itself. */
async function typed(state: SessionState, frame: Frame, { value, type }: SessionParameter): Promise<TypedValue> {
  const inferred = { type: inferValueType(value), value };
  return type === undefined ? inferred : await convert(state, frame, inferred, parseType(type));
}

/** A procedure's name as Data Factory writes it: `[dbo].[p]`, `dbo.p`. */
function parseName(name: string): { readonly parts: readonly string[]; readonly span: { readonly start: 0; readonly end: 0 } } {
  const [statement] = parseBatch(`EXEC ${name}`);
  if (statement?.kind !== 'exec' || 'variable' in statement.procedure || statement.args.length > 0)
    throw new LakesteadError('SQL_SYNTAX', `"${name}" is no name of a procedure`);
  return { parts: statement.procedure.parts, span: { start: 0, end: 0 } };
}
