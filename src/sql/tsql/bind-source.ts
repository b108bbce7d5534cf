import { ident, join, literal, sql, type Sql, unsafeSql } from '#sql';

import type { Expression, JoinKind, TableSource } from './ast.ts';
import { bindCondition } from './bind-condition.ts';
import { bindError, type BoundExpression, type Frame, type FrameSource } from './bind-context.ts';
import { columnSql, typeOf } from './bind-expression.ts';
import { checkedJsonPath } from './bind-json-functions.ts';
import { comparisonKey } from './bind-operator.ts';
import { convert } from './convert.ts';
import type { BoundColumn, Relation } from './scope.ts';
import type { SqlServerType } from './types.ts';

const text: SqlServerType = { name: 'nvarchar', length: 'max' };

type BoundSource = { readonly sql: Sql; readonly sources: readonly FrameSource[] };

/** `FROM ...` of the engine (nothing for no sources), and the frame in which the rest of the query is bound. */
export async function bindSources(sources: readonly TableSource[], outer: Frame): Promise<{ from: Sql; frame: Frame }> {
  // The inner query sees the outer one's columns through its parent; what grouping does outside has no meaning inside.
  const { groupKeys: _, hasGroupingSets: __, windows: ___, ...rest } = outer;
  let frame: Frame = { ...rest, sources: [], parent: outer.sources.length === 0 ? outer.parent : outer };
  const pieces: Sql[] = [];
  for (const source of sources) {
    const bound = await bindSource(source, frame);
    pieces.push(bound.sql);
    frame = withSources(frame, bound.sources, source);
  }
  return { from: pieces.length === 0 ? sql`` : sql` FROM ${join(pieces)}`, frame };
}

function withSources(frame: Frame, added: readonly FrameSource[], node: TableSource): Frame {
  const twice = added.find((one) => frame.sources.some((other) => other.alias.toLowerCase() === one.alias.toLowerCase()));
  if (twice !== undefined)
    throw bindError(
      frame.scope,
      'SQL_SYNTAX',
      `two tables in FROM are called ${twice.alias}`,
      node.span,
      'give one of them an alias with AS',
    );
  return { ...frame, sources: [...frame.sources, ...added] };
}

async function bindSource(source: TableSource, frame: Frame): Promise<BoundSource> {
  const { scope } = frame;
  switch (source.kind) {
    case 'table': {
      if (source.forSystemTime !== undefined) throw bindError(scope, 'SQL_NOT_SUPPORTED', 'FOR SYSTEM_TIME is not supported', source.span);
      if (source.sample !== undefined) throw bindError(scope, 'SQL_NOT_SUPPORTED', 'TABLESAMPLE is not supported', source.span);
      const name = source.name.parts.at(-1) ?? '';
      const alias = source.alias ?? name;
      const common = source.name.parts.length === 1 ? frame.commonTables.get(name.toLowerCase()) : undefined;
      if (common !== undefined)
        return { sql: sql`${ident(name)} AS ${ident(alias)}`, sources: [{ alias, qualifiers: [alias], columns: common }] };
      const relation = await scope.findTable(source.name);
      if (relation === undefined)
        throw bindError(
          scope,
          'SQL_NAME_NOT_FOUND',
          `there is no table or view ${source.name.parts.join('.')}`,
          source.name.span,
          'SELECT * FROM INFORMATION_SCHEMA.TABLES shows what there is',
        );
      return named(relation, alias, source.alias === undefined ? source.name.parts : [alias]);
    }
    case 'tableVariable': {
      const table = await scope.findTableVariable(source.name);
      if (table === undefined)
        throw bindError(scope, 'SQL_NAME_NOT_FOUND', `the table variable ${source.name} is not declared`, source.span);
      const alias = source.alias ?? source.name;
      return named(table, alias, [alias]);
    }
    case 'openRowset': {
      const relation = await scope.openRowset(source);
      const alias = source.alias ?? 'rowset';
      return named(rename(relation, source.aliasColumns, frame, source), alias, [alias]);
    }
    case 'derived': {
      const query = await frame.bindQuery(source.query, frame);
      return named(rename(query, source.columns, frame, source), source.alias, [source.alias]);
    }
    case 'function':
      return await bindTableFunction(source, frame);
    case 'openJson':
      return await bindOpenJson(source, frame);
    case 'join':
      return await bindJoin(source, frame);
    case 'pivot':
      return await bindPivot(source, frame);
    case 'unpivot':
      return await bindUnpivot(source, frame);
  }
}

