import { LakesteadError, nearMisses } from '#core';
import { sql, type SqlValue } from '#sql';
import {
  type Expression,
  makeType,
  type Name,
  type Parameter,
  parseBatch,
  placeOf,
  type SqlServerType,
  type Statement,
  type TypedValue,
} from '#tsql';

import { evaluate, evaluateAs, evaluateText } from './evaluate.ts';
import { runStatements } from './interpret.ts';
import { parseStored } from './session-scope.ts';
import { type Frame, newFrame, type SessionState } from './session-state.ts';
import { sqlError } from './sql-error.ts';
import type { SessionResult } from './types.ts';

/** SQL Server's limit of procedures and dynamic batches in one another. */
const maxNesting = 32;

/** An argument of a call: its value, and where an OUTPUT parameter goes. */
export type CallArgument = {
  readonly name: string | undefined;
  readonly value: TypedValue | 'default';
  readonly output: string | undefined;
};

/** `EXEC [@rc =] procedure arguments` */
export async function* callByStatement(
  state: SessionState,
  frame: Frame,
  statement: Statement & { kind: 'exec' },
): AsyncGenerator<SessionResult, void> {
  const place = placeOf(frame.text, statement.span.start);
  const args: CallArgument[] = [];
  for (const { name, value, isOutput } of statement.args) {
    const output = isOutput ? outputVariable(value) : undefined;
    args.push({ name, value: value.kind === 'default' ? 'default' : ((await evaluate(state, frame, [value]))[0] ?? 'default'), output });
  }
  let name: Name;
  if ('variable' in statement.procedure) {
    const text = await evaluateText(state, frame, { kind: 'variable', name: statement.procedure.variable, span: statement.span });
    name = { parts: (text ?? '').split('.').map((part) => part.replaceAll(/^\[|\]$/g, '')), span: statement.span };
  } else name = statement.procedure;
  const short = (name.parts.at(-1) ?? '').toLowerCase();
  let call: AsyncGenerator<SessionResult, CallOutcome>;
  if (short === 'sp_executesql') call = executeSql(state, frame, args);
  else call = callProcedure(state, frame.signal, name, args, () => place);
  const outcome = yield* call;
  for (const { parameter, output } of outcome.outputs) {
    const target = frame.variables.get(output.toLowerCase());
    if (target === undefined) throw new LakesteadError('SQL_NAME_NOT_FOUND', `the variable ${output} is not declared`, { place });
    frame.variables.set(output.toLowerCase(), await convert(state, frame, parameter, target.type));
  }
  if (statement.result !== undefined) {
    const target = frame.variables.get(statement.result.toLowerCase());
    if (target === undefined) throw new LakesteadError('SQL_NAME_NOT_FOUND', `the variable ${statement.result} is not declared`, { place });
    frame.variables.set(
      statement.result.toLowerCase(),
      await convert(state, frame, { type: { name: 'int' }, value: outcome.returnCode }, target.type),
    );
  }
}

function outputVariable(value: Expression): string {
  if (value.kind === 'variable') return value.name;
  throw sqlError({ number: 179, severity: 15, state: 1, message: 'an OUTPUT argument must be a variable' });
}

/** What a call came to. */
export type CallOutcome = {
  readonly returnCode: number;
  /** Values of OUTPUT parameters and the caller's variables that take them. */
  readonly outputs: readonly { readonly parameter: TypedValue; readonly output: string }[];
  /** All OUTPUT parameters of the procedure by name without `@`. */
  readonly outputParameters: ReadonlyMap<string, SqlValue>;
};

/** A value as a variable of another type takes it. */
export async function convert(state: SessionState, frame: Frame, value: TypedValue, type: SqlServerType): Promise<TypedValue> {
  const holder = newFrame('@value', frame.signal);
  holder.variables.set('@value', value);
  return await evaluateAs(state, holder, { kind: 'variable', name: '@value', span: { start: 0, end: 6 } }, type);
}

