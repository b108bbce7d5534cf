import { Cursor } from './cursor.ts';
import { parseAlterTable } from './parse-alter.ts';
import { parseDelete, parseInsert, parseMerge, parseUpdate } from './parse-change.ts';
import { parseDescribe, parseOptimize, parseReorg, parseRestore, parseShowProperties, parseVacuum } from './parse-maintenance.ts';
import { parseConvert, parseCreateTable } from './parse-table.ts';
import type { DeltaStatement } from './statement.ts';
import { asQuery } from './time-travel.ts';

/** Statements of Spark's that name no Delta table or that a local lake has no use for. */
const refused = [
  'FSCK', 'MSCK', 'REFRESH', 'CACHE', 'UNCACHE', 'ANALYZE', 'COMMENT', 'COPY INTO', 'CREATE VIEW', 'CREATE OR REPLACE VIEW', 'CREATE DATABASE',
  'CREATE SCHEMA', 'CREATE FUNCTION', 'DROP VIEW', 'DROP DATABASE', 'DROP SCHEMA', 'GRANT', 'REVOKE', 'SYNC', 'LOAD', 'GENERATE', 'USE', 'SET',
]; // prettier-ignore

/**
 * One statement in Spark's and Databricks' words. Conditions, values and queries stay text of the lake's dialect, whose
 * time travel becomes the engine's `AT (...)`; a statement that begins with none of the verbs is a `query`.
 *
 * @throws {LakesteadError} `SQL_SYNTAX` or `SQL_NOT_SUPPORTED` with line and column
 * @example parseDeltaStatement("DELETE FROM gold.sales WHERE day < '2020-01-01'") // { kind: 'delete', table: { parts: ['gold', 'sales'] ... } ... }
 */
export function parseDeltaStatement(text: string): DeltaStatement {
  const cursor = new Cursor(text);
  const statement = parseVerb(cursor) ?? parseQuery(cursor);
  cursor.acceptSymbol(';');
  if (!cursor.isAtEnd) throw cursor.unexpected('the end of the statement');
  return statement;
}

function parseVerb(cursor: Cursor): DeltaStatement | undefined {
  const { start } = cursor.peek().span;
  if (cursor.accept('CREATE', 'OR', 'REPLACE', 'TABLE')) return parseCreateTable(cursor, start, 'orCreate');
  if (cursor.accept('CREATE', 'TABLE')) return parseCreateTable(cursor, start, 'no');
  if (cursor.accept('REPLACE', 'TABLE')) return parseCreateTable(cursor, start, 'existing');
  if (cursor.accept('DROP', 'TABLE')) {
    const ifExists = cursor.accept('IF', 'EXISTS');
    const table = cursor.name('the name of a table');
    cursor.accept('PURGE');
    return { kind: 'dropTable', table, ifExists, span: cursor.spanFrom(start) };
  }
  if (cursor.accept('INSERT')) return parseInsert(cursor, start);
  if (cursor.accept('DELETE')) return parseDelete(cursor, start);
  if (cursor.accept('TRUNCATE', 'TABLE')) {
    const table = cursor.name('the name of a table');
    if (cursor.isWord('PARTITION')) throw cursor.notSupported('TRUNCATE TABLE ... PARTITION: DELETE FROM with a condition does it');
    return { kind: 'delete', table, alias: undefined, where: undefined, span: cursor.spanFrom(start) };
  }
  if (cursor.accept('UPDATE')) return parseUpdate(cursor, start);
  if (cursor.accept('MERGE')) return parseMerge(cursor, start);
  if (cursor.accept('OPTIMIZE')) return parseOptimize(cursor, start);
  if (cursor.accept('REORG')) return parseReorg(cursor, start);
  if (cursor.accept('VACUUM')) return parseVacuum(cursor, start);
  if (cursor.accept('RESTORE')) return parseRestore(cursor, start);
  if (cursor.accept('CONVERT')) return parseConvert(cursor, start);
  if (cursor.accept('ALTER', 'TABLE')) return parseAlterTable(cursor, start);
  if (cursor.accept('SHOW', 'TBLPROPERTIES')) return parseShowProperties(cursor, start);
  // DESCRIBE of a query or of a table's columns is the engine's own.
  const describes = cursor.isWord('DESCRIBE') || cursor.isWord('DESC');
  if (describes && ['HISTORY', 'DETAIL'].includes(cursor.peek(1).text) && ['word', 'quoted'].includes(cursor.peek(2).kind)) {
    cursor.next();
    return parseDescribe(cursor, start);
  }
  const word = refused.find((words) => cursor.isWord(...words.split(' ')));
  if (word !== undefined) throw cursor.notSupported(word);
  return undefined;
}

function parseQuery(cursor: Cursor): DeltaStatement {
  const query = asQuery(cursor.fragment('a statement', () => cursor.isSymbol(';')));
  return { kind: 'query', query, span: query.span };
}
