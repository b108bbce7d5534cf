import { LakesteadError, type SourcePlace } from '#core';
import type { Lease } from '#engine';
import { sql } from '#sql';

/** A tree as `json_serialize_sql` writes it. Numbers that JavaScript would change are kept as their text. */
export type Tree = string | number | boolean | null | RawNumber | Tree[] | TreeNode;
export type TreeNode = { [key: string]: Tree };

/** What `JSON.rawJSON` gives: stringified, it is the same digits again. */
// An interface, because a type of the same shape would pass for a node.
interface RawNumber {
  readonly rawJSON: string;
}

// TypeScript's library does not have these parts of ES2026 yet; Node 24 does.
const json = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): boolean;
};

/** True for an object of the tree. */
export function isNode(tree: Tree | undefined): tree is TreeNode {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree) && !json.isRawJSON(tree);
}

/** The text of a node's property, '' for anything else. */
export function textOf(node: TreeNode, key: string): string {
  const value = node[key];
  return typeof value === 'string' ? value : '';
}

/** The texts in a list of a node's property. */
export function textsOf(node: TreeNode, key: string): readonly string[] {
  const value = node[key];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/**
 * Parses one SELECT of DuckDB's SQL.
 *
 * @throws {LakesteadError} `SQL_SYNTAX` with its place, `SQL_NOT_SUPPORTED` for any other statement or several
 */
export async function parseSelect(text: string, lease: Lease, signal?: AbortSignal): Promise<TreeNode> {
  const [row] = await lease.rows(sql`SELECT json_serialize_sql(${text}::VARCHAR) AS tree`, { signal });
  const tree = parseTree(String(row?.['tree']));
  if (tree['error'] === true) {
    const message = textOf(tree, 'error_message');
    // Unlike the places of nodes, this one counts code points.
    const position = Number(textOf(tree, 'position') || Number.NaN);
    const place = Number.isSafeInteger(position) ? placeAfter(Array.from(text).slice(0, position).join('')) : undefined;
    if (textOf(tree, 'error_type') !== 'not implemented') {
      throw new LakesteadError('SQL_SYNTAX', `${message}${formatPlace(place)}`, {
        ...(place === undefined ? {} : { place }),
        hint: 'the dialect is that of DuckDB',
      });
    }
    const word = /[A-Za-z]+/.exec(text)?.[0]?.toUpperCase() ?? 'this';
    const hint =
      word === 'PIVOT' || word === 'UNPIVOT'
        ? 'name the values: SELECT * FROM (PIVOT t ON c IN (1, 2) USING sum(x))'
        : 'a statement is one SELECT, VALUES, WITH, DESCRIBE, SUMMARIZE, EXPLAIN or SHOW TABLES';
    throw new LakesteadError('SQL_NOT_SUPPORTED', `${word} is no statement that reads the lake`, { hint });
  }
  const statements = tree['statements'];
  const [first] = Array.isArray(statements) ? statements : [];
  if (!isNode(first)) throw new LakesteadError('SQL_SYNTAX', 'there is no statement in this text', { hint: 'write a SELECT' });
  if (Array.isArray(statements) && statements.length > 1) {
    throw new LakesteadError('SQL_NOT_SUPPORTED', `${statements.length} statements were given at once`, { hint: 'send one at a time' });
  }
  return tree;
}

/** The tree as text again: what DuckDB's own generator makes of it. */
export async function formatSelect(tree: TreeNode, lease: Lease, signal?: AbortSignal): Promise<string> {
  const [row] = await lease.rows(sql`SELECT json_deserialize_sql(${JSON.stringify(tree)}::JSON) AS text`, { signal });
  return String(row?.['text']);
}

/** One expression as text: the name that DuckDB gives to a column without an alias. */
export async function formatExpression(expression: TreeNode, lease: Lease, signal?: AbortSignal): Promise<string> {
  const node: TreeNode = {
    type: 'SELECT_NODE', modifiers: [], cte_map: { map: [] }, select_list: [expression],
    from_table: { type: 'EMPTY', alias: '', sample: null, query_location: 0 },
    where_clause: null, group_expressions: [], group_sets: [], aggregate_handling: 'STANDARD_HANDLING', having: null, sample: null, qualify: null,
  }; // prettier-ignore
  const select: TreeNode = { error: false, statements: [{ node, named_param_map: [] }] };
  return (await formatSelect(select, lease, signal)).slice('SELECT '.length);
}

function parseTree(text: string): TreeNode {
  let tree: unknown;
  try {
    tree = json.parse(text, (_, value, { source }) => {
      if (typeof value !== 'number' || source === undefined || (Number.isSafeInteger(value) && String(value) === source)) return value;
      return json.rawJSON(source);
    });
  } catch (cause) {
    // DuckDB writes a number beyond DOUBLE as Infinity, which JSON does not have.
    throw new LakesteadError('SQL_NOT_SUPPORTED', 'a number in the statement is larger than DOUBLE holds', {
      cause,
      hint: "write 'inf'::DOUBLE",
    });
  }
  return tree as TreeNode; // DuckDB's own document: an object, and this file's types are those of JSON
}

/** Where a node stands in its statement; nodes that DuckDB made itself stand nowhere. `query_location` counts bytes of UTF-8. */
export function placeOf(node: TreeNode, text: string): SourcePlace | undefined {
  const offset = node['query_location'];
  return typeof offset === 'number' ? placeAfter(Buffer.from(text).subarray(0, offset).toString('utf8')) : undefined;
}

function placeAfter(before: string): SourcePlace {
  const lines = before.split('\n');
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}

/** ` (line 1, column 8)`, or nothing. */
export function formatPlace(place: SourcePlace | undefined): string {
  return place === undefined ? '' : ` (line ${place.line}, column ${place.column})`;
}