function named(relation: Relation, alias: string, qualifiers: readonly string[]): BoundSource {
  const columns = relation.columns.map(({ name }) => ident(name));
  return {
    sql: sql`(${relation.sql}) AS ${ident(alias)}(${join(columns)})`,
    sources: [{ alias, qualifiers: qualifiers.filter((part) => part !== ''), columns: relation.columns, files: relation.files }],
  };
}

/** A relation under the column names of its alias: `AS v(a, b)`. */
function rename(relation: Relation, names: readonly string[], frame: Frame, node: TableSource): Relation {
  if (names.length > 0 && names.length !== relation.columns.length) {
    throw bindError(frame.scope, 'SQL_SYNTAX', `${names.length} column names for ${relation.columns.length} columns`, node.span);
  }
  const columns = relation.columns.map((column, index) => ({ ...column, name: names[index] ?? column.name }));
  const unnamed = columns.findIndex(({ name }) => name === '');
  if (unnamed >= 0)
    throw bindError(frame.scope, 'SQL_SYNTAX', `column ${unnamed + 1} of the derived table has no name`, node.span, 'give it one with AS');
  return { ...relation, columns };
}

const joins: Readonly<Record<JoinKind, string>> = {
  inner: 'INNER JOIN', left: 'LEFT JOIN', right: 'RIGHT JOIN', full: 'FULL JOIN', cross: 'CROSS JOIN', crossApply: 'INNER JOIN LATERAL', outerApply: 'LEFT JOIN LATERAL',
}; // prettier-ignore

async function bindJoin(source: Extract<TableSource, { kind: 'join' }>, frame: Frame): Promise<BoundSource> {
  const left = await bindSource(source.left, frame);
  const isApply = source.join === 'crossApply' || source.join === 'outerApply';
  const leftFrame = withSources(frame, left.sources, source);
  // Only APPLY sees the columns of its left side.
  const right = await bindSource(source.right, isApply ? { ...frame, sources: [], parent: leftFrame } : frame);
  const both = withSources(leftFrame, right.sources, source);
  const nullable = (sources: readonly FrameSource[], isNullable: boolean) =>
    isNullable ? sources.map((one) => ({ ...one, columns: one.columns.map((column) => ({ ...column, nullable: true })) })) : sources;
  const sources = [
    ...nullable(left.sources, source.join === 'right' || source.join === 'full'),
    ...nullable(right.sources, ['left', 'full', 'outerApply'].includes(source.join)),
  ];
  const rightSql = source.right.kind === 'join' ? sql`(${right.sql})` : right.sql;
  const on = isApply ? sql` ON true` : source.on === undefined ? sql`` : sql` ON ${await bindCondition(source.on, both)}`;
  return { sql: sql`${left.sql} ${unsafeSql(joins[source.join])} ${rightSql}${on}`, sources };
}

async function bindTableFunction(source: Extract<TableSource, { kind: 'function' }>, frame: Frame): Promise<BoundSource> {
  const name = source.call.name.parts.join('.').toUpperCase();
  const args = await Promise.all(source.call.args.map((arg) => frame.bind(arg, frame)));
  const alias = source.alias ?? source.call.name.parts.at(-1) ?? 'f';
  const [first, second] = args;
  if (name === 'STRING_SPLIT' && first !== undefined && second !== undefined) {
    if (typeof second.constant === 'string' && second.constant.length !== 1)
      throw bindError(frame.scope, 'SQL_TYPE', 'the separator of STRING_SPLIT is one character', source.span);
    const parts = sql`string_split(${convert(frame.scope, first, text, source.span).sql}, ${convert(frame.scope, second, text, source.span).sql})`;
    const hasOrdinal = args[2]?.constant === 1;
    const relation: Relation = {
      columns: [
        { name: 'value', type: text, nullable: true },
        ...(hasOrdinal ? [{ name: 'ordinal', type: { name: 'bigint' } as const, nullable: false }] : []),
      ],
      sql: hasOrdinal
        ? sql`SELECT unnest(${parts}) AS "value", generate_subscripts(${parts}, 1) AS "ordinal"`
        : sql`SELECT unnest(${parts}) AS "value"`,
    };
    return named(rename(relation, source.columns, frame, source), alias, [alias]);
  }
  if (name === 'GENERATE_SERIES' && first !== undefined && second !== undefined) {
    const step = args[2]?.sql ?? sql`CASE WHEN ${first.sql} <= ${second.sql} THEN 1 ELSE -1 END`;
    const relation: Relation = {
      columns: [{ name: 'value', type: first.type, nullable: false }],
      sql: sql`SELECT unnest(generate_series(${first.sql}, ${second.sql}, ${step})) AS "value"`,
    };
    return named(rename(relation, source.columns, frame, source), alias, [alias]);
  }
  throw bindError(frame.scope, 'SQL_NOT_SUPPORTED', `the table function ${source.call.name.parts.join('.')} is not supported`, source.span);
}

