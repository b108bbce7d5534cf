import type { CommonTable, GroupBy, GroupItem, Name, OrderItem, Query, QueryBody, Select, SelectItem, Top, Window } from './ast.ts';
import { isQueryAhead, parseCondition, parseExpression, parseList, parseOrderItem, parseWindow } from './parse-expression.ts';
import { parseTableSources } from './parse-table-source.ts';
import type { TokenCursor } from './token-cursor.ts';

/** A query with its WITH, ORDER BY, OFFSET, FOR and OPTION. */
export function parseQuery(cursor: TokenCursor, commonTables?: readonly CommonTable[]): Query {
  const { start } = cursor;
  const tables = commonTables ?? (cursor.isWord('WITH') ? parseCommonTables(cursor) : []);
  const body = parseUnion(cursor);
  let orderBy: OrderItem[] = [];
  let offset;
  let fetch;
  if (cursor.accept('ORDER', 'BY')) {
    orderBy = parseList(cursor, parseOrderItem);
    if (cursor.isWord('NULLS')) throw cursor.unexpected('the end of ORDER BY: T-SQL has no NULLS FIRST or LAST');
    if (cursor.accept('OFFSET')) {
      offset = parseExpression(cursor);
      if (!cursor.accept('ROWS')) cursor.expect('ROW');
      if (cursor.accept('FETCH')) {
        if (!cursor.accept('NEXT')) cursor.expect('FIRST');
        fetch = parseExpression(cursor);
        if (!cursor.accept('ROWS')) cursor.expect('ROW');
        cursor.expect('ONLY');
      }
    }
  }
  const forClause = cursor.isWord('FOR') ? parseForClause(cursor) : undefined;
  if (cursor.accept('OPTION')) cursor.skipParentheses(); // hints change no result
  return { with: tables, body, orderBy, offset, fetch, forClause, span: cursor.spanFrom(start) };
}

/** `WITH a AS (...), b (x) AS (...)`. */
export function parseCommonTables(cursor: TokenCursor): CommonTable[] {
  cursor.expect('WITH');
  return parseList(cursor, () => {
    const { start } = cursor;
    const name = cursor.identifier();
    const columns = cursor.isSymbol('(') ? parseColumnNames(cursor) : [];
    cursor.expect('AS');
    cursor.expectSymbol('(');
    const query = cursor.nested(() => parseQuery(cursor));
    cursor.expectSymbol(')');
    return { name, columns, query, span: cursor.spanFrom(start) };
  });
}

/** `(a, [b c])`. */
export function parseColumnNames(cursor: TokenCursor): string[] {
  cursor.expectSymbol('(');
  const names = parseList(cursor, () => cursor.identifier('a column'));
  cursor.expectSymbol(')');
  return names;
}

/** UNION and EXCEPT are on one level, left to right; INTERSECT binds tighter. */
function parseUnion(cursor: TokenCursor): QueryBody {
  const { start } = cursor;
  let left = parseIntersection(cursor);
  for (;;) {
    const operator = cursor.accept('UNION')
      ? cursor.accept('ALL')
        ? 'UNION ALL'
        : 'UNION'
      : cursor.accept('EXCEPT')
        ? 'EXCEPT'
        : undefined;
    if (operator === undefined) return left;
    left = { kind: 'set', operator, left, right: parseIntersection(cursor), span: cursor.spanFrom(start) };
  }
}

function parseIntersection(cursor: TokenCursor): QueryBody {
  const { start } = cursor;
  let left = parseOperand(cursor);
  while (cursor.accept('INTERSECT'))
    left = { kind: 'set', operator: 'INTERSECT', left, right: parseOperand(cursor), span: cursor.spanFrom(start) };
  return left;
}

function parseOperand(cursor: TokenCursor): QueryBody {
  if (cursor.acceptSymbol('(')) {
    const inner = cursor.nested(() => parseUnion(cursor));
    cursor.expectSymbol(')');
    return inner;
  }
  if (cursor.isWord('VALUES')) return parseValues(cursor);
  return parseSelect(cursor);
}

