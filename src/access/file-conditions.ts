import { type Condition, conditionsOfTree, type StructType } from '#delta';

import { isNode, textOf, textsOf, type Tree, type TreeNode } from './syntax-tree.ts';

/** Joins in which every row of a side is beside rows of the other, and WHERE is asked afterwards. */
const plainJoins = new Set(['REGULAR', 'CROSS', 'NATURAL']);
/** The sides of which a join makes no rows of NULL by itself: a condition on them may be asked before it. */
const keptSides: Readonly<Record<string, readonly ('left' | 'right')[]>> = {
  INNER: ['left', 'right'],
  LEFT: ['left'],
  SEMI: ['left'],
  ANTI: ['left'],
  RIGHT: ['right'],
};

/** What the rows of a table must fulfil, told from its schema. */
export type ConditionsOfTable = (schema: StructType) => readonly Condition[];

/**
 * What the WHERE of each SELECT says of the rows of the tables in its FROM, so that files are left out. A table is missing where
 * WHERE says nothing of it, or may say it of rows that a join made.
 */
export function findConditions(tree: TreeNode, tables: ReadonlySet<TreeNode>): ReadonlyMap<TreeNode, ConditionsOfTable> {
  const found = new Map<TreeNode, ConditionsOfTable>();
  const walk = (part: Tree | undefined): void => {
    if (Array.isArray(part)) for (const item of part) walk(item);
    if (!isNode(part) || part['class'] === 'CONSTANT') return;
    const [from, where] = [part['from_table'], part['where_clause']];
    if (part['type'] === 'SELECT_NODE' && isNode(from) && isNode(where)) {
      // The tables' nodes are changed later; the condition is taken as it is now.
      const condition = JSON.parse(JSON.stringify(where)) as Readonly<Record<string, unknown>>;
      for (const table of sidesOf(from)) {
        if (!tables.has(table) || table['sample'] !== null || textsOf(table, 'column_name_alias').length > 0) continue;
        const as = textOf(table, 'alias') || textOf(table, 'table_name');
        found.set(table, (schema) => conditionsOfTree(condition, { schema, as, isOneOfSeveral: table !== from }));
      }
    }
    for (const child of Object.values(part)) walk(child);
  };
  walk(tree);
  return found;
}

function sidesOf(from: Tree | undefined): readonly TreeNode[] {
  if (!isNode(from)) return [];
  if (from['type'] !== 'JOIN') return [from];
  if (!plainJoins.has(textOf(from, 'ref_type'))) return [];
  return (keptSides[textOf(from, 'join_type')] ?? []).flatMap((side) => sidesOf(from[side]));
}
