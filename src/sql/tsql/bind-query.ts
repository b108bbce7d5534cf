import { ident, join, sql, type Sql, unsafeSql } from '#sql';

import type { CommonTable, Expression, GroupBy, GroupItem, OrderItem, Query, QueryBody, Select, SelectItem } from './ast.ts';
import { bindCondition } from './bind-condition.ts';
import { bindError, type BoundExpression, type BoundQuery, type Frame } from './bind-context.ts';
import { answersTo, bindExpression, columnSql, keyOf, orderBy } from './bind-expression.ts';
import { commonTypeOf, comparisonKey } from './bind-operator.ts';
import { bindSources } from './bind-source.ts';
import { convert } from './convert.ts';
import { raise } from './raise.ts';
import type { BindScope, BoundColumn } from './scope.ts';
import { isText } from './types.ts';

/**
 * A query as SQL of the engine. The columns of the result stand in the order of `columns`; one without a name has ''.
 * Tables, views and rowsets are resolved through `scope` on the way.
 *
 * @throws SQL_NAME_NOT_FOUND, SQL_TYPE, SQL_NOT_SUPPORTED, each with line and column
 */
export async function bindQuery(query: Query, scope: BindScope): Promise<BoundQuery> {
  return await bindInner(query, rootFrame(scope));
}

/** The frame of a statement: no sources yet. */
export function rootFrame(scope: BindScope): Frame {
  return { scope, sources: [], parent: undefined, commonTables: new Map(), bindQuery: bindInner, bind: bindExpression };
}

async function bindInner(query: Query, outer: Frame): Promise<BoundQuery> {
  const { scope } = outer;
  if (query.forClause !== undefined)
    throw bindError(scope, 'SQL_NOT_SUPPORTED', `FOR ${query.forClause.format} is not supported`, query.forClause.span);
  const { prefix, frame } = await bindCommonTables(query.with, outer);
  const bound = await bindOrdered(query, frame);
  return { ...bound, sql: sql`${prefix}${bound.sql}` };
}

/** `WITH ...` of the engine, and a frame that knows its tables. A table that names itself is recursive. */
export async function bindCommonTables(tables: readonly CommonTable[], outer: Frame): Promise<{ prefix: Sql; frame: Frame }> {
  if (tables.length === 0) return { prefix: sql``, frame: outer };
  const known = new Map(outer.commonTables);
  const frame: Frame = { ...outer, commonTables: known };
  const pieces: Sql[] = [];
  for (const table of tables) {
    const bound = await bindCommonTable(table, frame, known);
    const columns = bound.columns.map((column, index) => ({ ...column, name: table.columns[index] ?? column.name }));
    if (columns.some(({ name }) => name === ''))
      throw bindError(outer.scope, 'SQL_SYNTAX', `a column of ${table.name} has no name`, table.span);
    known.set(table.name.toLowerCase(), columns);
    pieces.push(sql`${ident(table.name)}(${join(columns.map(({ name }) => ident(name)))}) AS (${bound.sql})`);
  }
  return { prefix: sql`WITH RECURSIVE ${join(pieces)} `, frame };
}

async function bindCommonTable(table: CommonTable, frame: Frame, known: Map<string, readonly BoundColumn[]>): Promise<BoundQuery> {
  const { body } = table.query;
  if (body.kind !== 'set' || body.operator !== 'UNION ALL') return await bindInner(table.query, frame);
  // The anchor's columns are the table's: the part after UNION ALL may name the table itself.
  const anchor = await bindBody(body.left, frame);
  known.set(
    table.name.toLowerCase(),
    anchor.columns.map((column, index) => ({ ...column, name: table.columns[index] ?? column.name })),
  );
  const next = await bindBody(body.right, frame);
  checkWidth(anchor, next, body, frame);
  const casts = next.columns.map((column, index) => {
    const to = anchor.columns[index] ?? column;
    return convert(frame.scope, { sql: columnSql('r', `c${index}`), type: column.type, nullable: true }, to.type, body.span).sql;
  });
  return {
    ...anchor,
    sql: sql`(${anchor.sql}) UNION ALL (SELECT ${join(casts)} FROM (${next.sql}) AS r(${join(next.columns.map((_, index) => ident(`c${index}`)))}))`,
  };
}

