import { type Catalog, type LakeTable, tableRelation } from '#catalog';
import { LakesteadError } from '#core';
import type { Engine, Lease } from '#engine';
import { join, literal, render, type Sql, sql, unsafeSql } from '#sql';

import { checkRewritten, checkTree, countReads } from './check-tree.ts';
import { bindDatabaseTable, type NamedDatabases } from './database-relation.ts';
import { findConditions } from './file-conditions.ts';
import type { EngineQuery, ReadTable } from './gateway.ts';
import { formatTableName, readAtClause, resolveTable } from './resolve-tables.ts';
import { findUsedColumns } from './used-columns.ts';
import { formatExpression, formatSelect, isNode, parseSelect, textOf, textsOf, type Tree, type TreeNode } from './syntax-tree.ts';

export type CompileContext = {
  readonly engine: Engine;
  readonly catalog: Catalog;
  readonly databases?: NamedDatabases | undefined;
  readonly lease: Lease;
  readonly signal: AbortSignal | undefined;
};

/**
 * A statement of the lake's dialect as SQL for the engine: checked node by node, its tables replaced by their newest
 * snapshots.
 *
 * @throws {LakesteadError} `SQL_SYNTAX`, `SQL_NOT_SUPPORTED`, `SQL_NAME_NOT_FOUND`, and what reading a Delta log throws
 */
export async function compileRead(text: string, context: CompileContext): Promise<EngineQuery> {
  if (/^\s*show\s+(?:all\s+)?tables\s*;?\s*$/i.test(text)) return { sql: await showTables(context), tables: [] };
  const explain = /^\s*explain\s+(?:analyze\s+)?/i.exec(text)?.[0];
  // Blanks keep the places of errors those of the whole text.
  const select = explain === undefined ? text : explain.replaceAll(/\S/g, ' ') + text.slice(explain.length);
  const { lease, signal } = context;
  const { tree, tables, reads } = await resolveTables(select, context);
  const rewritten = await formatSelect(tree, lease, signal);
  checkRewritten(await parseSelect(rewritten, lease, signal), reads);
  const query = unsafeSql(rewritten);
  return {
    sql: explain === undefined ? query : sql`${unsafeSql(/analyze/i.test(explain) ? 'EXPLAIN ANALYZE' : 'EXPLAIN')} ${query}`,
    tables,
  };
}

/**
 * Expressions as SQL for the engine, of which only subqueries read: they are checked and resolved as {@link compileRead} does. The
 * columns that they name are those of whatever they will stand over.
 *
 * @throws {LakesteadError} as {@link compileRead}
 */
export async function compileExpressions(
  texts: readonly string[],
  context: CompileContext,
): Promise<{ readonly expressions: readonly Sql[]; readonly tables: readonly ReadTable[] }> {
  const { lease, signal } = context;
  const { tree, tables, reads } = await resolveTables(`SELECT ${texts.map((text) => `(${text}\n)`).join(', ')}`, context);
  const [statement] = Array.isArray(tree['statements']) ? tree['statements'] : [];
  const node = isNode(statement) && isNode(statement['node']) ? statement['node'] : {};
  const items = Array.isArray(node['select_list']) ? node['select_list'].filter(isNode) : [];
  const parts: string[] = [];
  for (const item of items) {
    item['alias'] = ''; // the one that a result's column would have
    parts.push(await formatExpression(item, lease, signal));
  }
  const whole = await formatSelect(tree, lease, signal);
  // Whatever closed the parentheses around it would make a part of its own.
  if (parts.length !== texts.length || whole !== `SELECT ${parts.join(', ')}`)
    throw new LakesteadError('SQL_SYNTAX', 'a condition or a value of the statement is no single expression');
  checkRewritten(await parseSelect(whole, lease, signal), reads);
  return { expressions: parts.map((part) => unsafeSql(`(${part})`)), tables };
}

/** A SELECT's tree with what its tables are read from in their place; `reads` counts the relations of files in it. */
async function resolveTables(
  select: string,
  context: CompileContext,
): Promise<{ readonly tree: TreeNode; readonly tables: readonly ReadTable[]; readonly reads: number }> {
  const { lease, signal } = context;
  const tree = await parseSelect(select, lease, signal);
  await nameColumns(tree, lease, signal);
  const { tables, columns, aliases } = checkTree(tree, select);
  const read: ReadTable[] = [];
  const relations = new Map<string, TreeNode>();
  const resolved: { node: TreeNode; table: LakeTable; relation: TreeNode }[] = [];
  const usedColumns = findUsedColumns(tree);
  const rivals = findRivals(tree, new Set(tables));
  const conditionsOf = findConditions(tree, new Set(tables));
  let reads = 0;
  for (const [index, node] of tables.entries()) {
    const view = await bindDatabaseTable(node, context.databases, index, { lease, signal });
    if (view !== undefined) {
      read.push({ address: ['catalog_name', 'schema_name', 'table_name'].map((key) => textOf(node, key)).join('.'), format: 'database' });
      renameColumns(columns, node, textOf(node, 'catalog_name'), textOf(node, 'schema_name'), textOf(node, 'table_name'), aliases);
      if (node['alias'] === '') node['alias'] = textOf(node, 'table_name');
      Object.assign(node, { catalog_name: '', schema_name: '', table_name: view });
      continue;
    }
    const table = await resolveTable(node, select, context.catalog, signal);
    const at = readAtClause(node);
    // Of two references by one name it would not be sure which one a condition means.
    const conditions = rivals.has(node) ? undefined : conditionsOf.get(node);
    const key = JSON.stringify([table.address, at]);
    let relation = conditions === undefined ? relations.get(key) : undefined;
    if (relation === undefined) {
      const { sql: snapshot, version } = await tableRelation(table, {
        engine: context.engine,
        lease,
        signal,
        usedColumns,
        conditions,
        ...at,
      });
      relation = await parseSelect(render(snapshot).text, lease, signal);
      if (conditions === undefined) relations.set(key, relation);
      read.push({ address: table.address, format: table.format, ...(version === undefined ? {} : { version }) });
    }
    reads += countReads(relation);
    resolved.push({ node, table, relation });
  }
  for (const { node, table, relation } of resolved) {
    const alias = rivals.has(node) ? formatTableName(table) : textOf(node, 'table_name');
    renameColumns(columns, node, table.layer, table.schema, alias, aliases);
    replaceTable(node, relation, alias);
  }
  return { tree, tables: read, reads };
}

