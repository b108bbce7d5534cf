import { join, literal, render, sql, type Sql, unsafeSql } from '#sql';

import type { Expression, FunctionCall, Name, Window } from './ast.ts';
import { bindCondition } from './bind-condition.ts';
import { bindError, type BoundExpression, type Frame, nameError } from './bind-context.ts';
import { bindFunction } from './bind-functions.ts';
import { bindOperation, bindSign, commonCollation, commonTypeOf, comparable, comparisonKey } from './bind-operator.ts';
import { convert } from './convert.ts';
import { engineType, isText, makeType, type SqlServerType } from './types.ts';

/** A value translated: its SQL for the engine and SQL Server's type of it. */
export async function bindExpression(expression: Expression, frame: Frame): Promise<BoundExpression> {
  const bound = await bindBare(expression, frame);
  // Text is grouped without case and trailing blanks: what was grouped stands for any value of its group.
  if (frame.groupKeys !== undefined && isText(bound.type) && frame.groupKeys.has(keyOf(bound.sql)))
    return {
      ...bound,
      nullable: bound.nullable || frame.hasGroupingSets === true,
      sql: frame.hasGroupingSets
        ? sql`CASE WHEN grouping(${comparisonKey(bound)}) = 0 THEN any_value(${bound.sql}) END`
        : sql`any_value(${bound.sql})`,
    };
  return bound;
}

/** The identity of a piece of SQL, to find the same expression again. */
export function keyOf(piece: Sql): string {
  const { text, values } = render(piece);
  return `${text}\u0000${values.map((value) => `${typeof value}:${String(value)}`).join('\u0000')}`;
}

async function bindBare(expression: Expression, frame: Frame): Promise<BoundExpression> {
  const { scope } = frame;
  switch (expression.kind) {
    case 'null':
      return { sql: sql`NULL`, type: { name: 'int' }, nullable: true, isNull: true };
    case 'string':
      return bindString(expression.value, expression.isNational);
    case 'number':
      return bindNumber(expression.text, expression.form);
    case 'binary': {
      const hex = expression.hex.length % 2 === 0 ? expression.hex : `0${expression.hex}`;
      return { sql: sql`unhex(${literal(hex)})`, type: { name: 'varbinary', length: Math.max(1, hex.length / 2) }, nullable: false };
    }
    case 'variable': {
      const variable = scope.findVariable(expression.name);
      if (variable === undefined)
        throw bindError(
          scope,
          'SQL_NAME_NOT_FOUND',
          `the variable ${expression.name} is not declared`,
          expression.span,
          `DECLARE ${expression.name} ...`,
        );
      const { type, value } = variable;
      const constant = typeof value === 'string' || typeof value === 'number' ? { constant: value } : {};
      return { sql: sql`CAST(${value} AS ${unsafeSql(engineType(type))})`, type, nullable: value === null, ...constant };
    }
    case 'global': {
      const value = await scope.sessionValue(expression.name.toUpperCase(), []);
      if (value === undefined) throw bindError(scope, 'SQL_NOT_SUPPORTED', `${expression.name} is not supported`, expression.span);
      return { sql: sql`CAST(${value.value} AS ${unsafeSql(engineType(value.type))})`, type: value.type, nullable: value.value === null };
    }
    case 'column':
      return bindColumn(expression.name, frame);
    case 'unary': {
      const operand = await frame.bind(expression.operand, frame);
      return bindSign(scope, expression.operator, operand, expression.span);
    }
    case 'binaryOperation':
      return bindOperation(
        scope,
        expression.operator,
        await frame.bind(expression.left, frame),
        await frame.bind(expression.right, frame),
        expression.span,
      );
    case 'collate': {
      const operand = await frame.bind(expression.operand, frame);
      return { ...operand, collation: /_BIN2?(?:_|$)|_CS_/i.test(expression.collation) ? 'caseSensitive' : 'caseInsensitive' };
    }
    case 'case':
      return await bindCase(expression, frame);
    case 'cast': {
      const type = typeOf(frame, expression.type, 30);
      return explicit(convert(scope, await frame.bind(expression.operand, frame), type, expression.span, { isTry: expression.isTry }));
    }
    case 'convert': {
      const type = typeOf(frame, expression.type, 30);
      const style = expression.style === undefined ? undefined : (await frame.bind(expression.style, frame)).constant;
      if (expression.style !== undefined && typeof style !== 'number')
        throw bindError(scope, 'SQL_NOT_SUPPORTED', 'a style of CONVERT that is not a constant is not supported', expression.style.span);
      const operand = await frame.bind(expression.operand, frame);
      return explicit(
        convert(scope, operand, type, expression.span, { isTry: expression.isTry, ...(typeof style === 'number' ? { style } : {}) }),
      );
    }
    case 'parse':
      throw bindError(
        scope,
        'SQL_NOT_SUPPORTED',
        `${expression.isTry ? 'TRY_PARSE' : 'PARSE'} is not supported`,
        expression.span,
        'use TRY_CAST or CONVERT with a style',
      );
    case 'call':
      return await bindCall(expression, frame);
    case 'subquery': {
      const query = await frame.bindQuery(expression.query, frame);
      const [column] = query.columns;
      if (column === undefined || query.columns.length !== 1)
        throw bindError(scope, 'SQL_SYNTAX', 'a query used as a value must have one column', expression.span);
      return { sql: sql`(${query.sql})`, type: column.type, nullable: true };
    }
    case 'atTimeZone':
      throw bindError(scope, 'SQL_NOT_SUPPORTED', 'AT TIME ZONE is not supported', expression.span);
    case 'nextValue':
      throw bindError(scope, 'SQL_NOT_SUPPORTED', 'NEXT VALUE FOR is not supported', expression.span);
    case 'star':
      throw bindError(scope, 'SQL_SYNTAX', '* cannot stand here', expression.span);
    case 'default':
      throw bindError(scope, 'SQL_SYNTAX', 'DEFAULT cannot stand here', expression.span);
    case 'words':
      throw bindError(scope, 'SQL_NOT_SUPPORTED', `${expression.words} is not supported`, expression.span);
  }
}

