import { LakesteadError } from '#core';
import { ident, sql } from '#sql';
import { bindChange, bindQuery, makeType, placeOf, type Query, type Statement, type TargetTable } from '#tsql';

import { evaluateAs, evaluateText, test } from './evaluate.ts';
import { callByStatement, executeString } from './call-procedure.ts';
import { define, drop } from './define.ts';
import { explainFailure } from './engine-failure.ts';
import { raiseError, throwError } from './raise.ts';
import { RowReader } from './row-reader.ts';
import { captureRows, insertCaptured } from './insert-exec.ts';
import { sessionScope } from './session-scope.ts';
import type { Frame, SessionState } from './session-state.ts';
import { setOption } from './set-option.ts';
import { factsOf, isCatchable, sqlError } from './sql-error.ts';
import { assignVariable, selectIntoVariables } from './assign.ts';
import { changeTransaction } from './transaction.ts';
import type { SessionResult } from './types.ts';

/** How a list of statements ended. */
export type Completion =
  | { readonly kind: 'end' | 'break' | 'continue' }
  | { readonly kind: 'return'; readonly value: number }
  | { readonly kind: 'goto'; readonly label: string };

const end: Completion = { kind: 'end' };

/** Runs statements in order. An error ends them, unless a TRY around them takes it. */
export async function* runStatements(
  state: SessionState,
  frame: Frame,
  statements: readonly Statement[],
): AsyncGenerator<SessionResult, Completion> {
  for (let index = 0; index < statements.length; index += 1) {
    const statement = statements[index];
    if (statement === undefined) break;
    const completion = yield* runStatement(state, frame, statement);
    if (completion.kind === 'end') continue;
    const label = completion.kind === 'goto' ? completion.label.toLowerCase() : undefined;
    const target = label === undefined ? -1 : statements.findIndex((one) => one.kind === 'label' && one.name.toLowerCase() === label);
    if (target < 0) return completion;
    index = target;
  }
  return end;
}

async function* runStatement(state: SessionState, frame: Frame, statement: Statement): AsyncGenerator<SessionResult, Completion> {
  if (frame.signal?.aborted) throw cancelled(frame.signal);
  try {
    return yield* perform(state, frame, statement);
  } catch (error) {
    if (error instanceof LakesteadError) {
      const failure = explainFailure(error);
      state.errorNumber = factsOf(failure).number;
      throw placed(failure, frame, statement);
    }
    throw error;
  }
}

function cancelled(signal: AbortSignal): LakesteadError {
  return signal.reason instanceof LakesteadError
    ? signal.reason
    : new LakesteadError('CANCELLED', 'the batch was cancelled', { cause: signal.reason });
}

/** The error with the place of the statement, when it has none, and the procedure that it happened in. */
function placed(error: LakesteadError, frame: Frame, { span }: Statement): LakesteadError {
  if (error.place !== undefined || error.code === 'CANCELLED' || error.code === 'INTERNAL') return error;
  const data = frame.procedure === undefined || 'procedure' in error.data ? error.data : { ...error.data, procedure: frame.procedure };
  const details = { cause: error.cause, place: placeOf(frame.text, span.start), retryable: error.retryable, data };
  return new LakesteadError(error.code, error.message, error.hint === undefined ? details : { ...details, hint: error.hint });
}

