import type { Cursor } from './cursor.ts';
import { asQuery, parseTimeTravel } from './time-travel.ts';
import type { Assignment, DeltaStatement, Fragment, MergeClause } from './statement.ts';

/** An alias, with or without AS; none where one of these words comes next. */
function parseAlias(cursor: Cursor, ...next: readonly string[]): string | undefined {
  if (cursor.accept('AS')) return cursor.identifier('an alias');
  const { kind } = cursor.peek();
  return (kind === 'word' || kind === 'quoted') && !next.some((word) => cursor.isWord(word)) ? cursor.identifier() : undefined;
}

const atEnd = (cursor: Cursor) => () => cursor.isSymbol(';');

function parseWhere(cursor: Cursor): Fragment | undefined {
  return cursor.accept('WHERE') ? cursor.fragment('a condition', atEnd(cursor)) : undefined;
}

/** Behind DELETE. */
export function parseDelete(cursor: Cursor, start: number): DeltaStatement {
  cursor.expect('FROM');
  const table = cursor.name('the name of a table');
  const alias = parseAlias(cursor, 'WHERE');
  return { kind: 'delete', table, alias, where: parseWhere(cursor), span: cursor.spanFrom(start) };
}

/** Behind UPDATE. */
export function parseUpdate(cursor: Cursor, start: number): DeltaStatement {
  const table = cursor.name('the name of a table');
  const alias = parseAlias(cursor, 'SET');
  cursor.expect('SET');
  const assignments = parseAssignments(cursor, () => cursor.isWord('WHERE') || cursor.isSymbol(';'));
  return { kind: 'update', table, alias, assignments, where: parseWhere(cursor), span: cursor.spanFrom(start) };
}

function parseAssignments(cursor: Cursor, stop: () => boolean): readonly Assignment[] {
  const assignments: Assignment[] = [];
  do {
    const column = cursor.name('the name of a column');
    cursor.expectSymbol('=');
    assignments.push({ column, value: cursor.fragment('a value', () => cursor.isSymbol(',') || stop()) });
  } while (cursor.acceptSymbol(','));
  return assignments;
}

/** Behind INSERT. */
export function parseInsert(cursor: Cursor, start: number): DeltaStatement {
  const isOverwrite = cursor.accept('OVERWRITE');
  if (!isOverwrite) cursor.expect('INTO');
  cursor.accept('TABLE');
  const table = cursor.name('the name of a table');
  let overwrite: (DeltaStatement & { kind: 'insert' })['overwrite'] = isOverwrite ? 'all' : 'no';
  if (cursor.accept('PARTITION')) {
    const partition = cursor.list(() => ({
      column: cursor.identifier('the name of a column'),
      value: cursor.acceptSymbol('=') ? cursor.fragment('a value', () => cursor.isSymbol(',')) : undefined,
    }));
    overwrite = isOverwrite ? { partition } : { into: partition };
  }
  const byName = cursor.accept('BY', 'NAME');
  const columns = !byName && cursor.isSymbol('(') && !isQueryInParentheses(cursor) ? cursor.list(() => cursor.name()) : [];
  if (cursor.accept('REPLACE', 'WHERE')) {
    if (isOverwrite) throw cursor.unexpected('INSERT INTO before REPLACE WHERE');
    overwrite = { where: cursor.fragment('a condition', () => startsQuery(cursor)) };
  } else if (cursor.isWord('REPLACE')) throw cursor.notSupported('INSERT ... REPLACE ON and REPLACE USING');
  const query = asQuery(cursor.fragment('a query or VALUES', atEnd(cursor)));
  return { kind: 'insert', table, columns, byName, overwrite, query, span: cursor.spanFrom(start) };
}

function startsQuery(cursor: Cursor, ahead = 0): boolean {
  const { kind, text } = cursor.peek(ahead);
  return kind === 'word' && ['SELECT', 'WITH', 'VALUES', 'FROM', 'TABLE'].includes(text);
}