/** Runs a stored procedure; its results are passed on. */
export async function* callProcedure(
  state: SessionState,
  signal: AbortSignal | undefined,
  name: Name,
  args: readonly CallArgument[],
  place: () => ReturnType<typeof placeOf> | undefined,
): AsyncGenerator<SessionResult, CallOutcome> {
  const [last = '', schemaPart = '', databasePart = ''] = name.parts.toReversed();
  const database = databasePart === '' ? state.database : state.context.databases.get(databasePart.toLowerCase());
  const schema = schemaPart === '' ? (database?.defaultSchema ?? 'dbo') : schemaPart;
  const found = database === undefined ? undefined : state.context.definitions.find(database.name, schema, last);
  const at = place();
  const where = at === undefined ? {} : { place: at };
  if (database === undefined || found?.kind !== 'procedure') {
    if (/^(?:sp|xp)_/i.test(last)) throw new LakesteadError('SQL_NOT_SUPPORTED', `the system procedure ${last} is not supported`, where);
    const near =
      database === undefined
        ? []
        : nearMisses(
            last,
            state.context.definitions
              .list(database.name)
              .filter(({ kind }) => kind === 'procedure')
              .map((one) => one.name),
          );
    throw new LakesteadError('SQL_NAME_NOT_FOUND', `there is no stored procedure ${name.parts.join('.')}`, {
      ...where,
      hint:
        near.length === 0 ? 'CREATE PROCEDURE makes one, in a script of the database for example' : `did you mean ${near.join(' or ')}?`,
      data: { number: 2812 },
    });
  }
  const [procedure] = parseStored(found.text);
  if (procedure?.kind !== 'createProcedure') throw new LakesteadError('INTERNAL', 'the text of a procedure is no CREATE PROCEDURE');
  const frame = newFrame(found.text, signal, `${schema}.${last}`);
  const outputs = await bindArguments(state, frame, procedure.parameters, args, `${schema}.${last}`);
  const home = state.database;
  state.database = database;
  try {
    const returnCode = yield* nested(state, frame, procedure.body);
    const outputParameters = new Map(
      procedure.parameters
        .filter(({ isOutput }) => isOutput)
        .map(({ name: parameter }) => [parameter.slice(1), getValue(frame, parameter).value]),
    );
    return {
      returnCode,
      outputs: outputs.map(({ name: parameter, output }) => ({ parameter: getValue(frame, parameter), output })),
      outputParameters,
    };
  } finally {
    state.database = home;
  }
}

async function* nested(state: SessionState, frame: Frame, body: readonly Statement[]): AsyncGenerator<SessionResult, number> {
  if (state.nesting >= maxNesting)
    throw sqlError({ number: 217, severity: 16, state: 1, message: `procedures and dynamic SQL are nested more than ${maxNesting} deep` });
  state.nesting += 1;
  const { noCount } = state;
  const before = new Set(state.temporary.keys());
  try {
    const completion = yield* runStatements(state, frame, body);
    if (completion.kind === 'goto') throw new LakesteadError('SQL_SYNTAX', `there is no label ${completion.label} for GOTO`);
    return completion.kind === 'return' ? completion.value : 0;
  } finally {
    state.nesting -= 1;
    // SET options and #tables of a procedure end with it.
    state.noCount = noCount;
    await dropTemporary(
      state,
      [...state.temporary.keys()].filter((key) => !before.has(key)),
    );
  }
}

async function dropTemporary(state: SessionState, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const table = state.temporary.get(name);
    state.temporary.delete(name);
    if (table !== undefined) await state.lease.run(sql`DROP TABLE ${table.target}`);
  }
}