async function* perform(state: SessionState, frame: Frame, statement: Statement): AsyncGenerator<SessionResult, Completion> {
  switch (statement.kind) {
    case 'query':
      yield* runQuery(state, frame, statement.query);
      return end;
    case 'insert':
    case 'update':
    case 'delete':
    case 'merge':
    case 'truncate':
      yield* runChange(state, frame, statement);
      return end;
    case 'declare':
      for (const { name, type, value } of statement.variables) {
        const key = name.toLowerCase();
        const declared = frame.declared.get(key);
        // A DECLARE inside a loop is one declaration that is met again.
        if (frame.variables.has(key) && declared !== statement.span.start)
          throw new LakesteadError('SQL_SYNTAX', `the variable ${name} is declared twice`, {
            hint: 'a name may be declared once in a batch or procedure',
          });
        const resolved = makeType(type.name.parts.at(-1) ?? '', type.args);
        if (value !== undefined) frame.variables.set(key, await evaluateAs(state, frame, value, resolved));
        else if (declared === undefined) frame.variables.set(key, { type: resolved, value: null });
        frame.declared.set(key, statement.span.start);
      }
      return end;
    case 'setVariable':
      await assignVariable(state, frame, statement);
      state.rowCount = 1n;
      return end;
    case 'declareTable':
    case 'createTable':
    case 'createView':
    case 'createProcedure':
    case 'createSchema':
    case 'createDatabase':
    case 'createExternalDataSource':
      await define(state, frame, statement);
      return end;
    case 'drop':
      await drop(state, frame, statement);
      return end;
    case 'setOption':
      setOption(state, frame, statement);
      return end;
    case 'if': {
      const isTrue = await test(state, frame, statement.condition);
      state.rowCount = 0n;
      const branch = isTrue ? statement.then : statement.otherwise;
      return branch === undefined ? end : yield* runStatements(state, frame, [branch]);
    }
    case 'while':
      for (;;) {
        if (frame.signal?.aborted) throw cancelled(frame.signal);
        if (!(await test(state, frame, statement.condition))) return end;
        const completion = yield* runStatements(state, frame, [statement.body]);
        if (completion.kind === 'break') return end;
        if (completion.kind === 'return' || completion.kind === 'goto') return completion;
      }
    case 'block':
      return yield* runStatements(state, frame, statement.statements);
    case 'tryCatch':
      return yield* runTry(state, frame, statement);
    case 'break':
    case 'continue':
      return { kind: statement.kind };
    case 'goto':
      return { kind: 'goto', label: statement.name };
    case 'label':
      return end;
    case 'return':
      return {
        kind: 'return',
        value: statement.value === undefined ? 0 : Number((await evaluateAs(state, frame, statement.value, { name: 'int' })).value ?? 0),
      };
    case 'print':
      yield { kind: 'message', text: (await evaluateText(state, frame, statement.value)) ?? ' ', number: 0, severity: 0, state: 1 };
      state.rowCount = 0n;
      return end;
    case 'raiserror': {
      const message = await raiseError(state, frame, statement);
      if (message !== undefined) yield message;
      return end;
    }
    case 'throw':
      throw await throwError(state, frame, statement);
    case 'use': {
      const database = state.context.databases.get(statement.database.toLowerCase());
      if (database === undefined)
        throw new LakesteadError('SQL_NAME_NOT_FOUND', `there is no database ${statement.database}`, {
          hint: `there are ${[...state.context.databases.values()].map(({ name }) => name).join(', ')}`,
          data: { number: 911 },
        });
      state.database = database;
      return end;
    }
    case 'transaction':
      await changeTransaction(state, frame, statement);
      return end;
    case 'exec':
      yield* callByStatement(state, frame, statement);
      return end;
    case 'execString':
      if (statement.at !== undefined) throw refused(frame, statement, 'EXEC ... AT a linked server');
      yield* executeString(state, frame, statement.pieces);
      return end;
    case 'waitFor': {
      if (statement.isTime) throw refused(frame, statement, 'WAITFOR TIME');
      await waitFor((await evaluateText(state, frame, statement.delay)) ?? '', frame);
      return end;
    }
    case 'unsupported':
      throw refused(frame, statement, statement.what);
  }
}

/** The refusal of a statement by its name. */
function refused(frame: Frame, { span }: Statement, what: string): LakesteadError {
  const place = placeOf(frame.text, span.start);
  return new LakesteadError('SQL_NOT_SUPPORTED', `line ${place.line}, column ${place.column}: ${what} is not supported`, { place });
}