/** `VALUES (..), (..)`. */
export function parseValues(cursor: TokenCursor): QueryBody {
  const { start } = cursor;
  cursor.expect('VALUES');
  const rows = parseList(cursor, () => {
    cursor.expectSymbol('(');
    const row = parseList(cursor, parseExpression);
    cursor.expectSymbol(')');
    return row;
  });
  return { kind: 'values', rows, span: cursor.spanFrom(start) };
}

function parseSelect(cursor: TokenCursor): Select {
  const { start } = cursor;
  cursor.expect('SELECT');
  const isDistinct = cursor.accept('DISTINCT');
  if (!isDistinct) cursor.accept('ALL');
  if (isDistinct && cursor.isWord('ON') && cursor.isSymbol('(', 1)) throw cursor.unexpected('a select list');
  const top = cursor.isWord('TOP') ? parseTop(cursor) : undefined;
  const items = parseList(cursor, parseSelectItem);
  const into: Name | undefined = cursor.accept('INTO') ? cursor.name('a table') : undefined;
  const from = cursor.accept('FROM') ? parseTableSources(cursor) : [];
  const where = cursor.accept('WHERE') ? parseCondition(cursor) : undefined;
  const groupBy = cursor.accept('GROUP', 'BY') ? parseGroupBy(cursor) : undefined;
  const having = cursor.accept('HAVING') ? parseCondition(cursor) : undefined;
  const windows: { name: string; window: Window }[] = [];
  if (cursor.isWord('WINDOW') && cursor.isIdentifier(1)) {
    cursor.next();
    windows.push(
      ...parseList(cursor, () => {
        const name = cursor.identifier('a window');
        cursor.expect('AS');
        cursor.expectSymbol('(');
        const window = parseWindow(cursor);
        cursor.expectSymbol(')');
        return { name, window };
      }),
    );
  }
  return { kind: 'select', isDistinct, top, items, into, from, where, groupBy, having, windows, span: cursor.spanFrom(start) };
}

/** `TOP 10`, `TOP (@n) PERCENT WITH TIES`. */
export function parseTop(cursor: TokenCursor): Top {
  cursor.expect('TOP');
  let count;
  if (cursor.acceptSymbol('(')) {
    count = parseExpression(cursor);
    cursor.expectSymbol(')');
  } else {
    const token = cursor.peek();
    if (token.kind !== 'number' && token.kind !== 'variable') throw cursor.unexpected('a number of rows');
    cursor.next();
    count =
      token.kind === 'number'
        ? ({ kind: 'number', text: token.text, form: 'integer', span: token.span } as const)
        : ({ kind: 'variable', name: token.text, span: token.span } as const);
  }
  return { count, isPercent: cursor.accept('PERCENT'), withTies: cursor.accept('WITH', 'TIES') };
}

export function parseSelectItem(cursor: TokenCursor): SelectItem {
  const { start } = cursor;
  const done = (item: Omit<SelectItem, 'span'>): SelectItem => ({ ...item, span: cursor.spanFrom(start) });
  if (cursor.acceptSymbol('*'))
    return done({ expression: { kind: 'star', qualifier: undefined, span: cursor.spanFrom(start) }, alias: undefined, assign: undefined });
  const first = cursor.peek();
  if (first.kind === 'variable') {
    const operator = cursor.peek(1).kind === 'symbol' ? cursor.peek(1).text : '';
    if (/^(?:[-+*/%&|^])?=$/.test(operator)) {
      cursor.next();
      cursor.next();
      return done({ expression: parseExpression(cursor), alias: undefined, assign: { variable: first.text, operator } });
    }
  }
  // `alias = expression`; a string may be an alias too.
  if ((cursor.isIdentifier() || first.kind === 'string') && cursor.isSymbol('=', 1)) {
    cursor.next();
    cursor.next();
    return done({ expression: parseExpression(cursor), alias: first.text, assign: undefined });
  }
  const expression = parseExpression(cursor);
  if (expression.kind === 'default') throw cursor.error('DEFAULT cannot be selected', expression.span.start);
  if (cursor.accept('AS')) return done({ expression, alias: parseAlias(cursor), assign: undefined });
  const token = cursor.peek();
  if (token.kind === 'quoted' && token.span.start === expression.span.end && /^[\d,\s]*$/.test(token.text)) {
    throw cursor.error(`T-SQL has no arrays and no subscripts: [${token.text}] would be an alias`);
  }
  if (cursor.isIdentifier() || cursor.peek().kind === 'string') return done({ expression, alias: parseAlias(cursor), assign: undefined });
  return done({ expression, alias: undefined, assign: undefined });
}

