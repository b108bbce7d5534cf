import { isNode, textOf, textsOf, type Tree, type TreeNode } from './syntax-tree.ts';

/** Joins whose columns are all named. */
const plainJoins = new Set(['REGULAR', 'CROSS', 'ASOF']);

/**
 * Every name, in lower case, that can be a column's in a statement; `undefined` where all columns may be meant: by a star,
 * a natural join, a position, a list of new names, or a table named as a value. May say too much, never too little.
 */
export function findUsedColumns(tree: TreeNode): ReadonlySet<string> | undefined {
  const used = new Set<string>();
  const relations = new Set<string>();
  const lasts = new Set<string>();
  const walk = (part: Tree | undefined): boolean => {
    if (Array.isArray(part)) return part.every(walk);
    if (!isNode(part)) return true;
    const [kind, type] = [textOf(part, 'class'), textOf(part, 'type')];
    if (kind === 'STAR' || kind === 'POSITIONAL_REFERENCE' || type === 'PIVOT' || type === 'SHOW_REF') return false;
    if (type === 'JOIN' && !plainJoins.has(textOf(part, 'ref_type'))) return false;
    if (textsOf(part, 'column_name_alias').length > 0) return false;
    if (type === 'BASE_TABLE') relations.add(textOf(part, 'table_name').toLowerCase());
    if (kind === '' && textOf(part, 'alias') !== '') relations.add(textOf(part, 'alias').toLowerCase());
    const names = [...textsOf(part, 'column_names'), ...textsOf(part, 'using_columns')].map((name) => name.toLowerCase());
    for (const name of names) used.add(name);
    const last = names.at(-1);
    if (kind === 'COLUMN_REF' && last !== undefined) lasts.add(last);
    return Object.values(part).every(walk);
  };
  // A table's name in the place of a column stands for its whole row.
  return walk(tree) && lasts.isDisjointFrom(relations) ? used : undefined;
}