async function* runQuery(state: SessionState, frame: Frame, query: Query): AsyncGenerator<SessionResult, void> {
  const { body } = query;
  if (body.kind === 'select' && body.items.some(({ assign }) => assign !== undefined)) {
    state.rowCount = await selectIntoVariables(state, frame, query, body);
    state.errorNumber = 0;
    return;
  }
  const bound = await bindQuery(
    body.kind === 'select' && body.into !== undefined ? { ...query, body: { ...body, into: undefined } } : query,
    sessionScope(state, frame),
  );
  if (body.kind === 'select' && body.into !== undefined) {
    const name = body.into.parts.at(-1) ?? '';
    if (!name.startsWith('#'))
      throw new LakesteadError('SQL_NOT_SUPPORTED', 'SELECT ... INTO takes a #temporary table here', {
        place: placeOf(frame.text, body.into.span.start),
      });
    if (state.temporary.has(name.toLowerCase()))
      throw new LakesteadError('SQL_TYPE', `there is already a table ${name}`, { data: { number: 2714 } });
    const target = ident('temp', 'main', name.toLowerCase());
    const { rowsChanged } = await state.lease.run(sql`CREATE TEMP TABLE ${ident(name.toLowerCase())} AS ${bound.sql}`, {
      signal: frame.signal,
    });
    state.temporary.set(name.toLowerCase(), { columns: bound.columns, sql: sql`SELECT * FROM ${target}`, target } satisfies TargetTable);
    yield* counted(state, BigInt(rowsChanged));
    return;
  }
  if (state.capture !== undefined) {
    yield* counted(state, await captureRows(state, state.capture, bound, frame));
    return;
  }
  const { batches } = await state.lease.stream(bound.sql, { signal: frame.signal });
  const reader = new RowReader(batches[Symbol.asyncIterator]());
  yield { kind: 'rows', columns: bound.columns, batches: reader };
  const rows = await reader.finish();
  yield* counted(state, rows);
}

function* counted(state: SessionState, rowCount: bigint): Generator<SessionResult, void> {
  state.rowCount = rowCount;
  state.errorNumber = 0;
  if (!state.noCount) yield { kind: 'count', rowCount: Number(rowCount) };
}

async function* runChange(
  state: SessionState,
  frame: Frame,
  statement: Statement & { kind: 'insert' | 'update' | 'delete' | 'merge' | 'truncate' },
): AsyncGenerator<SessionResult, void> {
  if (statement.kind === 'insert' && 'kind' in statement.source && statement.source.kind === 'exec') {
    yield* insertFromCall(state, frame, statement, statement.source);
    return;
  }
  const change = await bindChange(statement, sessionScope(state, frame));
  const { rowsChanged } = await state.lease.run(change.sql, { signal: frame.signal });
  yield* counted(state, BigInt(rowsChanged));
}

/** INSERT ... EXEC: what the procedure would send to the client goes into the table, in one statement at its end. */
async function* insertFromCall(
  state: SessionState,
  frame: Frame,
  statement: Statement & { kind: 'insert' },
  call: Statement & { kind: 'exec' },
): AsyncGenerator<SessionResult, void> {
  const outer = state.capture;
  if (outer?.firstOnly === false)
    throw sqlError({ number: 8164, severity: 16, state: 1, message: 'an INSERT EXEC statement cannot be nested' });
  state.tableVariables += 1;
  const capture = { name: `insert exec ${state.tableVariables}`, firstOnly: false, columns: undefined };
  state.capture = capture;
  try {
    for await (const result of callByStatement(state, frame, call)) if (result.kind === 'message') yield result;
  } finally {
    state.capture = outer;
  }
  yield* counted(state, await insertCaptured(state, frame, statement, capture));
}

async function* runTry(
  state: SessionState,
  frame: Frame,
  statement: Statement & { kind: 'tryCatch' },
): AsyncGenerator<SessionResult, Completion> {
  const { nesting } = state;
  state.tries += 1;
  let error: unknown;
  try {
    return yield* runStatements(state, frame, statement.body);
  } catch (thrown) {
    error = thrown;
  } finally {
    state.tries -= 1;
  }
  if (!isCatchable(error)) throw error;
  state.nesting = nesting;
  state.caught.push(error);
  state.caughtFacts.push(factsOf(error));
  try {
    return yield* runStatements(state, frame, statement.handler);
  } finally {
    state.caught.pop();
    state.caughtFacts.pop();
  }
}

async function waitFor(delay: string, { signal }: Frame): Promise<void> {
  const match = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?$/.exec(delay.trim());
  if (match === null) throw new LakesteadError('SQL_SYNTAX', `'${delay}' is no delay`, { hint: "write it as 'hh:mm:ss'" });
  const [, hours = '0', minutes = '0', seconds = '0', milliseconds = '0'] = match;
  const timeMs = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + Number(milliseconds.padEnd(3, '0'));
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abandon);
      resolve();
    }, timeMs);
    const abandon = () => {
      clearTimeout(timer);
      reject(signal === undefined ? new LakesteadError('CANCELLED', 'the batch was cancelled') : cancelled(signal));
    };
    signal?.addEventListener('abort', abandon, { once: true });
  });
}