async function bindOrdered(query: Query, frame: Frame): Promise<BoundQuery> {
  const limits = {
    offset:
      query.offset === undefined
        ? undefined
        : convert(frame.scope, await frame.bind(query.offset, frame), { name: 'bigint' }, query.offset.span).sql,
    fetch:
      query.fetch === undefined
        ? undefined
        : convert(frame.scope, await frame.bind(query.fetch, frame), { name: 'bigint' }, query.fetch.span).sql,
  };
  const tail = sql`${limits.fetch === undefined ? sql`` : sql` LIMIT ${limits.fetch}`}${limits.offset === undefined ? sql`` : sql` OFFSET ${limits.offset}`}`;
  if (query.body.kind === 'select') return await bindSelect(query.body, query.orderBy, tail, frame);
  const body = await bindBody(query.body, frame);
  if (query.orderBy.length === 0) return { ...body, sql: sql`${body.sql}${tail}` };
  return { ...body, sql: sql`${orderOutside(body, query.orderBy, frame)}${tail}` };
}

/** Orders a finished result by its own columns: by name or by position. */
function orderOutside(body: BoundQuery, items: readonly OrderItem[], frame: Frame, expressions: readonly BoundExpression[] = []): Sql {
  const keys = items.flatMap((item) => {
    if (item.expression.kind === 'subquery') return [];
    const index = outputIndex(item.expression, body.columns, frame);
    if (index === undefined) throw bindError(frame.scope, 'SQL_SYNTAX', 'ORDER BY must name a column of the result here', item.span);
    const column = body.columns[index];
    if (column === undefined) return [];
    const collation = expressions[index]?.collation;
    return [
      orderBy(
        { sql: columnSql('q', `c${index}`), type: column.type, nullable: true, ...(collation === undefined ? {} : { collation }) },
        item.isDescending,
      ),
    ];
  });
  const names = body.columns.map((_, index) => ident(`c${index}`));
  const out = body.columns.map((column, index) => sql`${columnSql('q', `c${index}`)} AS ${ident(outputName(column, index))}`);
  return sql`SELECT ${join(out)} FROM (${body.sql}) AS q(${join(names)})${keys.length === 0 ? sql`` : sql` ORDER BY ${join(keys)}`}`;
}

/** The column of the result that an ORDER BY item names, by position or name. */
function outputIndex(expression: Expression, columns: readonly { readonly name: string }[], frame: Frame): number | undefined {
  if (expression.kind === 'number' && expression.form === 'integer') {
    const position = Number(expression.text);
    if (position < 1 || position > columns.length)
      throw bindError(frame.scope, 'SQL_SYNTAX', `ORDER BY ${position}: the result has ${columns.length} columns`, expression.span);
    return position - 1;
  }
  if (expression.kind !== 'column' || expression.name.parts.length !== 1) return undefined;
  const name = (expression.name.parts[0] ?? '').toLowerCase();
  const index = columns.findIndex((column) => column.name.toLowerCase() === name);
  return index < 0 ? undefined : index;
}

/** The name that a column has in the engine: one without a name still needs one. */
function outputName(column: BoundColumn, index: number): string {
  return column.name === '' ? `_c${index}` : column.name;
}

async function bindBody(body: QueryBody, frame: Frame): Promise<BoundQuery> {
  switch (body.kind) {
    case 'select':
      return await bindSelect(body, [], sql``, frame);
    case 'values':
      return await bindValues(body.rows, body, frame);
    case 'set':
      return await bindSet(body, frame);
  }
}

async function bindValues(rows: readonly (readonly Expression[])[], body: QueryBody, frame: Frame): Promise<BoundQuery> {
  const bound = await Promise.all(rows.map((row) => Promise.all(row.map((value) => frame.bind(value, frame)))));
  const width = bound[0]?.length ?? 0;
  if (bound.some((row) => row.length !== width))
    throw bindError(frame.scope, 'SQL_SYNTAX', 'the rows of VALUES have different numbers of values', body.span);
  const columns = Array.from({ length: width }, (_, index) => {
    const values = bound.map((row) => row[index]).filter((value) => value !== undefined);
    return { name: '', type: commonTypeOf(values), nullable: values.some((value) => value.nullable) };
  });
  const lines = bound.map(
    (row) => sql`(${join(row.map((value, index) => convert(frame.scope, value, columns[index]?.type ?? value.type, body.span).sql))})`,
  );
  const names = columns.map((_, index) => ident(`_c${index}`));
  return { columns, sql: sql`SELECT * FROM (VALUES ${join(lines)}) AS v(${join(names)})` };
}

