import type { Statement } from './ast.ts';
import {
  parseBegin,
  parseDeclare,
  parseExec,
  parseIf,
  parseRaiserror,
  parseReturn,
  parseSet,
  parseThrow,
  parseTransaction,
  parseWaitFor,
  parseWhile,
} from './parse-control.ts';
import { parseCreate, parseDrop, skipStatement } from './parse-ddl.ts';
import { parseDelete, parseInsert, parseMerge, parseUpdate } from './parse-dml.ts';
import { parseExpression } from './parse-expression.ts';
import { parseCommonTables, parseQuery } from './parse-query.ts';
import { TokenCursor } from './token-cursor.ts';

/**
 * The statements of one batch (text between GO lines). Semicolons are not needed: a statement ends where the next begins.
 *
 * @throws SQL_SYNTAX, or SQL_NOT_SUPPORTED for forms that are T-SQL and not taken here; both with line and column
 * @example parseBatch('SELECT 1 SELECT 2').length // 2
 */
export function parseBatch(text: string): readonly Statement[] {
  const cursor = new TokenCursor(text);
  const statements: Statement[] = [];
  // Only the first statement of a batch may call a procedure without EXEC.
  if (isBareCall(cursor)) statements.push(parseExec(cursor));
  statements.push(...parseStatementsUntil(cursor, () => cursor.peek().kind === 'end'));
  return statements;
}

function isBareCall(cursor: TokenCursor): boolean {
  if (!cursor.isIdentifier() || cursor.isSymbol(':', 1)) return false;
  const word = cursor.peek().kind === 'word' ? cursor.peek().text.toUpperCase() : '';
  return !(word in starters) && !['THROW', 'ENABLE', 'DISABLE', 'WITH', 'DENY', 'RENAME'].includes(word);
}

export function parseStatementsUntil(cursor: TokenCursor, isEnd: () => boolean): Statement[] {
  const statements: Statement[] = [];
  for (;;) {
    while (cursor.acceptSymbol(';'));
    if (isEnd()) return statements;
    if (cursor.peek().kind === 'end') throw cursor.unexpected('END');
    statements.push(parseStatement(cursor));
  }
}

type Parser = (cursor: TokenCursor) => Statement;

const starters: Readonly<Record<string, Parser>> = {
  SELECT: (cursor) => {
    const { start } = cursor;
    return { kind: 'query', query: parseQuery(cursor), span: cursor.spanFrom(start) };
  },
  WITH: parseWith,
  INSERT: (cursor) => parseInsert(cursor, [], cursor.start),
  UPDATE: (cursor) => (cursor.isWord('UPDATE', 'STATISTICS') ? skip(cursor, 'UPDATE STATISTICS') : parseUpdate(cursor, [], cursor.start)),
  DELETE: (cursor) => parseDelete(cursor, [], cursor.start),
  MERGE: (cursor) => parseMerge(cursor, [], cursor.start),
  TRUNCATE: (cursor) => {
    const { start } = cursor;
    cursor.expect('TRUNCATE', 'TABLE');
    const table = cursor.name('a table');
    if (cursor.accept('WITH')) {
      cursor.skipParentheses();
      return { kind: 'unsupported', what: 'TRUNCATE TABLE of partitions', span: cursor.spanFrom(start) };
    }
    return { kind: 'truncate', table, span: cursor.spanFrom(start) };
  },
  CREATE: parseCreate,
  ALTER: (cursor) =>
    cursor.isWord('ALTER', 'VIEW') || cursor.isWord('ALTER', 'PROC') || cursor.isWord('ALTER', 'PROCEDURE')
      ? parseCreate(cursor)
      : skip(cursor, 'ALTER'),
  DROP: parseDrop,
  DECLARE: parseDeclare,
  SET: parseSet,
  IF: parseIf,
  WHILE: parseWhile,
  BEGIN: parseBegin,
  COMMIT: parseTransaction,
  ROLLBACK: parseTransaction,
  SAVE: parseTransaction,
  RETURN: parseReturn,
  PRINT: (cursor) => {
    const { start } = cursor;
    cursor.next();
    return { kind: 'print', value: parseExpression(cursor), span: cursor.spanFrom(start) };
  },
  RAISERROR: parseRaiserror,
  WAITFOR: parseWaitFor,
  EXEC: parseExec,
  EXECUTE: parseExec,
  BREAK: (cursor) => ({ kind: 'break', span: cursor.next().span }),
  CONTINUE: (cursor) => ({ kind: 'continue', span: cursor.next().span }),
  GOTO: (cursor) => {
    const { start } = cursor;
    cursor.next();
    return { kind: 'goto', name: cursor.identifier('a label'), span: cursor.spanFrom(start) };
  },
  USE: (cursor) => {
    const { start } = cursor;
    cursor.next();
    return { kind: 'use', database: cursor.identifier('a database'), span: cursor.spanFrom(start) };
  },
  OPEN: (cursor) => skipCursorVerb(cursor),
  CLOSE: (cursor) => skipCursorVerb(cursor),
  DEALLOCATE: (cursor) => skipCursorVerb(cursor),
  FETCH: (cursor) => skipCursorVerb(cursor),
  GRANT: (cursor) => skip(cursor, 'GRANT'),
  REVOKE: (cursor) => skip(cursor, 'REVOKE'),
  DENY: (cursor) => skip(cursor, 'DENY'),
  BULK: (cursor) => skip(cursor, 'BULK INSERT'),
  DBCC: (cursor) => skip(cursor, 'DBCC'),
  BACKUP: (cursor) => skip(cursor, 'BACKUP'),
  RESTORE: (cursor) => skip(cursor, 'RESTORE'),
  KILL: (cursor) => skip(cursor, 'KILL'),
  CHECKPOINT: (cursor) => skip(cursor, 'CHECKPOINT'),
};

