import type { JoinKind, OpenColumn, OpenRowset, Query, TableSource } from './ast.ts';
import { finishCall, isQueryAhead, parseCondition, parseExpression, parseList, parseTypeName } from './parse-expression.ts';
import { parseColumnNames, parseQuery, parseValues } from './parse-query.ts';
import type { TokenCursor } from './token-cursor.ts';

/** What follows FROM: sources joined by commas. */
export function parseTableSources(cursor: TokenCursor): TableSource[] {
  return parseList(cursor, parseTableSource);
}

/** A source with its joins. */
export function parseTableSource(cursor: TokenCursor): TableSource {
  return cursor.nested(() => {
    const { start } = cursor;
    let left = parsePrimarySource(cursor);
    for (;;) {
      const join = parseJoinKind(cursor);
      if (join === undefined) return left;
      if (join === 'cross' || join === 'crossApply' || join === 'outerApply') {
        left = { kind: 'join', join, left, right: parsePrimarySource(cursor), on: undefined, span: cursor.spanFrom(start) };
        continue;
      }
      // `a LEFT JOIN b JOIN c ON .. ON ..`: the inner join ends at the first ON.
      const right = parseJoinOperand(cursor);
      if (cursor.isWord('USING')) throw cursor.unexpected('ON');
      cursor.expect('ON');
      left = { kind: 'join', join, left, right, on: parseCondition(cursor), span: cursor.spanFrom(start) };
    }
  });
}

/** The right side of a join: everything up to the ON that belongs to the join itself. */
function parseJoinOperand(cursor: TokenCursor): TableSource {
  const { start } = cursor;
  let left = parsePrimarySource(cursor);
  while (!cursor.isWord('ON')) {
    const join = parseJoinKind(cursor);
    if (join === undefined) return left;
    if (join === 'cross' || join === 'crossApply' || join === 'outerApply') {
      left = { kind: 'join', join, left, right: parsePrimarySource(cursor), on: undefined, span: cursor.spanFrom(start) };
      continue;
    }
    const right = cursor.nested(() => parseJoinOperand(cursor));
    cursor.expect('ON');
    left = { kind: 'join', join, left, right, on: parseCondition(cursor), span: cursor.spanFrom(start) };
  }
  return left;
}

function parseJoinKind(cursor: TokenCursor): JoinKind | undefined {
  if (cursor.accept('CROSS', 'JOIN')) return 'cross';
  if (cursor.accept('CROSS', 'APPLY')) return 'crossApply';
  if (cursor.accept('OUTER', 'APPLY')) return 'outerApply';
  const acceptJoin = (...words: string[]) => {
    for (const hint of ['LOOP', 'HASH', 'MERGE', 'REMOTE']) if (cursor.accept(...words, hint, 'JOIN')) return true; // hints change no result
    return cursor.accept(...words, 'JOIN');
  };
  if (acceptJoin('INNER')) return 'inner';
  for (const [word, kind] of [
    ['LEFT', 'left'],
    ['RIGHT', 'right'],
    ['FULL', 'full'],
  ] as const) {
    if (acceptJoin(word, 'OUTER') || acceptJoin(word)) return kind;
  }
  return cursor.accept('JOIN') ? 'inner' : undefined;
}

function parsePrimarySource(cursor: TokenCursor): TableSource {
  let source = parseUnpivotedSource(cursor);
  const { start } = source.span;
  for (;;) {
    if (cursor.isWord('PIVOT') && cursor.isSymbol('(', 1)) source = parsePivot(cursor, source, start);
    else if (cursor.isWord('UNPIVOT') && cursor.isSymbol('(', 1)) source = parseUnpivot(cursor, source, start);
    else return source;
  }
}

