import type { Assignment, CommonTable, Expression, MergeAction, Output, Query, Statement, TableSource } from './ast.ts';
import { parseExec } from './parse-control.ts';
import { parseCondition, parseExpression, parseList } from './parse-expression.ts';
import { isQueryNext, parseColumnNames, parseQuery, parseSelectItem, parseTop } from './parse-query.ts';
import { parseTableSource, parseTableSources, skipHints } from './parse-table-source.ts';
import type { TokenCursor } from './token-cursor.ts';

/** What an UPDATE, INSERT, DELETE or MERGE changes. */
function parseTarget(cursor: TokenCursor, withAlias = false): TableSource {
  const { start } = cursor;
  const token = cursor.peek();
  if (token.kind === 'variable') {
    cursor.next();
    return { kind: 'tableVariable', name: token.text, alias: undefined, span: cursor.spanFrom(start) };
  }
  const name = cursor.name('a table');
  skipHints(cursor);
  let alias: string | undefined;
  if (withAlias) alias = cursor.accept('AS') ? cursor.identifier() : cursor.isIdentifier() ? cursor.identifier() : undefined;
  return { kind: 'table', name, alias, forSystemTime: undefined, sample: undefined, span: cursor.spanFrom(start) };
}

function parseOutput(cursor: TokenCursor): Output | undefined {
  if (!cursor.accept('OUTPUT')) return undefined;
  const items = parseList(cursor, parseSelectItem);
  if (!cursor.accept('INTO')) return { items, into: undefined };
  return { items, into: cursor.peek().kind === 'variable' ? { variable: cursor.variable() } : cursor.name('a table') };
}

export function parseInsert(cursor: TokenCursor, commonTables: readonly CommonTable[], start: number): Statement {
  cursor.expect('INSERT');
  const top = cursor.isWord('TOP') ? parseTop(cursor) : undefined;
  cursor.accept('INTO');
  const target = parseTarget(cursor);
  skipHints(cursor);
  const columns = cursor.isSymbol('(') && !isQueryNext(cursor) ? parseColumnNames(cursor) : [];
  const output = parseOutput(cursor);
  let source: Query | { kind: 'defaultValues' } | (Statement & { kind: 'exec' });
  if (cursor.accept('DEFAULT', 'VALUES')) source = { kind: 'defaultValues' };
  else if (cursor.isWord('EXEC') || cursor.isWord('EXECUTE')) {
    const exec = parseExec(cursor);
    if (exec.kind !== 'exec') throw cursor.unsupported('INSERT ... EXEC of a string', exec.span.start);
    source = exec;
  } else source = parseQuery(cursor);
  return { kind: 'insert', with: commonTables, top, target, columns, output, source, span: cursor.spanFrom(start) };
}

function parseAssignment(cursor: TokenCursor): Assignment {
  const { start } = cursor;
  let variable: string | undefined;
  let column;
  if (cursor.peek().kind === 'variable') {
    variable = cursor.variable();
    const operator = takeAssignOperator(cursor);
    // `@v = column = expression` sets both.
    if (operator === '=' && cursor.isIdentifier() && cursor.isSymbol('=', 1)) column = cursor.name('a column');
    else return { column: undefined, variable, operator, value: parseExpression(cursor), span: cursor.spanFrom(start) };
  } else column = cursor.name('a column');
  const operator = takeAssignOperator(cursor);
  return { column, variable, operator, value: parseExpression(cursor), span: cursor.spanFrom(start) };
}

/** `=`, `+=` and their like. */
export function takeAssignOperator(cursor: TokenCursor): string {
  const token = cursor.peek();
  if (token.kind === 'symbol' && /^(?:[-+*/%&|^])?=$/.test(token.text)) return cursor.next().text;
  throw cursor.unexpected('"="');
}

export function parseUpdate(cursor: TokenCursor, commonTables: readonly CommonTable[], start: number): Statement {
  cursor.expect('UPDATE');
  const top = cursor.isWord('TOP') ? parseTop(cursor) : undefined;
  const target = parseTarget(cursor);
  cursor.expect('SET');
  const assignments = parseList(cursor, parseAssignment);
  const output = parseOutput(cursor);
  const from = cursor.accept('FROM') ? parseTableSources(cursor) : [];
  const where = parseWhere(cursor);
  skipOption(cursor);
  return { kind: 'update', with: commonTables, top, target, assignments, output, from, where, span: cursor.spanFrom(start) };
}

export function parseDelete(cursor: TokenCursor, commonTables: readonly CommonTable[], start: number): Statement {
  cursor.expect('DELETE');
  const top = cursor.isWord('TOP') ? parseTop(cursor) : undefined;
  cursor.accept('FROM');
  const target = parseTarget(cursor);
  const output = parseOutput(cursor);
  if (cursor.isWord('USING')) throw cursor.unexpected('FROM or WHERE');
  const from = cursor.accept('FROM') ? parseTableSources(cursor) : [];
  const where = parseWhere(cursor);
  skipOption(cursor);
  return { kind: 'delete', with: commonTables, top, target, output, from, where, span: cursor.spanFrom(start) };
}

function parseWhere(cursor: TokenCursor) {
  if (!cursor.accept('WHERE')) return undefined;
  if (cursor.isWord('CURRENT', 'OF')) {
    const { start } = cursor;
    cursor.accept('CURRENT', 'OF');
    return { kind: 'currentOf', cursor: cursor.identifier('a cursor'), span: cursor.spanFrom(start) } as const;
  }
  return parseCondition(cursor);
}

function skipOption(cursor: TokenCursor): void {
  if (cursor.accept('OPTION')) cursor.skipParentheses();
}

export function parseMerge(cursor: TokenCursor, commonTables: readonly CommonTable[], start: number): Statement {
  cursor.expect('MERGE');
  if (cursor.isWord('TOP')) throw cursor.unsupported('MERGE TOP');
  cursor.accept('INTO');
  const target = parseTarget(cursor, true);
  cursor.expect('USING');
  const source = parseTableSource(cursor);
  cursor.expect('ON');
  const on = parseCondition(cursor);
  const actions: MergeAction[] = [];
  while (cursor.accept('WHEN')) {
    const match = cursor.accept('NOT', 'MATCHED', 'BY', 'SOURCE')
      ? 'notMatchedBySource'
      : cursor.accept('NOT', 'MATCHED', 'BY', 'TARGET') || cursor.accept('NOT', 'MATCHED')
        ? 'notMatched'
        : 'matched';
    if (match === 'matched') cursor.expect('MATCHED');
    const condition = cursor.accept('AND') ? parseCondition(cursor) : undefined;
    cursor.expect('THEN');
    actions.push({ match, condition, action: parseMergeAction(cursor) });
  }
  const output = parseOutput(cursor);
  skipOption(cursor);
  return { kind: 'merge', with: commonTables, target, source, on, actions, output, span: cursor.spanFrom(start) };
}

function parseMergeAction(cursor: TokenCursor): MergeAction['action'] {
  if (cursor.accept('UPDATE')) {
    cursor.expect('SET');
    return { kind: 'update', assignments: parseList(cursor, parseAssignment) };
  }
  if (cursor.accept('DELETE')) return { kind: 'delete' };
  cursor.expect('INSERT');
  const columns = cursor.isSymbol('(') ? parseColumnNames(cursor) : [];
  if (cursor.accept('DEFAULT', 'VALUES')) return { kind: 'insert', columns, values: 'default' };
  cursor.expect('VALUES');
  cursor.expectSymbol('(');
  const values: Expression[] = parseList(cursor, parseExpression);
  cursor.expectSymbol(')');
  return { kind: 'insert', columns, values };
}
