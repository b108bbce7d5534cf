import { sql, type Sql } from '#sql';

import type { FunctionCall } from './ast.ts';
import { bindError, type BoundExpression, type Frame } from './bind-context.ts';
import { convert } from './convert.ts';
import { isText, type SqlServerType } from './types.ts';

/** A call with its arguments bound. */
export type Call = { readonly node: FunctionCall; readonly args: readonly BoundExpression[]; readonly frame: Frame };
export type FunctionBinder = (call: Call) => BoundExpression;

export const int: SqlServerType = { name: 'int' };
export const float: SqlServerType = { name: 'float' };
export const anyText: SqlServerType = { name: 'nvarchar', length: 'max' };
export const varchar = (length: number | 'max'): SqlServerType => ({ name: 'varchar', length });

/** The call's refusal, at its place. */
export function refuseCall({ node, frame }: Call, problem: string, hint?: string): Error {
  return bindError(frame.scope, 'SQL_NOT_SUPPORTED', problem, node.span, hint);
}

/** @throws SQL_SYNTAX when there are fewer or more arguments */
export function checkCount({ node, args, frame }: Call, low: number, high: number): void {
  if (args.length >= low && args.length <= high) return;
  const wanted = low === high ? String(low) : `${low} to ${high}`;
  throw bindError(frame.scope, 'SQL_SYNTAX', `${node.name.parts.join('.')} takes ${wanted} arguments, not ${args.length}`, node.span);
}

const absent: BoundExpression = { sql: sql`NULL`, type: int, nullable: true, isNull: true };

/** An argument; NULL where {@link checkCount} let it be left out. */
export function argumentOf({ args }: Call, index: number): BoundExpression {
  return args[index] ?? absent;
}

/** An argument converted. */
export function argumentAs(call: Call, index: number, type: SqlServerType): Sql {
  return convert(call.frame.scope, argumentOf(call, index), type, call.node.span).sql;
}

/** An argument as text, whatever it is. */
export function textOf(call: Call, index: number): Sql {
  const value = argumentOf(call, index);
  return isText(value.type) && !value.isNull ? value.sql : argumentAs(call, index, anyText);
}

/** True for text of two bytes a character. */
export function isNational(type: SqlServerType): boolean {
  return isText(type) && (type.name.startsWith('n') || type.name === 'xml' || type.name === 'hierarchyid');
}

/** The characters that a value has as text, at most. */
export function textLength({ type, isNull }: BoundExpression): number | 'max' {
  if (isNull) return 1;
  if (isText(type)) return type.length ?? 'max';
  return { tinyint: 3, smallint: 6, int: 12, bigint: 20, bit: 1, uniqueidentifier: 36 }[type.name as 'int'] ?? 41;
}

/** The type of a text made of these: national when one is, as long as all together or as said. */
export function textTypeOf(values: readonly BoundExpression[], length?: number | 'max'): SqlServerType {
  const name = values.some((value) => isNational(value.type)) ? 'nvarchar' : 'varchar';
  const limit = name === 'nvarchar' ? 4000 : 8000;
  const wanted =
    length ?? values.map(textLength).reduce<number | 'max'>((sum, one) => (sum === 'max' || one === 'max' ? 'max' : sum + one), 0);
  return { name, length: wanted === 'max' ? 'max' : Math.max(1, Math.min(limit, wanted)) };
}

/** The longest that a text of that kind can be without being `max`. */
export function longestOf(values: readonly BoundExpression[]): number | 'max' {
  if (values.some((value) => isText(value.type) && !value.isNull && textLength(value) === 'max')) return 'max';
  return values.some((value) => isNational(value.type)) ? 4000 : 8000;
}