function parseUnpivotedSource(cursor: TokenCursor): TableSource {
  const { start } = cursor;
  const token = cursor.peek();
  if (token.kind === 'variable') {
    cursor.next();
    if (cursor.isSymbol('.')) throw cursor.unsupported('a method of a variable as a table', start);
    return { kind: 'tableVariable', name: token.text, alias: parseTableAlias(cursor), span: cursor.spanFrom(start) };
  }
  if (cursor.isSymbol('(')) return parseParenthesisedSource(cursor);
  if (cursor.isWord('OPENROWSET') && cursor.isSymbol('(', 1)) return parseOpenRowset(cursor);
  if (cursor.isWord('OPENJSON') && cursor.isSymbol('(', 1)) return parseOpenJson(cursor);
  for (const word of ['OPENQUERY', 'OPENDATASOURCE', 'OPENXML', 'CHANGETABLE', 'CONTAINSTABLE', 'FREETEXTTABLE', 'PREDICT']) {
    if (cursor.isWord(word) && cursor.isSymbol('(', 1)) throw cursor.unsupported(word);
  }
  const name = cursor.name('a table');
  if (cursor.isSymbol('(') && !isHintAhead(cursor)) {
    const call = finishCall(cursor, start, name, undefined);
    const { alias, columns } = parseAliasAndColumns(cursor);
    return { kind: 'function', call, alias, columns, span: cursor.spanFrom(start) };
  }
  if (cursor.isSymbol('(')) cursor.skipParentheses(); // a table hint in the old form: `u (NOLOCK)`
  let forSystemTime: string | undefined;
  if (cursor.isWord('FOR', 'SYSTEM_TIME')) {
    cursor.accept('FOR', 'SYSTEM_TIME');
    const from = cursor.start;
    if (!cursor.accept('ALL')) {
      if (cursor.accept('AS', 'OF')) parseExpression(cursor);
      else throw cursor.unsupported('FOR SYSTEM_TIME other than AS OF and ALL');
    }
    forSystemTime = cursor.text.slice(from, cursor.spanFrom(from).end);
  }
  let alias = parseTableAlias(cursor);
  let sample: string | undefined;
  if (cursor.accept('TABLESAMPLE')) {
    cursor.accept('SYSTEM');
    sample = cursor.skipParentheses();
    if (cursor.accept('REPEATABLE')) cursor.skipParentheses();
    alias ??= parseTableAlias(cursor);
  }
  skipHints(cursor);
  return { kind: 'table', name, alias, forSystemTime, sample, span: cursor.spanFrom(start) };
}

const hints = new Set(
  'NOLOCK READUNCOMMITTED UPDLOCK ROWLOCK PAGLOCK TABLOCK TABLOCKX XLOCK HOLDLOCK READPAST READCOMMITTED READCOMMITTEDLOCK REPEATABLEREAD SERIALIZABLE SNAPSHOT NOWAIT NOEXPAND INDEX FORCESEEK FORCESCAN'.split(
    ' ',
  ),
);

function isHintAhead(cursor: TokenCursor): boolean {
  const token = cursor.peek(1);
  return token.kind === 'word' && hints.has(token.text.toUpperCase()) && (cursor.isSymbol(')', 2) || cursor.isSymbol(',', 2));
}

/** `WITH (NOLOCK, INDEX(ix))` and `(NOLOCK)`: locks and plans change no result here. */
export function skipHints(cursor: TokenCursor): void {
  if (cursor.isWord('WITH') && cursor.isSymbol('(', 1)) {
    cursor.next();
    cursor.skipParentheses();
  } else if (cursor.isSymbol('(') && isHintAhead(cursor)) cursor.skipParentheses();
}

function parseParenthesisedSource(cursor: TokenCursor): TableSource {
  const { start } = cursor;
  if (isQueryAhead(cursor, 1) || cursor.isWordAt(1, 'VALUES')) {
    cursor.expectSymbol('(');
    const query = cursor.nested(() => (cursor.isWord('VALUES') ? valuesQuery(cursor) : parseQuery(cursor)));
    cursor.expectSymbol(')');
    const { alias, columns } = parseAliasAndColumns(cursor);
    if (alias === undefined) throw cursor.unexpected('an alias of the derived table');
    return { kind: 'derived', query, alias, columns, span: cursor.spanFrom(start) };
  }
  cursor.expectSymbol('(');
  const inner = parseTableSource(cursor);
  cursor.expectSymbol(')');
  return inner;
}

function valuesQuery(cursor: TokenCursor): Query {
  const body = parseValues(cursor);
  return { with: [], body, orderBy: [], offset: undefined, fetch: undefined, forClause: undefined, span: body.span };
}

function parseTableAlias(cursor: TokenCursor): string | undefined {
  if (cursor.isWord('ASOF', 'JOIN')) throw cursor.error('T-SQL has no ASOF JOIN');
  if (cursor.accept('AS')) return cursor.identifier('an alias');
  return cursor.isIdentifier() && !(cursor.isWord('WINDOW') && cursor.isIdentifier(1)) && !isStatementWord(cursor)
    ? cursor.identifier()
    : undefined;
}

/** Words that are not reserved and yet begin a statement when nothing separates it from the one before. */
function isStatementWord(cursor: TokenCursor): boolean {
  const token = cursor.peek();
  return token.kind === 'word' && ['THROW', 'GO', 'ENABLE', 'DISABLE'].includes(token.text.toUpperCase());
}

