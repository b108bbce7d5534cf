import { literal, sql, type Sql } from '#sql';

import { bindError, type BoundExpression } from './bind-context.ts';
import { anyText, argumentOf, type Call, checkCount, type FunctionBinder, int, refuseCall, textOf } from './bind-call.ts';
import { once } from './once.ts';

/** A path of SQL Server's JSON functions for the engine: `lax` is the default, `strict` is refused. */
function jsonPath(call: Call): Sql {
  const constant = call.args.length < 2 ? '$' : argumentOf(call, 1).constant;
  if (typeof constant !== 'string') throw refuseCall(call, 'a JSON path that is not a constant is not supported');
  return literal(checkedJsonPath(constant, (message) => bindError(call.frame.scope, 'SQL_NOT_SUPPORTED', message, call.node.span)));
}

/** The path without its mode word. */
export function checkedJsonPath(path: string, refuse: (message: string) => Error): string {
  if (/^\s*strict\b/i.test(path)) throw refuse('strict JSON paths are not supported');
  const bare = path.replace(/^\s*lax\s+/i, '').trim();
  if (!bare.startsWith('$')) throw refuse(`"${path}" is no JSON path: it begins with $`);
  return bare;
}

const jsonFunction =
  ([low, high]: readonly [number, number], type: BoundExpression['type'], build: (text: Sql, call: Call) => Sql): FunctionBinder =>
  (call) => {
    checkCount(call, low, high);
    return { sql: once(textOf(call, 0), (text) => build(text, call)), type, nullable: true };
  };

/** The functions of JSON text, by upper-case name. */
export const jsonFunctions: Readonly<Record<string, FunctionBinder>> = {
  ISJSON: jsonFunction([1, 1], int, (text) => {
    const isContainer = sql`json_valid(${text}) AND ltrim(${text})[1] IN ('{', '[')`;
    return sql`CASE WHEN ${text} IS NULL THEN NULL WHEN ${isContainer} THEN 1 ELSE 0 END`;
  }),
  JSON_VALUE: jsonFunction([2, 2], { name: 'nvarchar', length: 4000 }, (text, call) => {
    const path = jsonPath(call);
    return sql`CASE WHEN json_type(${text}, ${path}) IN ('OBJECT', 'ARRAY') THEN NULL ELSE json_extract_string(${text}, ${path}) END`;
  }),
  JSON_QUERY: (call) => ({
    ...jsonFunction([1, 2], anyText, (text, inner) => {
      const path = jsonPath(inner);
      return sql`CASE WHEN json_type(${text}, ${path}) IN ('OBJECT', 'ARRAY') THEN CAST(json_extract(${text}, ${path}) AS VARCHAR) END`;
    })(call),
    isJson: true,
  }),
};
