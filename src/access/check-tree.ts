import { LakesteadError } from '#core';

import { allowedFunctions, allowedTableFunctions, sessionNames } from './allowed-functions.ts';
import { databasePrefix } from './database-relation.ts';
import { formatPlace, isNode, placeOf, textOf, textsOf, type Tree, type TreeNode } from './syntax-tree.ts';

/** What of a statement has to be resolved and rewritten. */
export type CheckedTree = {
  /** Every reference to a table that is no common table expression. */
  readonly tables: readonly TreeNode[];
  readonly columns: readonly TreeNode[];
  /** Names that stand for a relation in the statement, lower case. */
  readonly aliases: ReadonlySet<string>;
};

const expressionClasses = new Set([
  'BETWEEN', 'CASE', 'CAST', 'COLLATE', 'COLUMN_REF', 'COMPARISON', 'CONJUNCTION', 'CONSTANT', 'FUNCTION', 'LAMBDA', 'OPERATOR',
  'POSITIONAL_REFERENCE', 'STAR', 'SUBQUERY', 'WINDOW',
]); // prettier-ignore

const nodeTypes = new Set([
  'SELECT_NODE', 'SET_OPERATION_NODE', 'RECURSIVE_CTE_NODE', 'BASE_TABLE', 'SUBQUERY', 'JOIN', 'TABLE_FUNCTION', 'EMPTY', 'EXPRESSION_LIST',
  'PIVOT', 'SHOW_REF', 'ORDER_MODIFIER', 'LIMIT_MODIFIER', 'LIMIT_PERCENT_MODIFIER', 'DISTINCT_MODIFIER', 'ORDER_DEFAULT', 'ASCENDING',
  'DESCENDING',
]); // prettier-ignore

/** The names that common table expressions get: no user can write one that means anything else. */
const ctePrefix = '__lakestead_cte_';

/**
 * Walks a whole statement. Every kind of node and every function must be on a list, everything else is refused by name.
 * Common table expressions are renamed, each occurrence by the scope it stands in, so that none of the user's names
 * reaches DuckDB as a table.
 *
 * @param text the statement, for places
 * @throws {LakesteadError} `SQL_NOT_SUPPORTED`
 */