function parseAlias(cursor: TokenCursor): string {
  return cursor.peek().kind === 'string' ? cursor.next().text : cursor.identifier('an alias');
}

function parseGroupBy(cursor: TokenCursor): GroupBy {
  const isAll = cursor.accept('ALL');
  const items = parseList(cursor, parseGroupItem);
  let modifier: GroupBy['modifier'] = isAll ? 'all' : undefined;
  if (cursor.isWord('WITH') && !cursor.isSymbol('(', 1)) {
    cursor.next();
    if (cursor.accept('CUBE')) modifier = 'cube';
    else if (cursor.accept('ROLLUP')) modifier = 'rollup';
    else throw cursor.unexpected('CUBE or ROLLUP');
  }
  return { items, modifier };
}

function parseGroupItem(cursor: TokenCursor): GroupItem {
  for (const kind of ['rollup', 'cube'] as const) {
    if (cursor.isWord(kind.toUpperCase()) && cursor.isSymbol('(', 1)) {
      cursor.next();
      cursor.expectSymbol('(');
      const sets = parseList(cursor, parseGroupSet);
      cursor.expectSymbol(')');
      return { kind, sets };
    }
  }
  if (cursor.accept('GROUPING', 'SETS')) {
    cursor.expectSymbol('(');
    const items = parseList(cursor, (): GroupItem => {
      if (cursor.isSymbol('(') && cursor.isSymbol(')', 1)) {
        cursor.skipParentheses();
        return { kind: 'empty' };
      }
      return cursor.isSymbol('(') ? { kind: 'set', expressions: parseGroupSet(cursor) } : parseGroupItem(cursor);
    });
    cursor.expectSymbol(')');
    return { kind: 'sets', items };
  }
  if (cursor.isSymbol('(') && cursor.isSymbol(')', 1)) {
    cursor.skipParentheses();
    return { kind: 'empty' };
  }
  return { kind: 'expression', expression: parseExpression(cursor) };
}

function parseGroupSet(cursor: TokenCursor) {
  if (!cursor.isSymbol('(')) return [parseExpression(cursor)];
  cursor.expectSymbol('(');
  const set = parseList(cursor, parseExpression);
  cursor.expectSymbol(')');
  return set;
}

function parseForClause(cursor: TokenCursor): Query['forClause'] {
  const { start } = cursor;
  const format = cursor.isWord('FOR', 'JSON')
    ? 'JSON'
    : cursor.isWord('FOR', 'XML')
      ? 'XML'
      : cursor.isWord('FOR', 'BROWSE')
        ? 'BROWSE'
        : undefined;
  if (format === undefined) return undefined;
  cursor.next();
  cursor.next();
  const from = cursor.start;
  if (format !== 'BROWSE') {
    do {
      cursor.next();
      if (cursor.isSymbol('(')) cursor.skipParentheses();
    } while (cursor.acceptSymbol(','));
  }
  const span = cursor.spanFrom(start);
  return { format, options: cursor.text.slice(from, Math.max(from, span.end)), span };
}

/** True when the next tokens begin a query: SELECT, WITH, or an opening parenthesis before one. */
export function isQueryNext(cursor: TokenCursor): boolean {
  return isQueryAhead(cursor, 0) || cursor.isWord('VALUES');
}
