import { join, literal, sql, type Sql, unsafeSql } from '#sql';

import type { FunctionCall } from './ast.ts';
import { anyText, int, isNational, textLength } from './bind-call.ts';
import { bindError, type BoundExpression, type Frame } from './bind-context.ts';
import { bindOrder, bindOver } from './bind-expression.ts';
import { comparisonKey, divideDecimals } from './bind-operator.ts';
import { convert } from './convert.ts';
import { decimalShape, engineType, isInteger, isNumeric, isText, type SqlServerType } from './types.ts';

const aggregates = new Set('COUNT COUNT_BIG SUM AVG MIN MAX STDEV STDEVP VAR VARP STRING_AGG APPROX_COUNT_DISTINCT GROUPING'.split(' '));

export const isAggregate = (name: string): boolean => aggregates.has(name);

type Aggregate = {
  readonly name: string;
  readonly node: FunctionCall;
  /** Where the arguments are bound: inside an aggregate the grouped columns are themselves. */
  readonly frame: Frame;
  readonly over: Sql;
  readonly distinct: Sql;
};

const cast = (piece: Sql, type: SqlServerType): BoundExpression => ({
  sql: sql`CAST(${piece} AS ${unsafeSql(engineType(type))})`,
  type,
  nullable: true,
});

export async function bindAggregate(name: string, node: FunctionCall, outer: Frame): Promise<BoundExpression> {
  const { groupKeys: _, hasGroupingSets: __, ...frame } = outer;
  const over = node.over === undefined ? sql`` : sql` ${await bindOver(node.over, outer)}`;
  const aggregate: Aggregate = { name, node, frame, over, distinct: node.isDistinct ? sql`DISTINCT ` : sql`` };
  const [first] = node.args;
  if (first === undefined) throw bindError(frame.scope, 'SQL_SYNTAX', `${name} takes an argument`, node.span);
  if (name === 'COUNT' || name === 'COUNT_BIG') {
    const type: SqlServerType = { name: name === 'COUNT' ? 'int' : 'bigint' };
    const value = first.kind === 'star' ? undefined : await frame.bind(first, frame);
    const argument = value === undefined ? sql`*` : node.isDistinct ? comparisonKey(value) : value.sql;
    return { ...cast(sql`count(${aggregate.distinct}${argument})${over}`, type), nullable: false };
  }
  const value = await frame.bind(first, frame);
  if (name === 'STRING_AGG') return await bindStringAgg(aggregate, value);
  return bindOfValue(aggregate, value);
}

function bindOfValue(aggregate: Aggregate, value: BoundExpression): BoundExpression {
  const { name, node, over, distinct, frame } = aggregate;
  const call = (fn: string, argument: Sql = value.sql) => sql`${unsafeSql(fn)}(${distinct}${argument})${over}`;
  const requireNumber = () => {
    if (!isNumeric(value.type) || value.type.name === 'bit')
      throw bindError(frame.scope, 'SQL_TYPE', `${name} takes numbers, not ${value.type.name}`, node.span);
  };
  switch (name) {
    case 'MIN':
    case 'MAX': {
      if (value.type.name === 'bit') throw bindError(frame.scope, 'SQL_TYPE', `${name} takes no bit`, node.span);
      if (!isText(value.type)) return { sql: call(name.toLowerCase()), type: value.type, nullable: true };
      const by = unsafeSql(name === 'MIN' ? 'arg_min' : 'arg_max');
      const collation = value.collation === undefined ? {} : { collation: value.collation };
      return { sql: sql`${by}(${value.sql}, ${comparisonKey(value)})${over}`, type: value.type, nullable: true, ...collation };
    }
    case 'SUM':
      requireNumber();
      return cast(call('sum'), sumType(value.type));
    case 'AVG':
      requireNumber();
      return average(call, value.type);
    case 'STDEV':
    case 'STDEVP':
    case 'VAR':
    case 'VARP': {
      requireNumber();
      const fn = { STDEV: 'stddev_samp', STDEVP: 'stddev_pop', VAR: 'var_samp', VARP: 'var_pop' }[name];
      return cast(call(fn, sql`CAST(${value.sql} AS DOUBLE)`), { name: 'float' });
    }
    case 'APPROX_COUNT_DISTINCT':
      return cast(sql`approx_count_distinct(${comparisonKey(value)})${over}`, { name: 'bigint' });
    default:
      return cast(sql`grouping(${comparisonKey(value)})`, { name: 'tinyint' });
  }
}