async function bindArguments(
  state: SessionState,
  frame: Frame,
  parameters: readonly Parameter[],
  args: readonly CallArgument[],
  procedure: string,
): Promise<readonly { readonly name: string; readonly output: string }[]> {
  const given = new Map<string, CallArgument>();
  let isNamed = false;
  args.forEach((argument, index) => {
    isNamed ||= argument.name !== undefined;
    if (isNamed && argument.name === undefined)
      throw sqlError({
        number: 119,
        severity: 15,
        state: 1,
        message: `argument ${index + 1} of ${procedure} must be written as @name = value, since one before it is`,
      });
    const parameter =
      argument.name === undefined ? parameters[index] : parameters.find(({ name }) => name.toLowerCase() === argument.name?.toLowerCase());
    if (parameter === undefined) {
      throw argument.name === undefined
        ? sqlError({ number: 8144, severity: 16, state: 2, message: `${procedure} has too many arguments: it takes ${parameters.length}` })
        : sqlError({ number: 8145, severity: 16, state: 1, message: `${argument.name} is not a parameter of ${procedure}` });
    }
    const key = parameter.name.toLowerCase();
    if (given.has(key))
      throw sqlError({ number: 8143, severity: 16, state: 1, message: `the parameter ${parameter.name} was supplied more than once` });
    given.set(key, argument);
  });
  const outputs: { name: string; output: string }[] = [];
  for (const { name, type, defaultValue, isOutput, isReadonly } of parameters) {
    if (isReadonly) throw new LakesteadError('SQL_NOT_SUPPORTED', `the table-valued parameter ${name} of ${procedure} is not supported`);
    const resolved = makeType(type.name.parts.at(-1) ?? '', type.args);
    const argument = given.get(name.toLowerCase());
    frame.declared.set(name.toLowerCase(), -1);
    if (argument !== undefined && argument.value !== 'default') {
      frame.variables.set(name.toLowerCase(), await convert(state, frame, argument.value, resolved));
      if (argument.output === undefined) continue;
      if (!isOutput) throw sqlError({ number: 8162, severity: 16, state: 2, message: `${name} of ${procedure} is no OUTPUT parameter` });
      outputs.push({ name, output: argument.output });
    } else if (defaultValue !== undefined)
      frame.variables.set(name.toLowerCase(), await evaluateAs(state, frame, asConstant(defaultValue), resolved));
    else
      throw sqlError({
        number: 201,
        severity: 16,
        state: 4,
        message: `${procedure} expects the parameter ${name}, which was not supplied`,
      });
  }
  return outputs;
}

/** A default may be a bare word, which is text. */
function asConstant(value: Expression): Expression {
  return value.kind === 'column' ? { kind: 'string', value: value.name.parts.join('.'), isNational: true, span: value.span } : value;
}

function getValue(frame: Frame, name: string): TypedValue {
  return frame.variables.get(name.toLowerCase()) ?? { type: { name: 'int' }, value: null };
}

/** EXEC ('...' + @x): a batch of its own, that sees no variables. */
export async function* executeString(
  state: SessionState,
  frame: Frame,
  pieces: readonly Expression[],
): AsyncGenerator<SessionResult, void> {
  let text = '';
  for (const piece of pieces) text += (await evaluateText(state, frame, piece)) ?? '';
  yield* runText(state, newFrame(text, frame.signal));
}

async function* runText(state: SessionState, frame: Frame): AsyncGenerator<SessionResult, number> {
  const home = state.database;
  try {
    return yield* nested(state, frame, parseBatch(frame.text));
  } finally {
    // USE in a dynamic batch ends with it.
    state.database = home;
  }
}

/** sp_executesql: a text, the declarations of its parameters, and their values. */
async function* executeSql(state: SessionState, caller: Frame, args: readonly CallArgument[]): AsyncGenerator<SessionResult, CallOutcome> {
  const find = (names: readonly string[], position: number) => {
    const named = args.find(({ name }) => name !== undefined && names.includes(name.toLowerCase()));
    const positional = args[position];
    return named ?? (positional?.name === undefined ? positional : undefined);
  };
  const statement = find(['@stmt', '@statement'], 0);
  const text = statement === undefined || statement.value === 'default' ? null : statement.value.value;
  if (typeof text !== 'string')
    throw sqlError({ number: 214, severity: 16, state: 2, message: 'sp_executesql expects a statement of type nvarchar' });
  const declaration = find(['@params', '@parameters'], 1);
  const declared = declaration === undefined || declaration.value === 'default' ? null : declaration.value.value;
  const frame = newFrame(text, caller.signal);
  const rest = args.filter((argument) => argument !== statement && argument !== declaration);
  let outputs: readonly { readonly name: string; readonly output: string }[] = [];
  if (typeof declared === 'string' && declared.trim() !== '')
    outputs = await bindArguments(state, frame, parseParameters(declared), rest, 'sp_executesql');
  else if (rest.length > 0)
    throw sqlError({ number: 8144, severity: 16, state: 2, message: 'sp_executesql was given values, and no declaration of parameters' });
  const returnCode = yield* runText(state, frame);
  return {
    returnCode,
    outputs: outputs.map(({ name, output }) => ({ parameter: getValue(frame, name), output })),
    outputParameters: new Map(),
  };
}

/** `@p int, @q nvarchar(5) OUTPUT` */
function parseParameters(text: string): readonly Parameter[] {
  const [procedure] = parseBatch(`CREATE PROCEDURE p ${text} AS RETURN`);
  if (procedure?.kind !== 'createProcedure') throw new LakesteadError('SQL_SYNTAX', `"${text}" declares no parameters`);
  return procedure.parameters;
}
