import type { Cursor } from './cursor.ts';
import { parseClusterBy, parseColumn, parseConstraint, parsePosition } from './parse-table.ts';
import type { Alteration, ColumnChange, DeltaStatement } from './statement.ts';

/** `ALTER TABLE name change`, the cursor behind TABLE. */
export function parseAlterTable(cursor: Cursor, start: number): DeltaStatement {
  const table = cursor.name('the name of a table');
  const change = parseAlteration(cursor);
  return { kind: 'alter', span: cursor.spanFrom(start), table, change };
}

function parseAlteration(cursor: Cursor): Alteration {
  if (cursor.accept('ADD')) {
    if (cursor.isWord('CONSTRAINT')) return { kind: 'addConstraint', constraint: parseConstraint(cursor) };
    if (cursor.isWord('PARTITION')) throw cursor.notSupported('ADD PARTITION of a Delta table');
    if (!cursor.accept('COLUMNS')) cursor.expect('COLUMN');
    const columns = cursor.isSymbol('(') ? cursor.list(() => parseColumn(cursor, true)) : [parseColumn(cursor, true)];
    while (!cursor.isAtEnd && cursor.acceptSymbol(',')) columns.push(parseColumn(cursor, true));
    return { kind: 'addColumns', columns };
  }
  if (cursor.accept('DROP')) return parseDrop(cursor);
  if (cursor.accept('RENAME')) {
    if (cursor.isWord('TO')) throw cursor.notSupported('ALTER TABLE ... RENAME TO: a lake table is named by its folder');
    cursor.expect('COLUMN');
    const column = cursor.name('the name of a column');
    cursor.expect('TO');
    return { kind: 'renameColumn', column, newName: cursor.identifier('the new name') };
  }
  if (cursor.accept('SET', 'TBLPROPERTIES')) return { kind: 'setProperties', properties: cursor.properties() };
  if (cursor.accept('UNSET', 'TBLPROPERTIES')) {
    const ifExists = cursor.accept('IF', 'EXISTS');
    return { kind: 'unsetProperties', ifExists, keys: cursor.list(() => cursor.propertyKey()) };
  }
  if (cursor.accept('CLUSTER', 'BY')) return { kind: 'clusterBy', columns: parseClusterBy(cursor) };
  if (cursor.accept('ALTER') || cursor.accept('CHANGE')) {
    cursor.accept('COLUMN');
    const column = cursor.name('the name of a column');
    return { kind: 'alterColumn', column, change: parseColumnChange(cursor) };
  }
  for (const words of ['SET LOCATION', 'SET SERDE', 'SET OWNER', 'REPLACE COLUMNS', 'RECOVER PARTITIONS'])
    if (cursor.isWord(...words.split(' '))) throw cursor.notSupported(`ALTER TABLE ... ${words}`);
  throw cursor.unexpected('ADD, DROP, RENAME, ALTER COLUMN, SET, UNSET or CLUSTER BY');
}

function parseDrop(cursor: Cursor): Alteration {
  if (cursor.accept('CONSTRAINT')) {
    const ifExists = cursor.accept('IF', 'EXISTS');
    return { kind: 'dropConstraint', ifExists, name: cursor.identifier('the name of a constraint') };
  }
  if (cursor.accept('FEATURE')) {
    const feature = cursor.peek().kind === 'string' ? cursor.string() : cursor.identifier('the name of a feature');
    return { kind: 'dropFeature', feature, truncateHistory: cursor.accept('TRUNCATE', 'HISTORY') };
  }
  if (cursor.isWord('PARTITION')) throw cursor.notSupported('DROP PARTITION of a Delta table');
  if (!cursor.accept('COLUMNS')) cursor.expect('COLUMN');
  const ifExists = cursor.accept('IF', 'EXISTS');
  const columns = cursor.isSymbol('(') ? cursor.list(() => cursor.name()) : [cursor.name('the name of a column')];
  while (cursor.acceptSymbol(',')) columns.push(cursor.name());
  return { kind: 'dropColumns', columns, ifExists };
}

function parseColumnChange(cursor: Cursor): ColumnChange {
  if (cursor.accept('TYPE')) return { kind: 'type', type: cursor.type() };
  if (cursor.accept('SET', 'NOT', 'NULL')) return { kind: 'nullable', nullable: false };
  if (cursor.accept('DROP', 'NOT', 'NULL')) return { kind: 'nullable', nullable: true };
  if (cursor.accept('SET', 'DEFAULT')) return { kind: 'default', value: cursor.fragment('a value', () => cursor.isSymbol(';')) };
  if (cursor.accept('DROP', 'DEFAULT')) return { kind: 'default', value: undefined };
  if (cursor.accept('SYNC', 'IDENTITY')) return { kind: 'syncIdentity' };
  if (cursor.accept('COMMENT')) return { kind: 'comment', comment: cursor.string() };
  if (cursor.isWord('FIRST') || cursor.isWord('AFTER')) return { kind: 'position', position: parsePosition(cursor) };
  throw cursor.unexpected('TYPE, SET, DROP, COMMENT, FIRST, AFTER or SYNC IDENTITY');
}