async function bindOpenJson(source: Extract<TableSource, { kind: 'openJson' }>, frame: Frame): Promise<BoundSource> {
  const { scope } = frame;
  const alias = source.alias ?? 'json';
  const refuse = (message: string) => bindError(scope, 'SQL_NOT_SUPPORTED', message, source.span);
  const document = convert(scope, await frame.bind(source.document, frame), text, source.span).sql;
  const path = source.path === undefined ? '$' : await constantText(source.path, frame);
  const root = sql`json_extract(${document}, ${literal(checkedJsonPath(path, refuse))})`;
  const rootType = sql`json_type(${root})`;
  if (source.columns === undefined) {
    const keys = sql`CASE ${rootType} WHEN 'OBJECT' THEN json_keys(${root}) WHEN 'ARRAY' THEN list_transform(range(json_array_length(${root})::BIGINT), lambda i: i::VARCHAR) END`;
    const value = sql`CASE ${rootType} WHEN 'OBJECT' THEN json_extract(${root}, '$."' || replace(k, '"', '\\"') || '"') ELSE json_extract(${root}, '$[' || k || ']') END`;
    const kind = sql`CASE json_type(v) WHEN 'NULL' THEN 0 WHEN 'VARCHAR' THEN 1 WHEN 'BIGINT' THEN 2 WHEN 'UBIGINT' THEN 2 WHEN 'DOUBLE' THEN 2 WHEN 'BOOLEAN' THEN 3 WHEN 'ARRAY' THEN 4 ELSE 5 END`;
    const relation: Relation = {
      columns: [
        { name: 'key', type: { name: 'nvarchar', length: 4000 }, nullable: false },
        { name: 'value', type: text, nullable: true },
        { name: 'type', type: { name: 'tinyint' }, nullable: false },
      ],
      sql: sql`SELECT k AS "key", CASE WHEN json_type(v) IN ('OBJECT', 'ARRAY') THEN v::VARCHAR ELSE v ->> '$' END AS "value", CAST(${kind} AS UTINYINT) AS "type" FROM (SELECT k, ${value} AS v FROM (SELECT unnest(${keys}) AS k))`,
    };
    return named(relation, alias, [alias]);
  }
  const rows = sql`SELECT unnest(CASE ${rootType} WHEN 'ARRAY' THEN json_extract(${root}, '$[*]') WHEN 'OBJECT' THEN [${root}] END) AS e`;
  const columns = source.columns.map((column): { column: BoundColumn; sql: Sql } => {
    const type = typeOf(frame, column.type, 1);
    const place =
      typeof column.place === 'string' ? checkedJsonPath(column.place, refuse) : `$."${column.name.replaceAll('"', String.raw`\"`)}"`;
    const found = literal(place);
    const isNested = sql`json_type(e, ${found}) IN ('OBJECT', 'ARRAY')`;
    const value = column.asJson
      ? sql`CASE WHEN ${isNested} THEN json_extract(e, ${found})::VARCHAR END`
      : sql`CASE WHEN NOT ${isNested} THEN json_extract_string(e, ${found}) END`;
    return {
      column: { name: column.name, type, nullable: true },
      sql: convert(scope, { sql: value, type: text, nullable: true }, type, column.span).sql,
    };
  });
  const list = columns.map(({ column, sql: value }) => sql`${value} AS ${ident(column.name)}`);
  return named({ columns: columns.map(({ column }) => column), sql: sql`SELECT ${join(list)} FROM (${rows}) AS j` }, alias, [alias]);
}

async function constantText(expression: Expression, frame: Frame): Promise<string> {
  const { constant } = await frame.bind(expression, frame);
  if (typeof constant === 'string') return constant;
  throw bindError(frame.scope, 'SQL_NOT_SUPPORTED', 'a JSON path that is not a constant is not supported', expression.span);
}

async function bindPivot(source: Extract<TableSource, { kind: 'pivot' }>, frame: Frame): Promise<BoundSource> {
  const { scope } = frame;
  const inner = await bindSource(source.source, frame);
  const innerFrame = withSources({ ...frame, sources: [] }, inner.sources, source);
  const argument = source.aggregate.args[0];
  if (argument?.kind !== 'column') throw bindError(scope, 'SQL_NOT_SUPPORTED', 'PIVOT takes an aggregate of one column', source.span);
  const used = [argument.name.parts.at(-1) ?? '', source.column.parts.at(-1) ?? ''].map((name) => name.toLowerCase());
  const rest = inner.sources.flatMap((one) =>
    one.columns.filter((column) => !used.includes(column.name.toLowerCase())).map((column) => ({ one, column })),
  );
  const pivot = await frame.bind({ kind: 'column', name: source.column, span: source.column.span }, innerFrame);
  const groups = rest.map(({ one, column }) => columnSql(one.alias, column.name));
  const outer = rest.map(({ one, column }) => sql`${columnSql(one.alias, column.name)} AS ${ident(column.name)}`);
  const filtered = await Promise.all(
    source.values.map(async (value) => {
      const wanted = comparisonKey({ sql: literal(value), type: text, nullable: false });
      const bound = await frame.bind(argument, innerFrame);
      const key = comparisonKey(convert(scope, pivot, text, source.span));
      const only: BoundExpression = { ...bound, sql: sql`CASE WHEN ${key} = ${wanted} THEN ${bound.sql} END`, nullable: true };
      const cell = await frame.bind(source.aggregate, {
        ...innerFrame,
        bind: async (node, at) => (node === argument ? only : await frame.bind(node, at)),
      });
      return { column: { name: value, type: cell.type, nullable: true }, sql: sql`${cell.sql} AS ${ident(value)}` };
    }),
  );
  const columns = [...rest.map(({ column }) => column), ...filtered.map(({ column }) => column)];
  const groupBy = groups.length === 0 ? sql`` : sql` GROUP BY ${join(groups)}`;
  return named(
    { columns, sql: sql`SELECT ${join([...outer, ...filtered.map((one) => one.sql)])} FROM ${inner.sql}${groupBy}` },
    source.alias,
    [source.alias],
  );
}

async function bindUnpivot(source: Extract<TableSource, { kind: 'unpivot' }>, frame: Frame): Promise<BoundSource> {
  const inner = await bindSource(source.source, frame);
  const innerFrame = withSources({ ...frame, sources: [] }, inner.sources, source);
  const listed = source.columns.map((name) => name.toLowerCase());
  const rest = inner.sources.flatMap((one) =>
    one.columns.filter((column) => !listed.includes(column.name.toLowerCase())).map((column) => ({ one, column })),
  );
  const values = await Promise.all(
    source.columns.map((name) => frame.bind({ kind: 'column', name: { parts: [name], span: source.span }, span: source.span }, innerFrame)),
  );
  const [first] = values;
  if (first === undefined) throw bindError(frame.scope, 'SQL_SYNTAX', 'UNPIVOT takes columns', source.span);
  const kept = rest.map(({ one, column }) => sql`${columnSql(one.alias, column.name)} AS ${ident(column.name)}`);
  const branches = values.map((value, index) => {
    const name = source.columns[index] ?? '';
    const list = [...kept, sql`${value.sql} AS ${ident(source.value)}`, sql`${literal(name)} AS ${ident(source.column)}`];
    return sql`SELECT ${join(list)} FROM ${inner.sql} WHERE ${value.sql} IS NOT NULL`;
  });
  const columns = [
    ...rest.map(({ column }) => column),
    { name: source.value, type: first.type, nullable: false },
    { name: source.column, type: { name: 'nvarchar', length: 128 } as const, nullable: false },
  ];
  return named({ columns, sql: join(branches, ' UNION ALL ') }, source.alias, [source.alias]);
}