/** A value whose type somebody wrote: it is no bare literal any more. */
function explicit(value: BoundExpression): BoundExpression {
  const { digits: _, ...rest } = value;
  return rest;
}

function bindString(value: string, isNational: boolean): BoundExpression {
  const length = Math.max(1, value.length);
  const limit = isNational ? 4000 : 8000;
  return {
    sql: literal(value),
    type: { name: isNational ? 'nvarchar' : 'varchar', length: length > limit ? 'max' : length },
    nullable: false,
    constant: value,
  };
}

function bindNumber(text: string, form: 'integer' | 'decimal' | 'float' | 'money'): BoundExpression {
  const plain = text.replaceAll(/\s/g, '');
  if (form === 'float')
    return { sql: sql`CAST(${literal(plain)} AS DOUBLE)`, type: { name: 'float' }, nullable: false, constant: Number(plain) };
  if (form === 'money') return { sql: sql`CAST(${literal(plain)} AS DECIMAL(19,4))`, type: { name: 'money' }, nullable: false };
  if (form === 'integer' && BigInt(plain) <= 2_147_483_647n)
    return {
      sql: unsafeSql(plain),
      type: { name: 'int' },
      nullable: false,
      constant: Number(plain),
      digits: plain.replace(/^0+(?=\d)/, '').length,
    };
  const [whole = '', fraction = ''] = plain.split('.');
  const digits = whole.replace(/^0+/, '');
  const precision = Math.max(1, digits.length + fraction.length);
  const type: SqlServerType = { name: 'decimal', precision, scale: fraction.length };
  return { sql: sql`CAST(${literal(plain)} AS ${unsafeSql(engineType(type))})`, type, nullable: false, constant: Number(plain) };
}

/** The type that a type name stands for. */
export function typeOf(frame: Frame, name: Extract<Expression, { kind: 'cast' }>['type'], defaultLength: number): SqlServerType {
  const last = name.name.parts.at(-1) ?? '';
  if (name.name.parts.length > 1 && name.name.parts[0]?.toLowerCase() !== 'sys') {
    throw bindError(frame.scope, 'SQL_NOT_SUPPORTED', `the user-defined type ${name.name.parts.join('.')} is not supported`, name.span);
  }
  try {
    return makeType(last, name.args, defaultLength);
  } catch (error) {
    throw bindError(frame.scope, 'SQL_TYPE', error instanceof Error ? error.message : String(error), name.span);
  }
}

function bindColumn(name: Name, frame: Frame): BoundExpression {
  const column = name.parts.at(-1) ?? '';
  const qualifier = name.parts.slice(0, -1);
  for (let at: Frame | undefined = frame; at !== undefined; at = at.parent) {
    const candidates = at.sources.filter((source) => qualifier.length === 0 || answersTo(source.qualifiers, qualifier));
    const found = candidates.flatMap((source) => source.columns.filter((one) => same(one.name, column)).map((one) => ({ source, one })));
    if (found.length > 1)
      throw bindError(
        frame.scope,
        'SQL_SYNTAX',
        `the column ${name.parts.join('.')} is ambiguous: ${found.map(({ source }) => source.alias).join(' and ')} have it`,
        name.span,
      );
    const [match] = found;
    if (match !== undefined)
      return { sql: columnSql(match.source.alias, match.one.name), type: match.one.type, nullable: match.one.nullable };
    if (qualifier.length > 0 && candidates.length > 0) break;
  }
  const known = frame.sources.flatMap((source) => source.columns.map((one) => one.name));
  throw nameError(frame.scope, 'column', name.parts.join('.'), name.span, known);
}

