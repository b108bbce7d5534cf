import type { Lease, StatementShape } from '#engine';
import { join, literal, render, type Sql, sql, unsafeSql } from '#sql';

import { splitStatements } from './split-statements.ts';
import type { ParameterValue, SqlSession } from './sql-session.ts';

/** Statements as they come, on a connection of the engine's own: whoever may send them may do with that engine what they like. */
export function engineSession(lease: Lease, close: () => Promise<void>): SqlSession {
  return {
    describe: async (text, types, signal) => await describeStatement(lease, text, types, signal),
    run: async (text, values, signal) => await lease.vectors(withValues(text, values), { signal }),
    setTimeZone: async (zone) => void (await lease.run(sql`SET TimeZone = ${literal(zone)}`)),
    [Symbol.asyncDispose]: close,
  };
}

/** What a statement wants and gives. Where the engine cannot tell a parameter's type from the statement, it is a text. */
async function describeStatement(
  lease: Pick<Lease, 'describe'>,
  text: string,
  types: ReadonlyMap<number, string>,
  signal: AbortSignal,
): Promise<StatementShape> {
  const [statement] = splitStatements(text);
  if (statement === undefined || statement.parameters.length === 0) return await lease.describe(unsafeSql(text), { signal });
  const first = await lease.describe(
    replaceParameters(text, (number) => cast(number, types.get(number))),
    { signal },
  );
  const parameters = first.parameters.map((inferred, index) => types.get(index + 1) ?? inferred);
  if (first.columns.every(({ type }) => isKnown(type)) && parameters.every(isKnown)) return { ...first, parameters };
  // A literal without a type becomes what it stands beside, as PostgreSQL's do. What cannot be read as a number either is NULL.
  const withLiterals = async (unknown: Sql) => {
    const replaced = replaceParameters(text, (number) =>
      isKnown(parameters[number - 1]) ? cast(number, parameters[number - 1]) : unknown,
    );
    return await lease.describe(renumber(replaced), { signal });
  };
  const second = await withLiterals(literal('0')).catch(async () => await withLiterals(literal(null)));
  return { ...second, parameters };
}

function isKnown(type: string | undefined): boolean {
  return type !== undefined && type !== 'UNKNOWN';
}

function cast(number: number, type: string | undefined): Sql {
  const parameter = unsafeSql(`$${number}`);
  return isKnown(type) ? sql`CAST(${parameter} AS ${unsafeSql(type ?? '')})` : parameter;
}

/** The engine numbers parameters without gaps. */
function renumber(statement: Sql): Sql {
  const numbers: number[] = [];
  return replaceParameters(render(statement).text, (number) => {
    if (!numbers.includes(number)) numbers.push(number);
    return unsafeSql(`$${numbers.indexOf(number) + 1}`);
  });
}

/** A statement with values in the place of its parameters: bound as texts, and cast to their types; literals where they have none. */
function withValues(text: string, values: ReadonlyMap<number, ParameterValue>): Sql {
  return replaceParameters(text, (number) => {
    const value = values.get(number);
    if (value === undefined) return unsafeSql(`$${number}`);
    return isKnown(value.type) ? sql`CAST(${value.text} AS ${unsafeSql(value.type)})` : literal(value.text);
  });
}

/** A statement with something else in the place of each of its parameters. */
export function replaceParameters(text: string, replacement: (number: number) => Sql): Sql {
  const [statement] = splitStatements(text);
  const parts: Sql[] = [];
  let at = statement?.start ?? 0;
  for (const { number, from, to } of statement?.parameters ?? []) {
    const start = statement?.start ?? 0;
    parts.push(unsafeSql(text.slice(at, start + from)), replacement(number));
    at = start + to;
  }
  return join([...parts, unsafeSql(text.slice(at))], '');
}