export function checkTree(tree: TreeNode, text: string): CheckedTree {
  const tables: TreeNode[] = [];
  const columns: TreeNode[] = [];
  const aliases = new Set<string>();
  let cteCount = 0;

  const refuse = (node: TreeNode, what: string, hint?: string): never => {
    const place = placeOf(node, text);
    throw new LakesteadError('SQL_NOT_SUPPORTED', `${what} cannot be used on the lake${formatPlace(place)}`, {
      ...(place === undefined ? {} : { place }),
      hint: hint ?? 'tables of the lake are layer.folder.table, as in gold.SalesLT.Address',
    });
  };

  const checkFunction = (node: TreeNode, allowed: ReadonlySet<string>): void => {
    const name = textOf(node, 'function_name').toLowerCase();
    const schema = textOf(node, 'schema').toLowerCase();
    const catalog = textOf(node, 'catalog').toLowerCase();
    const isBuiltIn = ['', 'main', 'pg_catalog'].includes(schema) && ['', 'system'].includes(catalog);
    if (!isBuiltIn || !allowed.has(name)) refuse(node, `the function ${textOf(node, 'function_name')}`);
  };

  const checkExpression = (node: TreeNode, kind: string): void => {
    if (kind === 'PARAMETER') refuse(node, 'a parameter', 'write the value itself');
    if (!expressionClasses.has(kind)) refuse(node, `the expression ${kind}`);
    if (kind === 'FUNCTION' || kind === 'WINDOW') checkFunction(node, allowedFunctions);
    if (kind === 'COLUMN_REF') {
      const [name, ...rest] = textsOf(node, 'column_names');
      if (name !== undefined && rest.length === 0 && sessionNames.has(name.toLowerCase())) refuse(node, name);
      columns.push(node);
    }
  };

  const checkRelation = (node: TreeNode, kind: string, scope: ReadonlyMap<string, string>): void => {
    const isKnown = nodeTypes.has(kind) || kind.endsWith('_TYPE_INFO');
    if (!isKnown) refuse(node, `the form ${kind}`);
    const alias = textOf(node, 'alias');
    if (alias !== '') aliases.add(alias.toLowerCase());
    if (kind === 'SHOW_REF' && (!isNode(node['query']) || !['DESCRIBE', 'SUMMARY'].includes(textOf(node, 'show_type')))) {
      refuse(node, 'this form of SHOW', 'SHOW TABLES, DESCRIBE <table or query> and SUMMARIZE <table or query> are there');
    }
    if (kind === 'PIVOT') {
      for (const pivot of Array.isArray(node['pivots']) ? node['pivots'] : []) {
        if (isNode(pivot) && textOf(pivot, 'pivot_enum') !== '') refuse(node, 'a PIVOT by an enum type', 'name the values: IN (1, 2)');
      }
    }
    if (kind === 'BASE_TABLE') {
      const name = textOf(node, 'table_name');
      const cte = textOf(node, 'schema_name') === '' && textOf(node, 'catalog_name') === '' ? scope.get(name.toLowerCase()) : undefined;
      if (cte === undefined) {
        tables.push(node);
        return;
      }
      if (node['at_clause'] !== null) refuse(node, 'AT', 'time travel is for tables of the lake');
      if (alias === '') {
        node['alias'] = name;
        aliases.add(name.toLowerCase());
      }
      node['table_name'] = cte;
    }
  };

  const bindCtes = (node: TreeNode, outer: ReadonlyMap<string, string>): ReadonlyMap<string, string> => {
    const cteMap = node['cte_map'];
    const entries = isNode(cteMap) && Array.isArray(cteMap['map']) ? cteMap['map'] : [];
    if (entries.length === 0) return outer;
    const scope = new Map(outer);
    for (const entry of entries) {
      const value = isNode(entry) ? entry['value'] : undefined;
      const query = isNode(value) ? value['query'] : undefined;
      const body = isNode(query) ? query['node'] : undefined;
      if (!isNode(entry) || !isNode(value) || !isNode(body)) return refuse(node, 'this form of WITH');
      cteCount += 1;
      const name = textOf(entry, 'key').toLowerCase();
      const fresh = `${ctePrefix}${cteCount}`;
      // Only a recursive one sees itself: for the others the name still means what it meant outside.
      if (textOf(body, 'type') === 'RECURSIVE_CTE_NODE') {
        walk(value, new Map([...scope, [name, fresh]]));
        body['cte_name'] = fresh;
      } else walk(value, scope);
      entry['key'] = fresh;
      scope.set(name, fresh);
    }
    return scope;
  };

  const walk = (tree_: Tree | undefined, scope: ReadonlyMap<string, string>): void => {
    if (Array.isArray(tree_)) {
      for (const item of tree_) walk(item, scope);
      return;
    }
    if (!isNode(tree_)) return;
    const { class: kind, type } = tree_;
    if (typeof kind === 'string') checkExpression(tree_, kind);
    else if (typeof type === 'string') checkRelation(tree_, type, scope);
    if (kind === 'CONSTANT') return; // a leaf: what is inside is data, whatever it looks like
    const inner = isNode(tree_['cte_map']) ? bindCtes(tree_, scope) : scope;
    for (const [key, child] of Object.entries(tree_)) {
      if (key === 'cte_map') continue;
      if (type === 'TABLE_FUNCTION' && key === 'function' && isNode(child)) {
        checkFunction(child, allowedTableFunctions);
        walk(child['children'], inner);
        continue;
      }
      walk(child, inner);
    }
  };

  walk(tree['statements'], new Map());
  return { tables, columns, aliases };
}

/**
 * The second opinion: the text that will run, parsed again, must have no table but common table expressions and the views
 * made for it, and read exactly as many relations of files as were put in.
 *
 * @throws {LakesteadError} `INTERNAL`: then the rewriting is wrong, and nothing runs
 */
export function checkRewritten(tree: TreeNode, reads: number): void {
  let found = 0;
  const walk = (item: Tree | undefined): void => {
    if (Array.isArray(item)) {
      for (const child of item) walk(child);
      return;
    }
    if (!isNode(item) || item['class'] === 'CONSTANT') return;
    const name = textOf(item, 'function_name').toLowerCase();
    const table = item['type'] === 'BASE_TABLE' ? textOf(item, 'table_name') : undefined;
    if (table !== undefined && !table.startsWith(ctePrefix) && !table.startsWith(databasePrefix)) throw wrong(table);
    if (name === 'read_parquet') found += 1;
    else if (name !== '' && !allowedFunctions.has(name) && !allowedTableFunctions.has(name)) throw wrong(name);
    for (const child of Object.values(item)) walk(child);
  };
  walk(tree);
  if (found !== reads) throw wrong('read_parquet');
}

/** How many relations of files a tree of ours reads. */
export function countReads(tree: Tree | undefined): number {
  if (Array.isArray(tree)) return tree.reduce<number>((sum, item) => sum + countReads(item), 0);
  if (!isNode(tree) || tree['class'] === 'CONSTANT') return 0;
  const own = textOf(tree, 'function_name').toLowerCase() === 'read_parquet' ? 1 : 0;
  return own + Object.values(tree).reduce<number>((sum, item) => sum + countReads(item), 0);
}

function wrong(name: string): LakesteadError {
  return new LakesteadError('INTERNAL', `the rewritten statement names ${JSON.stringify(name)}, which it must not; it was not run`);
}