/**
 * A column without an alias is named after its text. Where a subquery is in it, the rewriting would change that text (and
 * show the paths of files): such a column gets the name that it has now.
 */
async function nameColumns(tree: Tree | undefined, lease: Lease, signal: AbortSignal | undefined): Promise<void> {
  if (Array.isArray(tree)) {
    for (const item of tree) await nameColumns(item, lease, signal);
    return;
  }
  if (!isNode(tree) || tree['class'] === 'CONSTANT') return;
  const items = tree['type'] === 'SELECT_NODE' ? tree['select_list'] : undefined;
  for (const item of Array.isArray(items) ? items : []) {
    // A star stands for several columns.
    if (!isNode(item) || item['alias'] !== '' || item['class'] === 'STAR' || !hasSubquery(item)) continue;
    item['alias'] = await formatExpression(item, lease, signal);
  }
  for (const child of Object.values(tree)) await nameColumns(child, lease, signal);
}

function hasSubquery(tree: Tree | undefined): boolean {
  if (Array.isArray(tree)) return tree.some(hasSubquery);
  if (!isNode(tree) || tree['class'] === 'CONSTANT') return false;
  return tree['class'] === 'SUBQUERY' || Object.values(tree).some(hasSubquery);
}

/** Turns a reference to a table into the subquery that reads it, under the same name. */
function replaceTable(node: TreeNode, relation: TreeNode, name: string): void {
  const statements = relation['statements'];
  const [statement] = Array.isArray(statements) ? statements : [];
  const { alias, sample, column_name_alias: columnNames, query_location: location } = node;
  for (const key of Object.keys(node)) delete node[key];
  Object.assign(node, {
    type: 'SUBQUERY',
    alias: alias === '' ? name : alias,
    sample,
    query_location: location,
    // Several references share one relation; nothing changes it any more.
    subquery: isNode(statement) ? statement : {},
    column_name_alias: columnNames,
  });
}

/**
 * `gold.SalesLT.Address.City` and `SalesLT.Address.City` become `Address.City`: the subquery has that name only. Of two
 * tables of one name in one FROM each is called by its whole name, and so are its columns.
 */
function renameColumns(
  columns: readonly TreeNode[],
  node: TreeNode,
  layer: string,
  schema: string,
  alias: string,
  aliases: ReadonlySet<string>,
): void {
  if (node['alias'] !== '') return;
  const name = textOf(node, 'table_name').toLowerCase();
  const isRival = alias.toLowerCase() !== name;
  const qualifiers = [[layer, schema], ...(isRival ? [] : [[schema], [layer]])].map((parts) =>
    parts.filter((part) => part !== '').map((part) => part.toLowerCase()),
  );
  for (const column of columns) {
    const names = textsOf(column, 'column_names');
    const lower = names.map((part) => part.toLowerCase());
    if (aliases.has(lower[0] ?? '')) continue;
    const fit = qualifiers.find(
      (parts) =>
        parts.length > 0 &&
        lower.length > parts.length + 1 &&
        lower[parts.length] === name &&
        parts.every((part, index) => part === lower[index]),
    );
    if (fit !== undefined) column['column_names'] = [isRival ? alias : (names[fit.length] ?? ''), ...names.slice(fit.length + 1)];
  }
}

/** The references without an alias that share their table's name with another one of the same FROM. */
function findRivals(tree: Tree | undefined, tables: ReadonlySet<TreeNode>, rivals = new Set<TreeNode>()): ReadonlySet<TreeNode> {
  if (Array.isArray(tree)) for (const item of tree) findRivals(item, tables, rivals);
  if (!isNode(tree) || tree['class'] === 'CONSTANT') return rivals;
  if (tree['type'] === 'SELECT_NODE') {
    const unnamed = leavesOf(tree['from_table']).filter((leaf) => tables.has(leaf) && leaf['alias'] === '');
    for (const same of Map.groupBy(unnamed, (leaf) => textOf(leaf, 'table_name').toLowerCase()).values()) {
      if (same.length > 1) for (const leaf of same) rivals.add(leaf);
    }
  }
  for (const child of Object.values(tree)) findRivals(child, tables, rivals);
  return rivals;
}

function leavesOf(from: Tree | undefined): readonly TreeNode[] {
  if (!isNode(from)) return [];
  return from['type'] === 'JOIN' ? [...leavesOf(from['left']), ...leavesOf(from['right'])] : [from];
}

async function showTables({ catalog, signal }: CompileContext): Promise<Sql> {
  const tables = await catalog.list(undefined, { signal });
  const rows = tables.map(
    ({ layer, schema, name, format }) => sql`(${join([layer, schema, name, format].map((value) => literal(value)))})`,
  );
  const header = sql`SELECT layer, "schema", name, format FROM`;
  if (rows.length === 0)
    return sql`SELECT ''::VARCHAR AS layer, ''::VARCHAR AS "schema", ''::VARCHAR AS name, ''::VARCHAR AS format WHERE false`;
  return sql`${header} (VALUES ${join(rows)}) AS t(layer, "schema", name, format)`;
}
