import { Cursor } from './cursor.ts';

/** A column's type in Spark's or the engine's words, as a tree; primitives by Delta's names. Fields may be null. */
export type ColumnType =
  | { readonly kind: 'primitive'; readonly name: string }
  | { readonly kind: 'array'; readonly element: ColumnType }
  | { readonly kind: 'map'; readonly key: ColumnType; readonly value: ColumnType }
  | { readonly kind: 'struct'; readonly fields: readonly ColumnField[] };

/** A field of a struct. */
type ColumnField = { readonly name: string; readonly type: ColumnType; readonly nullable: boolean; readonly comment: string | undefined };

const primitives: Readonly<Record<string, string>> = {
  BIGINT: 'long', LONG: 'long', INT8: 'long', INT: 'integer', INTEGER: 'integer', SMALLINT: 'short', SHORT: 'short', TINYINT: 'byte', BYTE: 'byte',
  BOOLEAN: 'boolean', BOOL: 'boolean', FLOAT: 'float', REAL: 'float', DOUBLE: 'double', STRING: 'string', VARCHAR: 'string', TEXT: 'string', CHAR: 'string',
  BINARY: 'binary', BLOB: 'binary', DATE: 'date', TIMESTAMP: 'timestamp', TIMESTAMP_LTZ: 'timestamp', TIMESTAMPTZ: 'timestamp', TIMESTAMP_NTZ: 'timestamp_ntz',
}; // prettier-ignore

/**
 * The type that a text of CREATE TABLE or ALTER TABLE means: `decimal(10, 2)`, `array<struct<a: int>>`, `map<string, date>`.
 *
 * @throws {LakesteadError} `SQL_SYNTAX`, and `SQL_NOT_SUPPORTED` for a type that Delta does not have
 */
export function parseColumnType(text: string): ColumnType {
  const cursor = new Cursor(text);
  const type = parseType(cursor);
  if (!cursor.isAtEnd) throw cursor.unexpected('the end of the type');
  return type;
}

function parseType(cursor: Cursor): ColumnType {
  const { start } = cursor.peek().span;
  const name = cursor.identifier('a type').toUpperCase();
  if (name === 'ARRAY' && cursor.acceptSymbol('<')) return { kind: 'array', element: closed(cursor, parseType(cursor)) };
  if (name === 'MAP' && cursor.acceptSymbol('<')) {
    const key = parseType(cursor);
    if (!cursor.acceptSymbol(',')) throw cursor.unexpected('","');
    return { kind: 'map', key, value: closed(cursor, parseType(cursor)) };
  }
  if (name === 'STRUCT' && cursor.acceptSymbol('<')) {
    const fields: ColumnField[] = [];
    do {
      const field = cursor.identifier('the name of a field');
      cursor.acceptSymbol(':');
      const type = parseType(cursor);
      const nullable = !cursor.accept('NOT', 'NULL');
      fields.push({ name: field, type, nullable, comment: cursor.accept('COMMENT') ? cursor.string() : undefined });
    } while (cursor.acceptSymbol(','));
    return closed(cursor, { kind: 'struct', fields });
  }
  if (name === 'DECIMAL' || name === 'NUMERIC' || name === 'DEC') {
    const [precision = 10, scale = 0] = cursor.isSymbol('(') ? cursor.list(() => cursor.count('a number')) : [];
    return { kind: 'primitive', name: `decimal(${precision},${scale})` };
  }
  const primitive = Object.hasOwn(primitives, name) ? primitives[name] : undefined;
  if (primitive === undefined) throw cursor.notSupported(`the type ${name}`, start);
  if (primitive === 'string' && cursor.isSymbol('(')) cursor.balanced('(', ')'); // a length is no part of Delta's type
  if (cursor.accept('WITHOUT', 'TIME', 'ZONE')) return { kind: 'primitive', name: 'timestamp_ntz' };
  cursor.accept('WITH', 'TIME', 'ZONE');
  return { kind: 'primitive', name: primitive };
}

function closed<T>(cursor: Cursor, type: T): T {
  if (!cursor.acceptSymbol('>')) throw cursor.unexpected('">"');
  return type;
}