function checkWidth(left: BoundQuery, right: BoundQuery, body: QueryBody, frame: Frame): void {
  if (left.columns.length === right.columns.length) return;
  throw bindError(
    frame.scope,
    'SQL_SYNTAX',
    `both sides must have as many columns: ${left.columns.length} and ${right.columns.length}`,
    body.span,
  );
}

async function bindSet(body: Extract<QueryBody, { kind: 'set' }>, frame: Frame): Promise<BoundQuery> {
  const left = await bindBody(body.left, frame);
  const right = await bindBody(body.right, frame);
  checkWidth(left, right, body, frame);
  const columns = left.columns.map((column, index) => {
    const other = right.columns[index] ?? column;
    const type = commonTypeOf([
      { sql: sql``, ...column },
      { sql: sql``, ...other },
    ]);
    return { name: column.name, type, nullable: column.nullable || other.nullable };
  });
  const side = (query: BoundQuery, alias: string) => {
    const names = query.columns.map((_, index) => ident(`c${index}`));
    const values = query.columns.map((column, index) => {
      const to = columns[index]?.type ?? column.type;
      const value = convert(frame.scope, { sql: columnSql(alias, `c${index}`), type: column.type, nullable: true }, to, body.span).sql;
      return sql`${value} AS ${ident(outputName(columns[index] ?? column, index))}`;
    });
    return sql`SELECT ${join(values)} FROM (${query.sql}) AS ${ident(alias)}(${join(names)})`;
  };
  const [l, r] = [side(left, 'l'), side(right, 'r')];
  const hasText = columns.some(({ type }) => isText(type));
  const key = (alias: string, index: number) =>
    comparisonKey({ sql: columnSql(alias, `c${index}`), type: columns[index]?.type ?? { name: 'int' }, nullable: true });
  const names = columns.map((_, index) => ident(`c${index}`));
  const out = columns.map((column, index) => sql`${columnSql('q', `c${index}`)} AS ${ident(outputName(column, index))}`);
  const distinct = sql`DISTINCT ON (${join(columns.map((_, index) => key('q', index)))})`;
  const result = (text: Sql): BoundQuery => ({ columns, sql: text });
  if (body.operator === 'UNION ALL') return result(sql`(${l}) UNION ALL (${r})`);
  if (!hasText) return result(sql`(${l}) ${unsafeSql(body.operator)} (${r})`);
  if (body.operator === 'UNION') return result(sql`SELECT ${distinct} ${join(out)} FROM ((${l}) UNION ALL (${r})) AS q(${join(names)})`);
  const matches = columns.map((_, index) => sql`${key('q', index)} IS NOT DISTINCT FROM ${key('p', index)}`);
  const exists = sql`EXISTS (SELECT 1 FROM (${r}) AS p(${join(names)}) WHERE ${join(matches, ' AND ')})`;
  const not = body.operator === 'EXCEPT' ? sql`NOT ` : sql``;
  return result(sql`SELECT ${distinct} ${join(out)} FROM (${l}) AS q(${join(names)}) WHERE ${not}${exists}`);
}

