import { LakesteadError } from '#core';
import { bindQuery, type Expression, placeOf, type Query, type Select, type SelectItem, type Statement, type TypedValue } from '#tsql';

import { castExpression, evaluateAs } from './evaluate.ts';
import { sessionScope } from './session-scope.ts';
import type { Frame, SessionState } from './session-state.ts';

function getVariable(frame: Frame, name: string, offset: number): TypedValue {
  const found = frame.variables.get(name.toLowerCase());
  if (found !== undefined) return found;
  throw new LakesteadError('SQL_NAME_NOT_FOUND', `the variable ${name} is not declared`, {
    place: placeOf(frame.text, offset),
    data: { number: 137 },
  });
}

/** `@a += x` as `@a + x`. */
function assigned(variable: string, operator: string, value: Expression): Expression {
  const binary = ({ '+=': '+', '-=': '-', '*=': '*', '/=': '/', '%=': '%', '&=': '&', '|=': '|', '^=': '^' } as const)[operator];
  if (binary === undefined) return value;
  return {
    kind: 'binaryOperation',
    operator: binary,
    left: { kind: 'variable', name: variable, span: value.span },
    right: value,
    span: value.span,
  };
}

/** SET @a = x, and its compound forms. */
export async function assignVariable(state: SessionState, frame: Frame, statement: Statement & { kind: 'setVariable' }): Promise<void> {
  const { variable, operator, value, span } = statement;
  const { type } = getVariable(frame, variable, span.start);
  frame.variables.set(variable.toLowerCase(), await evaluateAs(state, frame, assigned(variable, operator, value), type));
}

/**
 * SELECT @a = x, @b = y FROM ...: the last row's values stay; without rows the variables keep theirs. Gives the number
 * of rows. A variable that is built up from itself is only taken where there is one row.
 */
export async function selectIntoVariables(state: SessionState, frame: Frame, query: Query, body: Select): Promise<bigint> {
  const targets = body.items.map(({ assign, span }) => {
    if (assign !== undefined) return { ...assign, type: getVariable(frame, assign.variable, span.start).type };
    throw new LakesteadError('SQL_SYNTAX', 'a SELECT that assigns to variables cannot return columns as well', {
      place: placeOf(frame.text, span.start),
    });
  });
  const items = body.items.map((item, index): SelectItem => {
    const target = targets[index];
    if (target === undefined) return item;
    return {
      ...item,
      assign: undefined,
      alias: `c${index}`,
      expression: castExpression(assigned(target.variable, target.operator, item.expression), target.type),
    };
  });
  const bound = await bindQuery({ ...query, body: { ...body, items } }, sessionScope(state, frame));
  const { batches } = await state.lease.stream(bound.sql, { signal: frame.signal });
  let rows = 0n;
  let last: TypedValue['value'][] | undefined;
  for await (const batch of batches) {
    rows += BigInt(batch.rowCount);
    if (batch.rowCount > 0) last = batch.columns.map((column) => column[batch.rowCount - 1] ?? null);
  }
  if (last === undefined) return rows;
  const names = new Set(targets.map(({ variable }) => variable.toLowerCase()));
  if (rows > 1n && (targets.some(({ operator }) => operator !== '=') || body.items.some(({ expression }) => mentions(expression, names)))) {
    throw new LakesteadError('SQL_NOT_SUPPORTED', `a variable that is built up from itself over ${rows} rows is not supported`, {
      place: placeOf(frame.text, query.span.start),
      hint: 'use STRING_AGG, SUM or another aggregate',
    });
  }
  targets.forEach(({ variable, type }, index) => frame.variables.set(variable.toLowerCase(), { type, value: last[index] ?? null }));
  return rows;
}

/** True when a tree names one of these variables. */
function mentions(node: unknown, names: ReadonlySet<string>): boolean {
  if (Array.isArray(node)) return node.some((item) => mentions(item, names));
  if (typeof node !== 'object' || node === null) return false;
  if ('kind' in node && node.kind === 'variable' && 'name' in node && names.has(String(node.name).toLowerCase())) return true;
  return Object.values(node).some((child) => mentions(child, names));
}