/** A column of a source, as the generated SQL names it. */
export function columnSql(alias: string, column: string): Sql {
  const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
  return unsafeSql(`${quote(alias)}.${quote(column)}`);
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** `dbo.t.a` finds the source t of dbo; an alias has one part. */
export function answersTo(qualifiers: readonly string[], wanted: readonly string[]): boolean {
  if (wanted.length > qualifiers.length) return false;
  return wanted.every((part, index) => part === '' || same(part, qualifiers[qualifiers.length - wanted.length + index] ?? ''));
}

async function bindCase(expression: Extract<Expression, { kind: 'case' }>, frame: Frame): Promise<BoundExpression> {
  const { scope } = frame;
  const operand = expression.operand === undefined ? undefined : await frame.bind(expression.operand, frame);
  const conditions: Sql[] = [];
  for (const { when } of expression.whens) {
    if (operand === undefined) conditions.push(await bindCondition(when as Parameters<typeof bindCondition>[0], frame)); // the parser gives conditions to a searched CASE
    else {
      const { left, right } = comparable(scope, operand, await frame.bind(when as Expression, frame), when.span); // and expressions to a simple one
      conditions.push(sql`${left} = ${right}`);
    }
  }
  const values = await Promise.all(expression.whens.map(({ then }) => frame.bind(then, frame)));
  const otherwise = expression.otherwise === undefined ? undefined : await frame.bind(expression.otherwise, frame);
  const all = [...values, ...(otherwise === undefined ? [] : [otherwise])];
  const type = commonTypeOf(all);
  const value = (one: BoundExpression) => convert(scope, one, type, expression.span).sql;
  const branches = values.map((one, index) => sql`WHEN ${conditions[index] ?? sql`false`} THEN ${value(one)}`);
  const last = otherwise === undefined ? sql`` : sql` ELSE ${value(otherwise)}`;
  return {
    sql: sql`CASE ${join(branches, ' ')}${last} END`,
    type,
    nullable: otherwise === undefined || all.some((one) => one.nullable),
    collation: commonCollation(...all),
  };
}

async function bindCall(call: FunctionCall, frame: Frame): Promise<BoundExpression> {
  const { scope } = frame;
  const name = call.name.parts.join('.');
  if (call.target !== undefined) throw bindError(scope, 'SQL_NOT_SUPPORTED', `the method ${name} of a value is not supported`, call.span);
  const bound = await bindFunction(call, frame);
  if (bound !== undefined) return bound;
  if (call.name.parts.length > 1)
    throw bindError(scope, 'SQL_NOT_SUPPORTED', `the user-defined function ${name} is not supported`, call.span);
  throw bindError(scope, 'SQL_NOT_SUPPORTED', `the function ${name} is not supported`, call.span);
}

/** `OVER (...)` as SQL of the engine: NULLs sort first ascending, last descending. */
export async function bindOver(window: Window, frame: Frame): Promise<Sql> {
  const named = window.name === undefined ? undefined : frame.windows?.get(window.name.toLowerCase());
  if (window.name !== undefined && named === undefined)
    throw bindError(frame.scope, 'SQL_NAME_NOT_FOUND', `there is no window ${window.name}`, { start: 0, end: 0 });
  const full: Window =
    named === undefined
      ? window
      : {
          ...named,
          ...(window.orderBy.length > 0 ? { orderBy: window.orderBy } : {}),
          ...(window.frame === undefined ? {} : { frame: window.frame }),
        };
  const partitions = await Promise.all(full.partitionBy.map(async (one) => comparisonKey(await frame.bind(one, frame))));
  const order = await bindOrder(full.orderBy, frame);
  const parts = [
    ...(partitions.length === 0 ? [] : [sql`PARTITION BY ${join(partitions)}`]),
    ...(order.length === 0 ? [] : [sql`ORDER BY ${join(order)}`]),
    ...(full.frame === undefined ? [] : [await bindFrame(full.frame, frame)]),
  ];
  return sql`OVER (${join(parts, ' ')})`;
}

async function bindFrame(bounds: NonNullable<Window['frame']>, frame: Frame): Promise<Sql> {
  const bound = async (one: typeof bounds.from): Promise<Sql> => {
    switch (one.bound) {
      case 'unboundedPreceding':
        return sql`UNBOUNDED PRECEDING`;
      case 'unboundedFollowing':
        return sql`UNBOUNDED FOLLOWING`;
      case 'currentRow':
        return sql`CURRENT ROW`;
      default:
        return sql`${(await frame.bind(one.offset, frame)).sql} ${unsafeSql(one.bound.toUpperCase())}`;
    }
  };
  const to = bounds.to === undefined ? sql`CURRENT ROW` : await bound(bounds.to);
  return sql`${unsafeSql(bounds.unit)} BETWEEN ${await bound(bounds.from)} AND ${to}`;
}

/** The items of an ORDER BY inside a window or an aggregate. */
export async function bindOrder(items: Window['orderBy'], frame: Frame): Promise<Sql[]> {
  const bound = await Promise.all(
    items.map(async (item) => {
      // ORDER BY (SELECT NULL) is how T-SQL says "in any order".
      if (item.expression.kind === 'subquery') return undefined;
      return orderBy(await frame.bind(item.expression, frame), item.isDescending);
    }),
  );
  return bound.filter((one) => one !== undefined);
}

/** One key of an ORDER BY. */
export function orderBy(value: BoundExpression, isDescending: boolean): Sql {
  return sql`${comparisonKey(value)} ${unsafeSql(isDescending ? 'DESC NULLS LAST' : 'ASC NULLS FIRST')}`;
}
