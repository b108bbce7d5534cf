import type { SqlValue } from '#sql';
import {
  bindQuery,
  type Condition,
  type Expression,
  type Query,
  type SelectItem,
  type Span,
  type SqlServerType,
  type TypedValue,
  type TypeName,
} from '#tsql';

import { sessionScope } from './session-scope.ts';
import type { Frame, SessionState } from './session-state.ts';

/** A type as CAST writes it. */
function typeNameOf(type: SqlServerType, span: Span): TypeName {
  const args = [type.precision, type.length, type.scale].filter((arg) => arg !== undefined);
  return { name: { parts: [type.name], span }, args, span };
}

/** An expression converted as an assignment to a variable of this type converts it. */
export function castExpression(operand: Expression, type: SqlServerType): Expression {
  return { kind: 'cast', operand, type: typeNameOf(type, operand.span), isTry: false, span: operand.span };
}

/** `SELECT <items>` as a tree. */
function selectOf(expressions: readonly Expression[], span: Span): Query {
  const items: SelectItem[] = expressions.map((expression, index) => ({
    expression,
    alias: `c${index}`,
    assign: undefined,
    span: expression.span,
  }));
  return {
    span, with: [], orderBy: [], offset: undefined, fetch: undefined, forClause: undefined,
    body: { kind: 'select', span, isDistinct: false, top: undefined, items, into: undefined, from: [], where: undefined, groupBy: undefined, having: undefined, windows: [] },
  }; // prettier-ignore
}

/** The values of expressions, all at the same instant. */
export async function evaluate(state: SessionState, frame: Frame, expressions: readonly Expression[]): Promise<readonly TypedValue[]> {
  const [first] = expressions;
  if (first === undefined) return [];
  const bound = await bindQuery(selectOf(expressions, first.span), sessionScope(state, frame));
  const [row] = await state.lease.rows(bound.sql, { signal: frame.signal });
  return bound.columns.map(({ type }, index) => ({ type, value: row?.[`c${index}`] ?? null }));
}

/** One value, converted to a type. */
export async function evaluateAs(state: SessionState, frame: Frame, expression: Expression, type: SqlServerType): Promise<TypedValue> {
  if (expression.kind === 'null') return { type, value: null };
  const [found] = await evaluate(state, frame, [castExpression(expression, type)]);
  return { type, value: found?.value ?? null };
}

/** The text that PRINT and EXEC take of an expression; undefined for NULL. */
export async function evaluateText(state: SessionState, frame: Frame, expression: Expression): Promise<string | undefined> {
  const { value } = await evaluateAs(state, frame, expression, { name: 'nvarchar', length: 'max' });
  return value === null ? undefined : String(value);
}

/** True when the condition is true: not when it is false or unknown. */
export async function test(state: SessionState, frame: Frame, condition: Condition): Promise<boolean> {
  const { span } = condition;
  const one: Expression = { kind: 'number', text: '1', form: 'integer', span };
  const zero: Expression = { kind: 'number', text: '0', form: 'integer', span };
  const [found] = await evaluate(state, frame, [
    { kind: 'case', operand: undefined, whens: [{ when: condition, then: one }], otherwise: zero, span },
  ]);
  return Number(found?.value ?? 0) === 1;
}

/** The type that a value from outside has when nobody says one. */
export function inferValueType(value: SqlValue): SqlServerType {
  switch (typeof value) {
    case 'boolean':
      return { name: 'bit' };
    case 'bigint':
      return value >= -(2n ** 63n) && value < 2n ** 63n ? { name: 'bigint' } : { name: 'decimal', precision: 38, scale: 0 };
    case 'number':
      return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? { name: 'int' } : { name: 'float' };
    default:
      return { name: 'nvarchar', length: 'max' };
  }
}
