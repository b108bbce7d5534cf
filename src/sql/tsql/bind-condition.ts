import { join, sql, type Sql, unsafeSql } from '#sql';

import type { Condition } from './ast.ts';
import { bindError, type BoundExpression, type Frame } from './bind-context.ts';
import { commonCollation, comparable } from './bind-operator.ts';
import { convert } from './convert.ts';
import { likeToRegex } from './like-pattern.ts';
import { isText } from './types.ts';

/** A search condition as a BOOLEAN of DuckDB, three-valued as everywhere in SQL. */
export async function bindCondition(condition: Condition, frame: Frame): Promise<Sql> {
  const { scope } = frame;
  const negate = (piece: Sql, isNot: boolean) => (isNot ? sql`(NOT ${piece})` : piece);
  switch (condition.kind) {
    case 'and':
    case 'or':
      return sql`(${await bindCondition(condition.left, frame)} ${unsafeSql(condition.kind.toUpperCase())} ${await bindCondition(condition.right, frame)})`;
    case 'not':
      return sql`(NOT ${await bindCondition(condition.operand, frame)})`;
    case 'comparison': {
      const { left, right } = comparable(
        scope,
        await frame.bind(condition.left, frame),
        await frame.bind(condition.right, frame),
        condition.span,
      );
      return sql`(${left} ${unsafeSql(condition.operator)} ${right})`;
    }
    case 'quantified': {
      const left = await frame.bind(condition.left, frame);
      const inner = await singleColumn(condition.query, frame);
      const pair = comparable(scope, left, { ...inner.value, sql: sql`q.v` }, condition.span);
      const rows = sql`(SELECT ${pair.right} FROM (${inner.sql}) AS q(v))`;
      return sql`(${pair.left} ${unsafeSql(condition.operator)} ${unsafeSql(condition.quantifier.toUpperCase())} ${rows})`;
    }
    case 'isNull': {
      const operand = await frame.bind(condition.operand, frame);
      return condition.isNot ? sql`(${operand.sql} IS NOT NULL)` : sql`(${operand.sql} IS NULL)`;
    }
    case 'isDistinct': {
      const { left, right } = comparable(
        scope,
        await frame.bind(condition.left, frame),
        await frame.bind(condition.right, frame),
        condition.span,
      );
      return sql`(${left} IS ${unsafeSql(condition.isNot ? 'NOT DISTINCT' : 'DISTINCT')} FROM ${right})`;
    }
    case 'between': {
      const operand = await frame.bind(condition.operand, frame);
      const low = comparable(scope, operand, await frame.bind(condition.low, frame), condition.span);
      const high = comparable(scope, operand, await frame.bind(condition.high, frame), condition.span);
      return negate(sql`(${low.left} >= ${low.right} AND ${high.left} <= ${high.right})`, condition.isNot);
    }
    case 'in':
      return await bindIn(condition, frame);
    case 'like':
      return await bindLike(condition, frame);
    case 'exists':
      return sql`EXISTS (${(await frame.bindQuery(condition.query, frame)).sql})`;
    case 'currentOf':
      throw bindError(scope, 'SQL_NOT_SUPPORTED', `WHERE CURRENT OF ${condition.cursor} is not supported`, condition.span);
  }
}

async function singleColumn(
  query: Extract<Condition, { kind: 'quantified' }>['query'],
  frame: Frame,
): Promise<{ sql: Sql; value: BoundExpression }> {
  const { sql: text, columns } = await frame.bindQuery(query, frame);
  const [column] = columns;
  if (column === undefined || columns.length !== 1)
    throw bindError(frame.scope, 'SQL_SYNTAX', 'the query must have one column here', query.span);
  return { sql: text, value: { sql: text, type: column.type, nullable: true } };
}

async function bindIn(condition: Extract<Condition, { kind: 'in' }>, frame: Frame): Promise<Sql> {
  const operand = await frame.bind(condition.operand, frame);
  const word = unsafeSql(condition.isNot ? 'NOT IN' : 'IN');
  if ('body' in condition.values) {
    const inner = await singleColumn(condition.values, frame);
    const pair = comparable(frame.scope, operand, { ...inner.value, sql: sql`q.v` }, condition.span);
    return sql`(${pair.left} ${word} (SELECT ${pair.right} FROM (${inner.sql}) AS q(v)))`;
  }
  const values = await Promise.all(condition.values.map((value) => frame.bind(value, frame)));
  const pairs = values.map((value) => comparable(frame.scope, operand, value, condition.span));
  const sameLeft = values.every((value) => isText(value.type) === isText(operand.type));
  if (sameLeft && pairs[0] !== undefined) return sql`(${pairs[0].left} ${word} (${join(pairs.map((pair) => pair.right))}))`;
  const any = join(
    pairs.map((pair) => sql`${pair.left} = ${pair.right}`),
    ' OR ',
  );
  return condition.isNot ? sql`(NOT (${any}))` : sql`(${any})`;
}

/** LIKE with SQL Server's character classes goes by a regular expression; without them by the engine's own LIKE. */
async function bindLike(condition: Extract<Condition, { kind: 'like' }>, frame: Frame): Promise<Sql> {
  const { scope } = frame;
  const text = { name: 'nvarchar', length: 'max' } as const;
  const operand = convert(scope, await frame.bind(condition.operand, frame), text, condition.span);
  const pattern = await frame.bind(condition.pattern, frame);
  const escape = condition.escape === undefined ? undefined : await frame.bind(condition.escape, frame);
  const collation = commonCollation(operand, pattern);
  const fold = (piece: Sql) => (collation === 'caseSensitive' ? piece : sql`lower(${piece})`);
  if (typeof pattern.constant !== 'string') {
    // A pattern that is only known when it runs: classes in it cannot be translated, so they are refused then.
    const value = convert(scope, pattern, text, condition.span).sql;
    const checked = sql`CASE WHEN contains(${value}, '[') THEN error('a LIKE pattern with [ ] that is not a constant is not supported') ELSE ${value} END`;
    const escaped = escape === undefined ? sql`` : sql` ESCAPE ${escape.sql}`;
    const found = sql`(${fold(operand.sql)} LIKE ${fold(checked)}${escaped})`;
    return condition.isNot ? sql`(NOT ${found})` : found;
  }
  if (escape !== undefined && typeof escape.constant !== 'string')
    throw bindError(scope, 'SQL_NOT_SUPPORTED', 'an ESCAPE that is not a constant is not supported', condition.span);
  const expression = likeToRegex(pattern.constant, typeof escape?.constant === 'string' ? escape.constant : undefined);
  const options = collation === 'caseSensitive' ? 's' : 'is';
  const found = sql`regexp_full_match(${operand.sql}, ${expression}, ${unsafeSql(`'${options}'`)})`;
  return condition.isNot ? sql`(NOT ${found})` : found;
}