/** One statement; what stands before it must have been read, and its semicolon is left. */
export function parseStatement(cursor: TokenCursor): Statement {
  return cursor.nested(() => {
    const token = cursor.peek();
    if (token.kind === 'symbol' && token.text === '(')
      return { kind: 'query', query: parseQuery(cursor), span: cursor.spanFrom(token.span.start) };
    if (token.kind === 'word') {
      const word = token.text.toUpperCase();
      const parse = Object.hasOwn(starters, word) ? starters[word] : undefined;
      if (parse !== undefined) return parse(cursor);
      if (word === 'THROW') return parseThrow(cursor);
      if (cursor.isIdentifier() && cursor.isSymbol(':', 1)) {
        cursor.next();
        cursor.next();
        return { kind: 'label', name: token.text, span: cursor.spanFrom(token.span.start) };
      }
    }
    throw cursor.unexpected('a statement');
  });
}

function parseWith(cursor: TokenCursor): Statement {
  const { start } = cursor;
  const tables = parseCommonTables(cursor);
  if (cursor.isWord('INSERT')) return parseInsert(cursor, tables, start);
  if (cursor.isWord('UPDATE')) return parseUpdate(cursor, tables, start);
  if (cursor.isWord('DELETE')) return parseDelete(cursor, tables, start);
  if (cursor.isWord('MERGE')) return parseMerge(cursor, tables, start);
  return { kind: 'query', query: parseQuery(cursor, tables), span: cursor.spanFrom(start) };
}

function skip(cursor: TokenCursor, what: string): Statement {
  const { start } = cursor;
  cursor.next();
  return skipStatement(cursor, start, what);
}

/** `FETCH NEXT FROM c INTO @a, @b`, `OPEN c`: the words of one cursor statement. */
function skipCursorVerb(cursor: TokenCursor): Statement {
  const { start } = cursor;
  const verb = cursor.next().text.toUpperCase();
  while (['NEXT', 'PRIOR', 'FIRST', 'LAST', 'GLOBAL', 'FROM'].some((word) => cursor.accept(word)));
  if (cursor.peek().kind === 'variable') cursor.next();
  else cursor.identifier('a cursor');
  if (cursor.accept('INTO')) {
    do cursor.variable();
    while (cursor.acceptSymbol(','));
  }
  return { kind: 'unsupported', what: `${verb} of a cursor`, span: cursor.spanFrom(start) };
}