/** The average of integers is an integer; of decimals the exact sum divided, cut like any quotient of decimals. */
function average(call: (fn: string) => Sql, of: SqlServerType): BoundExpression {
  const type = sumType(of);
  const count = sql`nullif(${call('count')}, 0)`;
  if (type.name === 'float') return cast(call('avg'), type);
  if (isInteger(type)) return cast(sql`(${call('sum')} // ${count})`, type);
  const { scale } = decimalShape(of);
  const result: SqlServerType = type.name === 'money' ? type : { name: 'decimal', precision: 38, scale: Math.max(scale, 6) };
  const quotient = divideDecimals(
    { value: call('sum'), scale },
    { value: count, scale: 0 },
    decimalShape(result).scale,
    engineType(result),
  );
  return { sql: quotient, type: result, nullable: true };
}

function sumType(type: SqlServerType): SqlServerType {
  if (type.name === 'bigint') return type;
  if (isInteger(type)) return int;
  if (type.name === 'money' || type.name === 'smallmoney') return { name: 'money' };
  if (type.name === 'decimal') return { name: 'decimal', precision: 38, scale: type.scale ?? 0 };
  return { name: 'float' };
}

async function bindStringAgg({ node, frame, over }: Aggregate, value: BoundExpression): Promise<BoundExpression> {
  const [, separatorNode] = node.args;
  if (separatorNode === undefined) throw bindError(frame.scope, 'SQL_SYNTAX', 'STRING_AGG takes a separator', node.span);
  const separator = convert(frame.scope, await frame.bind(separatorNode, frame), anyText, node.span);
  const order = node.withinGroup === undefined ? [] : await bindOrder(node.withinGroup, frame);
  const by = order.length === 0 ? sql`` : sql` ORDER BY ${join(order)}`;
  const isPlain = isText(value.type) && !isNational(value.type);
  const length = isText(value.type) && textLength(value) === 'max' ? 'max' : isPlain ? 8000 : 4000;
  const text = convert(frame.scope, value, anyText, node.span).sql;
  const joined = sql`string_agg(${text}, ${separator.sql}${by})${over}`;
  const problem = 'STRING_AGG aggregation result exceeded the limit of 8000 bytes. Use LOB types to avoid result truncation.';
  return {
    sql: length === 'max' ? joined : sql`CASE WHEN length(${joined}) <= ${literal(length)} THEN ${joined} WHEN ${joined} IS NOT NULL THEN error(${literal(`Msg 9829: ${problem}`)}) END`,
    type: { name: isPlain ? 'varchar' : 'nvarchar', length },
    nullable: true,
  }; // prettier-ignore
}

const windowFunctions: Readonly<Record<string, SqlServerType | 'argument'>> = {
  ROW_NUMBER: { name: 'bigint' }, RANK: { name: 'bigint' }, DENSE_RANK: { name: 'bigint' }, NTILE: { name: 'bigint' }, PERCENT_RANK: { name: 'float' }, CUME_DIST: { name: 'float' },
  LAG: 'argument', LEAD: 'argument', FIRST_VALUE: 'argument', LAST_VALUE: 'argument',
}; // prettier-ignore

export const isWindowFunction = (name: string): boolean => name in windowFunctions;

export async function bindWindowFunction(name: string, node: FunctionCall, frame: Frame): Promise<BoundExpression> {
  if (node.over === undefined) throw bindError(frame.scope, 'SQL_SYNTAX', `${name} needs OVER (...)`, node.span);
  if (node.over.orderBy.length === 0 && node.over.name === undefined)
    throw bindError(frame.scope, 'SQL_SYNTAX', `${name} needs ORDER BY in its OVER`, node.span);
  const args = await Promise.all(node.args.map((arg) => frame.bind(arg, frame)));
  const result = windowFunctions[name];
  const [first] = args;
  const type = result === 'argument' ? first?.type : result;
  if (type === undefined) throw bindError(frame.scope, 'SQL_SYNTAX', `${name} takes an argument`, node.span);
  const values = args.map((arg, index) => (index === 2 ? convert(frame.scope, arg, type, node.span).sql : arg.sql));
  const nulls = node.nulls === 'ignore' ? sql` IGNORE NULLS` : sql``;
  const call = sql`${unsafeSql(name.toLowerCase())}(${join(values)}${nulls}) ${await bindOver(node.over, frame)}`;
  return { sql: call, type, nullable: true, ...(first?.collation === undefined ? {} : { collation: first.collation }) };
}