function parseAliasAndColumns(cursor: TokenCursor): { alias: string | undefined; columns: string[] } {
  const alias = parseTableAlias(cursor);
  return { alias, columns: alias !== undefined && cursor.isSymbol('(') && !isHintAhead(cursor) ? parseColumnNames(cursor) : [] };
}

function parsePivot(cursor: TokenCursor, source: TableSource, start: number): TableSource {
  cursor.next();
  cursor.expectSymbol('(');
  const aggregate = finishCall(cursor, cursor.start, cursor.name('an aggregate'), undefined);
  cursor.expect('FOR');
  const column = cursor.name('a column');
  cursor.expect('IN');
  const values = parseColumnNames(cursor);
  cursor.expectSymbol(')');
  const alias = parseTableAlias(cursor);
  if (alias === undefined) throw cursor.unexpected('an alias of PIVOT');
  return { kind: 'pivot', source, aggregate, column, values, alias, span: cursor.spanFrom(start) };
}

function parseUnpivot(cursor: TokenCursor, source: TableSource, start: number): TableSource {
  cursor.next();
  cursor.expectSymbol('(');
  const value = cursor.identifier('a column');
  cursor.expect('FOR');
  const column = cursor.identifier('a column');
  cursor.expect('IN');
  const columns = parseColumnNames(cursor);
  cursor.expectSymbol(')');
  const alias = parseTableAlias(cursor);
  if (alias === undefined) throw cursor.unexpected('an alias of UNPIVOT');
  return { kind: 'unpivot', source, value, column, columns, alias, span: cursor.spanFrom(start) };
}

function parseOpenRowset(cursor: TokenCursor): OpenRowset {
  const { start } = cursor;
  cursor.next();
  cursor.expectSymbol('(');
  if (!cursor.accept('BULK')) throw cursor.unsupported('OPENROWSET without BULK');
  const text = () => {
    const token = cursor.next();
    if (token.kind !== 'string') throw cursor.error('a path in quotes was expected', token.span.start);
    return token.text;
  };
  let bulk: string[];
  if (cursor.acceptSymbol('(')) {
    bulk = parseList(cursor, text);
    cursor.expectSymbol(')');
  } else bulk = [text()];
  const options: Record<string, string | number | true> = {};
  while (cursor.acceptSymbol(',')) {
    const name = cursor.next().text.toUpperCase();
    if (!cursor.acceptSymbol('=')) options[name] = true;
    else {
      const token = cursor.next();
      if (token.kind === 'symbol' || token.kind === 'end') throw cursor.error(`a value of ${name} was expected`, token.span.start);
      options[name] = token.kind === 'number' ? Number(token.text) : token.text;
    }
  }
  cursor.expectSymbol(')');
  const columns = cursor.isWord('WITH') && cursor.isSymbol('(', 1) ? parseOpenColumns(cursor) : undefined;
  const { alias, columns: aliasColumns } = parseAliasAndColumns(cursor);
  return { kind: 'openRowset', bulk, options, columns, alias, aliasColumns, span: cursor.spanFrom(start) };
}

function parseOpenJson(cursor: TokenCursor): TableSource {
  const { start } = cursor;
  cursor.next();
  cursor.expectSymbol('(');
  const document = parseExpression(cursor);
  const path = cursor.acceptSymbol(',') ? parseExpression(cursor) : undefined;
  cursor.expectSymbol(')');
  const columns = cursor.isWord('WITH') && cursor.isSymbol('(', 1) ? parseOpenColumns(cursor) : undefined;
  return { kind: 'openJson', document, path, columns, alias: parseTableAlias(cursor), span: cursor.spanFrom(start) };
}

function parseOpenColumns(cursor: TokenCursor): OpenColumn[] {
  cursor.expect('WITH');
  cursor.expectSymbol('(');
  const columns = parseList(cursor, (): OpenColumn => {
    const { start } = cursor;
    const name = cursor.identifier('a column');
    const type = parseTypeName(cursor);
    const collation = cursor.accept('COLLATE') ? cursor.identifier('a collation') : undefined;
    const token = cursor.peek();
    const place = token.kind === 'number' ? Number(cursor.next().text) : token.kind === 'string' ? cursor.next().text : undefined;
    const asJson = cursor.accept('AS', 'JSON');
    return { name, type, collation, place, asJson, span: cursor.spanFrom(start) };
  });
  cursor.expectSymbol(')');
  return columns;
}