async function bindSelect(select: Select, order: readonly OrderItem[], tail: Sql, outer: Frame): Promise<BoundQuery> {
  const { scope } = outer;
  if (select.into !== undefined) throw bindError(scope, 'SQL_NOT_SUPPORTED', 'SELECT ... INTO cannot stand here', select.into.span);
  const { from, frame: sourced } = await bindSources(select.from, outer);
  const windows = new Map(select.windows.map(({ name, window }) => [name.toLowerCase(), window]));
  const plain: Frame = windows.size === 0 ? sourced : { ...sourced, windows };
  const where = select.where === undefined ? sql`` : sql` WHERE ${await bindCondition(select.where, plain)}`;
  const grouped = select.groupBy === undefined ? undefined : await bindGroupBy(select.groupBy, plain, select);
  const frame: Frame = grouped === undefined ? plain : { ...plain, groupKeys: grouped.keys, hasGroupingSets: grouped.hasSets };
  const items = (await Promise.all(select.items.map((item) => bindItem(item, frame)))).flat();
  const columns = items.map(({ name, value }) => ({
    name,
    type: value.isNull ? ({ name: 'int' } as const) : value.type,
    nullable: value.nullable,
  }));
  const having = select.having === undefined ? sql`` : sql` HAVING ${await bindCondition(select.having, frame)}`;
  const list = items.map(({ value }, index) => {
    // NULL alone is an int, as there.
    const piece = value.isNull ? sql`CAST(NULL AS INTEGER)` : value.sql;
    return sql`${piece} AS ${ident(outputName(columns[index] ?? { name: '', type: value.type, nullable: true }, index))}`;
  });
  const values = items.map(({ value }) => value);
  const head = sql`${from}${where}${grouped === undefined ? sql`` : sql` GROUP BY ${grouped.sql}`}${having}`;
  const top = select.top === undefined ? undefined : await bindTop(select, frame);
  if (select.isDistinct) {
    const keys = values.map((value) => comparisonKey(value));
    const distinct = values.some((value) => isText(value.type)) ? sql`DISTINCT ON (${join(keys)})` : sql`DISTINCT`;
    const body: BoundQuery = { columns, sql: sql`SELECT ${distinct} ${join(list)}${head}` };
    if (top?.withTies) throw bindError(scope, 'SQL_NOT_SUPPORTED', 'DISTINCT with TOP ... WITH TIES is not supported', select.span);
    const positions = order.map((item) => positionOfExpression(item, values, frame));
    const byPosition = await Promise.all(order.map(async (item, index) => await asOutput(item, await positions[index])));
    const ordered = order.length === 0 ? body.sql : orderOutside(body, byPosition, frame, values);
    if (top?.isPercent) return { ...body, sql: sql`SELECT * FROM (${ordered}) AS q QUALIFY row_number() OVER () <= ${shareOf(top)}` };
    return { ...body, sql: sql`${ordered}${limitOf(top)}${tail}` };
  }
  const keys = (await Promise.all(order.map((item) => bindOrderItem(item, items, columns, frame)))).filter((key) => key !== undefined);
  const orderSql = keys.length === 0 ? sql`` : sql` ORDER BY ${join(keys)}`;
  if (top?.withTies) {
    if (keys.length === 0) throw bindError(scope, 'SQL_SYNTAX', 'WITH TIES needs ORDER BY', select.span);
    return { columns, sql: sql`SELECT ${join(list)}${head} QUALIFY rank() OVER (${orderSql}) <= ${top.count}${orderSql}` };
  }
  if (top?.isPercent)
    return { columns, sql: sql`SELECT ${join(list)}${head} QUALIFY row_number() OVER (${orderSql}) <= ${shareOf(top)}${orderSql}` };
  return { columns, sql: sql`SELECT ${join(list)}${head}${orderSql}${limitOf(top)}${tail}` };
}

/** The column of a DISTINCT result that an ORDER BY expression is. */
async function positionOfExpression(item: OrderItem, values: readonly BoundExpression[], frame: Frame): Promise<number | undefined> {
  if (item.expression.kind === 'number' || item.expression.kind === 'subquery') return undefined;
  try {
    const key = keyOf((await frame.bind(item.expression, frame)).sql);
    const index = values.findIndex((value) => keyOf(value.sql) === key);
    return index < 0 ? undefined : index;
  } catch {
    return undefined; // an alias of the result, which the caller finds by its name
  }
}

async function asOutput(item: OrderItem, position: number | undefined): Promise<OrderItem> {
  if (position === undefined) return item;
  return { ...item, expression: { kind: 'number', text: String(position + 1), form: 'integer', span: item.span } };
}

type BoundTop = { readonly count: Sql; readonly isPercent: boolean; readonly withTies: boolean };

async function bindTop(select: Select, frame: Frame): Promise<BoundTop | undefined> {
  if (select.top === undefined) return undefined;
  const { sources: _, ...rest } = frame;
  const bare: Frame = { ...rest, sources: [] };
  const count = await bare.bind(select.top.count, bare);
  const { isPercent, withTies } = select.top;
  if (isPercent && withTies) throw bindError(frame.scope, 'SQL_NOT_SUPPORTED', 'TOP ... PERCENT WITH TIES is not supported', select.span);
  const number = convert(frame.scope, count, isPercent ? { name: 'float' } : { name: 'bigint' }, select.top.count.span).sql;
  return { count: number, isPercent, withTies };
}

