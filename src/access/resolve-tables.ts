import type { Catalog, LakeTable } from '#catalog';
import { LakesteadError, nearMisses } from '#core';
import type { ChangesOptions } from '#delta';

import { formatPlace, isNode, placeOf, textOf, type TreeNode } from './syntax-tree.ts';

/** The parts of a table's name as a statement has them; what is not written is ''. */
type WrittenName = { readonly layer: string; readonly schema: string; readonly name: string };

function writtenName(node: TreeNode): WrittenName {
  return { layer: textOf(node, 'catalog_name'), schema: textOf(node, 'schema_name'), name: textOf(node, 'table_name') };
}

/**
 * The table that a name means: layer.schema.table, schema.table or layer.table, or table alone where only one has it.
 *
 * @throws {LakesteadError} `SQL_NAME_NOT_FOUND` with names that are near, or with those it could mean
 */
export async function resolveTable(node: TreeNode, text: string, catalog: Catalog, signal?: AbortSignal): Promise<LakeTable> {
  const { layer, schema, name } = writtenName(node);
  if (layer !== '') {
    const table = await catalog.find(layer, schema, name, { signal });
    if (table !== undefined) return table;
  }
  const all = await catalog.list(undefined, { signal });
  const fits = layer === '' ? all.filter((table) => fitsName(table, schema, name)) : [];
  const [first] = fits;
  if (first !== undefined && fits.length === 1) return first;
  const written = [layer, schema, name].filter((part) => part !== '').join('.');
  const place = placeOf(node, text);
  const details = place === undefined ? {} : { place };
  if (first !== undefined) {
    throw new LakesteadError('SQL_NAME_NOT_FOUND', `${written} can be several tables${formatPlace(place)}`, {
      ...details,
      hint: `write one of ${fits.slice(0, 5).map(formatTableName).join(', ')}`,
    });
  }
  const near = nearTables(written, name, all);
  throw new LakesteadError('SQL_NAME_NOT_FOUND', `there is no table ${written} in the lake${formatPlace(place)}`, {
    ...details,
    hint: near.length === 0 ? 'lakestead table list shows the tables' : `did you mean ${near.join(' or ')}?`,
    data: { name: written, near },
  });
}

function fitsName(table: LakeTable, schema: string, name: string): boolean {
  if (!isSame(table.name, name)) return false;
  return schema === '' || isSame(table.schema, schema) || (table.schema === '' && isSame(table.layer, schema));
}

function nearTables(written: string, name: string, all: readonly LakeTable[]): readonly string[] {
  const full = new Map(all.map((table) => [[table.layer, table.schema, table.name].filter((part) => part !== '').join('.'), table]));
  const near = nearMisses(written, full.keys());
  if (near.length > 0) return near.flatMap((key) => full.get(key) ?? []).map(formatTableName);
  const names = new Set([...nearMisses(name, new Set(all.map((table) => table.name))), name].map((candidate) => candidate.toLowerCase()));
  return all
    .filter((table) => names.has(table.name.toLowerCase()))
    .slice(0, 3)
    .map(formatTableName);
}

/** A table's name as SQL takes it. */
export function formatTableName({ layer, schema, name }: Pick<LakeTable, 'layer' | 'schema' | 'name'>): string {
  return [layer, schema, name]
    .filter((part) => part !== '')
    .map((part) => (/^[A-Za-z_]\w*$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`))
    .join('.');
}

/**
 * The version or time of `AT (VERSION => 3)`, `AT (TIMESTAMP => '2024-05-01')`. A time without a zone is in UTC.
 *
 * @throws {LakesteadError} `SQL_NOT_SUPPORTED` for anything but a constant
 */
export function readAtClause(node: TreeNode): { readonly version?: number; readonly timestamp?: Date; readonly changes?: ChangeRange } {
  const at = node['at_clause'];
  if (!isNode(at)) return {};
  const value = constantOf(isNode(at['expr']) ? at['expr'] : {});
  const unit = textOf(at, 'unit').toUpperCase();
  if (unit === 'VERSION' && typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return { version: value };
  const [, from, to] = unit === 'VERSION' && typeof value === 'string' ? (/^changes (.+?)\.\.(.*)$/.exec(value) ?? []) : [];
  if (from !== undefined) return { changes: { ...rangeStart(from), ...(to === undefined || to === '' ? {} : rangeEnd(to)) } };
  const timestamp = unit === 'TIMESTAMP' && typeof value === 'string' ? parseInstant(value) : undefined;
  if (timestamp !== undefined) return { timestamp };
  throw new LakesteadError('SQL_NOT_SUPPORTED', 'AT takes a constant version or timestamp', {
    hint: "write AT (VERSION => 3) or AT (TIMESTAMP => '2024-05-01 12:00:00')",
  });
}

/** Of a change feed: from one version or instant to another. */
type ChangeRange = Pick<ChangesOptions, 'from' | 'to' | 'fromTimestamp' | 'toTimestamp'>;

function rangeStart(text: string): ChangeRange {
  return /^\d+$/.test(text) ? { from: Number(text) } : { fromTimestamp: instantOf(text) };
}

function rangeEnd(text: string): ChangeRange {
  return /^\d+$/.test(text) ? { to: Number(text) } : { toTimestamp: instantOf(text) };
}

function instantOf(text: string): Date {
  const instant = parseInstant(text);
  if (instant !== undefined) return instant;
  throw new LakesteadError('SQL_NOT_SUPPORTED', `"${text}" is no version or timestamp of a change feed`);
}

/** A time as people write it; without a zone it is in UTC. */
function parseInstant(value: string): Date | undefined {
  const text = value.trim().replace(' ', 'T');
  const isZoned = /(?:Z|[+-]\d{2}(?::?\d{2})?)$/i.test(text.slice(10));
  const withZone = isZoned ? text.replace(/([+-]\d{2})$/, '$1:00') : `${text}${text.length > 10 ? '' : 'T00:00:00'}Z`;
  const instant = new Date(withZone);
  return Number.isNaN(instant.getTime()) ? undefined : instant;
}

function constantOf(expression: TreeNode): unknown {
  if (expression['class'] === 'CAST' && isNode(expression['child'])) return constantOf(expression['child']);
  const value = expression['class'] === 'CONSTANT' ? expression['value'] : undefined;
  return isNode(value) ? value['value'] : undefined;
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