function isQueryInParentheses(cursor: Cursor): boolean {
  let ahead = 0;
  while (cursor.isSymbol('(', ahead)) ahead += 1;
  return startsQuery(cursor, ahead);
}

/** Behind MERGE. */
export function parseMerge(cursor: Cursor, start: number): DeltaStatement {
  const withSchemaEvolution = cursor.accept('WITH', 'SCHEMA', 'EVOLUTION');
  cursor.expect('INTO');
  const table = cursor.name('the name of a table');
  const alias = parseAlias(cursor, 'USING');
  cursor.expect('USING');
  const source = parseSource(cursor);
  const sourceAlias = parseAlias(cursor, 'ON');
  cursor.expect('ON');
  const on = cursor.fragment('a condition', () => isClause(cursor) || cursor.isSymbol(';'));
  const clauses: MergeClause[] = [];
  while (isClause(cursor)) clauses.push(parseClause(cursor));
  if (clauses.length === 0) throw cursor.unexpected('WHEN MATCHED or WHEN NOT MATCHED');
  return { kind: 'merge', table, alias, source, sourceAlias, on, clauses, withSchemaEvolution, span: cursor.spanFrom(start) };
}

/** A table, at a version or a timestamp if one is given, a call, or a query in parentheses. */
function parseSource(cursor: Cursor): Fragment {
  const { start } = cursor.peek().span;
  if (cursor.isSymbol('(')) cursor.balanced('(', ')');
  else {
    cursor.name('a table or a query in parentheses');
    if (cursor.isSymbol('(')) cursor.balanced('(', ')');
    else if (cursor.acceptSymbol('@')) cursor.identifier('a version');
    else parseTimeTravel(cursor);
  }
  return asQuery(cursor.fragmentFrom(start));
}

function isClause(cursor: Cursor): boolean {
  return cursor.isWord('WHEN', 'MATCHED') || cursor.isWord('WHEN', 'NOT', 'MATCHED');
}

function parseClause(cursor: Cursor): MergeClause {
  const { start } = cursor.peek().span;
  cursor.expect('WHEN');
  const isMatched = !cursor.accept('NOT');
  cursor.expect('MATCHED');
  const bySource = !isMatched && cursor.accept('BY', 'SOURCE');
  if (!isMatched && !bySource) cursor.accept('BY', 'TARGET');
  const condition = cursor.accept('AND') ? cursor.fragment('a condition', () => cursor.isWord('THEN')) : undefined;
  cursor.expect('THEN');
  if (!isMatched && !bySource) return parseInsertClause(cursor, start, condition);
  const when = isMatched ? 'matched' : 'notMatchedBySource';
  if (cursor.accept('DELETE')) return { when, action: 'delete', condition, span: cursor.spanFrom(start) };
  cursor.expect('UPDATE', 'SET');
  if (cursor.acceptSymbol('*')) {
    if (when !== 'matched') throw cursor.unexpected('columns: there is no source row for UPDATE SET *');
    return { when, action: 'updateAll', condition, span: cursor.spanFrom(start) };
  }
  const assignments = parseAssignments(cursor, () => isClause(cursor) || cursor.isSymbol(';'));
  return { when, action: 'update', assignments, condition, span: cursor.spanFrom(start) };
}

function parseInsertClause(cursor: Cursor, start: number, condition: Fragment | undefined): MergeClause {
  const when = 'notMatched';
  cursor.expect('INSERT');
  if (cursor.acceptSymbol('*')) return { when, action: 'insertAll', condition, span: cursor.spanFrom(start) };
  const columns = cursor.list(() => cursor.name('the name of a column'));
  cursor.expect('VALUES');
  const values = cursor.list(() => cursor.fragment('a value', () => cursor.isSymbol(',')));
  if (values.length !== columns.length) throw cursor.unexpected(`${columns.length} values, not ${values.length}`);
  return { when, action: 'insert', columns, values, condition, span: cursor.spanFrom(start) };
}