function limitOf(top: BoundTop | undefined): Sql {
  return top === undefined ? sql`` : sql` LIMIT ${top.count}`;
}

/** How many of all rows a TOP ... PERCENT gives: rounded up, where DuckDB's `LIMIT n%` rounds down. */
function shareOf({ count }: BoundTop): Sql {
  const refusal = raise(1031, 'Percent values must be between 0 and 100.');
  return sql`CASE WHEN ${count} BETWEEN 0 AND 100 THEN ceil(count(*) OVER () * ${count} / 100) ELSE ${refusal} END`;
}

type BoundItem = { readonly name: string; readonly value: BoundExpression };

async function bindItem(item: SelectItem, frame: Frame): Promise<BoundItem[]> {
  const { expression } = item;
  if (item.assign !== undefined)
    throw bindError(frame.scope, 'SQL_SYNTAX', 'a variable cannot be set in a query that gives rows', item.span);
  if (expression.kind === 'star') {
    const qualifier = expression.qualifier?.parts;
    const sources = frame.sources.filter((source) => qualifier === undefined || answersTo(source.qualifiers, qualifier));
    if (sources.length === 0)
      throw bindError(
        frame.scope,
        'SQL_NAME_NOT_FOUND',
        qualifier === undefined ? '* needs a FROM' : `there is no table ${qualifier.join('.')} in FROM`,
        item.span,
      );
    return await Promise.all(
      sources.flatMap((source) =>
        source.columns.map(async (column) => {
          const name = { parts: [...source.qualifiers, column.name], span: item.span };
          const value = await frame.bind({ kind: 'column', name, span: item.span }, frame);
          return { name: column.name, value };
        }),
      ),
    );
  }
  const value = await frame.bind(expression, frame);
  const name = item.alias ?? (expression.kind === 'column' ? (expression.name.parts.at(-1) ?? '') : '');
  return [{ name, value }];
}

async function bindOrderItem(
  item: OrderItem,
  items: readonly BoundItem[],
  columns: readonly BoundColumn[],
  frame: Frame,
): Promise<Sql | undefined> {
  if (item.expression.kind === 'subquery') return undefined; // ORDER BY (SELECT NULL): in any order
  const index = outputIndex(item.expression, columns, frame);
  const value = index === undefined ? await frame.bind(item.expression, frame) : items[index]?.value;
  return value === undefined ? undefined : orderBy(value, item.isDescending);
}

async function bindGroupBy(
  groupBy: GroupBy,
  frame: Frame,
  select: Select,
): Promise<{ sql: Sql; keys: ReadonlySet<string>; hasSets: boolean }> {
  if (groupBy.modifier === 'all') throw bindError(frame.scope, 'SQL_NOT_SUPPORTED', 'GROUP BY ALL is not supported', select.span);
  const keys = new Set<string>();
  const key = async (expression: Expression): Promise<Sql> => {
    const value = await frame.bind(expression, frame);
    if (value.constant !== undefined)
      throw bindError(frame.scope, 'SQL_SYNTAX', 'GROUP BY takes columns and expressions of columns', expression.span);
    if (isText(value.type)) keys.add(keyOf(value.sql));
    return comparisonKey(value);
  };
  const list = async (expressions: readonly Expression[]) => join(await Promise.all(expressions.map(key)));
  const item = async (one: GroupItem): Promise<Sql> => {
    switch (one.kind) {
      case 'expression':
        return await key(one.expression);
      case 'empty':
        return sql`()`;
      case 'set':
        return sql`(${await list(one.expressions)})`;
      case 'sets':
        return sql`GROUPING SETS (${join(await Promise.all(one.items.map(item)))})`;
      case 'rollup':
      case 'cube': {
        const sets = await Promise.all(one.sets.map(async (set) => (set.length === 1 ? await list(set) : sql`(${await list(set)})`)));
        return sql`${unsafeSql(one.kind.toUpperCase())} (${join(sets)})`;
      }
    }
  };
  const items = await Promise.all(groupBy.items.map(item));
  const all = join(items);
  const hasSets = groupBy.modifier !== undefined || groupBy.items.some(({ kind }) => kind !== 'expression');
  return { sql: groupBy.modifier === undefined ? all : sql`${unsafeSql(groupBy.modifier.toUpperCase())} (${all})`, keys, hasSets };
}
