import type {
  ComparisonOperator,
  Condition,
  Expression,
  FrameBound,
  FunctionCall,
  Name,
  OrderItem,
  Query,
  TypeName,
  When,
  Window,
} from './ast.ts';
import { parseQuery } from './parse-query.ts';
import type { TokenCursor } from './token-cursor.ts';

const comparisons: Readonly<Record<string, ComparisonOperator>> = {
  '=': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  '!<': '>=',
  '!>': '<=',
};

/** A search condition: OR binds weakest, then AND, NOT, predicates. */
export function parseCondition(cursor: TokenCursor): Condition {
  return cursor.nested(() => {
    const { start } = cursor;
    let left = parseConjunction(cursor);
    while (cursor.accept('OR')) left = { kind: 'or', left, right: parseConjunction(cursor), span: cursor.spanFrom(start) };
    return left;
  });
}

function parseConjunction(cursor: TokenCursor): Condition {
  const { start } = cursor;
  let left = parseNegation(cursor);
  while (cursor.accept('AND')) left = { kind: 'and', left, right: parseNegation(cursor), span: cursor.spanFrom(start) };
  return left;
}

function parseNegation(cursor: TokenCursor): Condition {
  const { start } = cursor;
  if (cursor.accept('NOT')) return cursor.nested(() => ({ kind: 'not', operand: parseNegation(cursor), span: cursor.spanFrom(start) }));
  if (cursor.accept('EXISTS')) return { kind: 'exists', query: parseParenthesisedQuery(cursor), span: cursor.spanFrom(start) };
  if (cursor.isSymbol('(') && isConditionInParentheses(cursor)) {
    cursor.expectSymbol('(');
    const inner = parseCondition(cursor);
    cursor.expectSymbol(')');
    return inner;
  }
  return parsePredicate(cursor);
}

/** Looks ahead in a group: a comparison or a word of conditions at its own level makes it a condition, else it is a value. */
function isConditionInParentheses(cursor: TokenCursor): boolean {
  let depth = 0;
  let caseDepth = 0;
  for (let ahead = 0; ; ahead += 1) {
    const token = cursor.peek(ahead);
    if (token.kind === 'end') return false;
    const word = token.kind === 'word' ? token.text.toUpperCase() : '';
    if (token.kind === 'symbol') {
      if (token.text === '(') depth += 1;
      else if (token.text === ')') {
        depth -= 1;
        // `((a) = 1)`: what follows the inner group decides on its level, so only the outermost end says "a value".
        if (depth === 0) return false;
      } else if (token.text in comparisons && depth >= 1 && caseDepth === 0 && isPlainDepth(cursor, ahead)) return true;
    }
    if (word === 'CASE') caseDepth += 1;
    if (word === 'END') caseDepth -= 1;
    if (depth === 1 && word === 'SELECT') return false;
    if (caseDepth === 0 && isPlainDepth(cursor, ahead) && ['LIKE', 'BETWEEN', 'IN', 'IS', 'EXISTS', 'AND', 'OR', 'NOT'].includes(word))
      return true;
  }
}

/** True when all groups open at that token are plain parentheses (no call, no subquery) since the first one. */
function isPlainDepth(cursor: TokenCursor, until: number): boolean {
  const open: boolean[] = [];
  for (let ahead = 0; ahead < until; ahead += 1) {
    const token = cursor.peek(ahead);
    if (token.kind !== 'symbol') {
      if (token.kind === 'word' && token.text.toUpperCase() === 'SELECT' && open.length > 0) open[open.length - 1] = false;
      continue;
    }
    if (token.text === '(') {
      const before = ahead === 0 ? undefined : cursor.peek(ahead - 1);
      const isCall =
        before !== undefined &&
        (before.kind === 'quoted' ||
          (before.kind === 'word' && !['AND', 'OR', 'NOT', 'WHEN', 'WHERE', 'ON', 'IF'].includes(before.text.toUpperCase())));
      open.push(!isCall);
    } else if (token.text === ')') open.pop();
  }
  return open.every(Boolean);
}

function parsePredicate(cursor: TokenCursor): Condition {
  const { start } = cursor;
  const left = parseExpression(cursor);
  const span = () => cursor.spanFrom(start);
  const symbol = cursor.peek().kind === 'symbol' ? comparisons[cursor.peek().text] : undefined;
  if (symbol !== undefined) {
    cursor.next();
    for (const [word, quantifier] of [
      ['ALL', 'all'],
      ['ANY', 'any'],
      ['SOME', 'any'],
    ] as const) {
      if (cursor.accept(word))
        return { kind: 'quantified', operator: symbol, quantifier, left, query: parseParenthesisedQuery(cursor), span: span() };
    }
    return { kind: 'comparison', operator: symbol, left, right: parseExpression(cursor), span: span() };
  }
  if (cursor.accept('IS')) {
    const isNot = cursor.accept('NOT');
    if (cursor.accept('DISTINCT', 'FROM')) return { kind: 'isDistinct', left, right: parseExpression(cursor), isNot, span: span() };
    cursor.expect('NULL');
    return { kind: 'isNull', operand: left, isNot, span: span() };
  }
  const isNot = cursor.accept('NOT');
  if (cursor.accept('BETWEEN')) {
    const low = parseExpression(cursor);
    cursor.expect('AND');
    return { kind: 'between', operand: left, low, high: parseExpression(cursor), isNot, span: span() };
  }
  if (cursor.accept('LIKE')) {
    const pattern = parseExpression(cursor);
    const escape = cursor.accept('ESCAPE') ? parseExpression(cursor) : undefined;
    return { kind: 'like', operand: left, pattern, escape, isNot, span: span() };
  }
  if (cursor.accept('IN')) {
    if (cursor.isSymbol('(') && isQueryAhead(cursor, 1))
      return { kind: 'in', operand: left, values: parseParenthesisedQuery(cursor), isNot, span: span() };
    cursor.expectSymbol('(');
    const values = parseList(cursor, parseExpression);
    cursor.expectSymbol(')');
    return { kind: 'in', operand: left, values, isNot, span: span() };
  }
  throw cursor.unexpected('a comparison');
}

/** True when a query begins at that token, through any number of opening parentheses. */
export function isQueryAhead(cursor: TokenCursor, ahead: number): boolean {
  let index = ahead;
  while (cursor.isSymbol('(', index)) index += 1;
  const token = cursor.peek(index);
  return token.kind === 'word' && ['SELECT', 'WITH'].includes(token.text.toUpperCase());
}

export function parseList<T>(cursor: TokenCursor, parse: (cursor: TokenCursor) => T): T[] {
  const items = [parse(cursor)];
  while (cursor.acceptSymbol(',')) items.push(parse(cursor));
  return items;
}

function parseParenthesisedQuery(cursor: TokenCursor): Query {
  cursor.expectSymbol('(');
  const query = cursor.nested(() => parseQuery(cursor));
  cursor.expectSymbol(')');
  return query;
}

/** A value. `+ - & ^ |` and `||` are on one level, left to right; `* / %` bind tighter. */
export function parseExpression(cursor: TokenCursor): Expression {
  return cursor.nested(() => {
    const { start } = cursor;
    let left = parseProduct(cursor);
    for (;;) {
      const { kind, text } = cursor.peek();
      if (kind !== 'symbol' || !(text === '+' || text === '-' || text === '&' || text === '|' || text === '^' || text === '||'))
        return left;
      cursor.next();
      left = { kind: 'binaryOperation', operator: text, left, right: parseProduct(cursor), span: cursor.spanFrom(start) };
    }
  });
}

function parseProduct(cursor: TokenCursor): Expression {
  const { start } = cursor;
  let left = parseUnary(cursor);
  for (;;) {
    const { kind, text } = cursor.peek();
    if (kind !== 'symbol' || !(text === '*' || text === '/' || text === '%')) return left;
    cursor.next();
    left = { kind: 'binaryOperation', operator: text, left, right: parseUnary(cursor), span: cursor.spanFrom(start) };
  }
}

function parseUnary(cursor: TokenCursor): Expression {
  const { start } = cursor;
  for (const operator of ['-', '+', '~'] as const) {
    if (cursor.acceptSymbol(operator))
      return cursor.nested(() => ({ kind: 'unary', operator, operand: parseUnary(cursor), span: cursor.spanFrom(start) }));
  }
  return parsePostfix(cursor);
}

function parsePostfix(cursor: TokenCursor): Expression {
  const { start } = cursor;
  let value = parsePrimary(cursor);
  for (;;) {
    if (cursor.accept('COLLATE'))
      value = { kind: 'collate', operand: value, collation: cursor.identifier('a collation'), span: cursor.spanFrom(start) };
    else if (cursor.accept('AT', 'TIME', 'ZONE'))
      value = { kind: 'atTimeZone', operand: value, zone: parsePrimary(cursor), span: cursor.spanFrom(start) };
    else if (cursor.isSymbol('.') && cursor.isIdentifier(1) && cursor.isSymbol('(', 2)) {
      cursor.next();
      const method = cursor.next();
      value = finishCall(cursor, start, { parts: [method.text], span: method.span }, value);
    } else return value;
  }
}

function parsePrimary(cursor: TokenCursor): Expression {
  const token = cursor.peek();
  const { start } = token.span;
  const span = () => cursor.spanFrom(start);
  switch (token.kind) {
    case 'string':
      cursor.next();
      return { kind: 'string', value: token.text, isNational: token.isNational, span: span() };
    case 'number': {
      cursor.next();
      const form = /e/i.test(token.text) ? 'float' : token.text.includes('.') ? 'decimal' : 'integer';
      return { kind: 'number', text: token.text, form, span: span() };
    }
    case 'money':
      cursor.next();
      return { kind: 'number', text: token.text.replace(/^[$£€¥]\s*/, ''), form: 'money', span: span() };
    case 'binary':
      cursor.next();
      return { kind: 'binary', hex: token.text.slice(2), span: span() };
    case 'global':
      cursor.next();
      return { kind: 'global', name: token.text, span: span() };
    case 'variable':
      cursor.next();
      return { kind: 'variable', name: token.text, span: span() };
    case 'symbol':
      return parseGroupOrEscape(cursor);
    case 'quoted':
    case 'word':
      return parseNamed(cursor);
    case 'end':
      throw cursor.unexpected('a value');
  }
}

function parseGroupOrEscape(cursor: TokenCursor): Expression {
  const { start } = cursor;
  if (cursor.isSymbol('(')) {
    if (isQueryAhead(cursor, 1)) return { kind: 'subquery', query: parseParenthesisedQuery(cursor), span: cursor.spanFrom(start) };
    cursor.expectSymbol('(');
    const inner = parseExpression(cursor);
    cursor.expectSymbol(')');
    return inner;
  }
  if (cursor.acceptSymbol('{')) {
    // ODBC's escapes: {d '..'} {t '..'} {ts '..'} {fn f(..)}.
    const word = cursor.next().text.toLowerCase();
    if (word === 'fn') {
      const inner = parsePrimary(cursor);
      cursor.expectSymbol('}');
      return inner;
    }
    if (!['d', 't', 'ts', 'guid'].includes(word)) throw cursor.error(`{${word} ...} is no escape`, start);
    const inner = parsePrimary(cursor);
    cursor.expectSymbol('}');
    const type = { d: 'date', t: 'time', ts: 'datetime', guid: 'uniqueidentifier' }[word] ?? 'datetime';
    const span = cursor.spanFrom(start);
    return { kind: 'cast', operand: inner, type: { name: { parts: [type], span }, args: [], span }, isTry: false, span };
  }
  throw cursor.unexpected('a value');
}

const niladic = new Set(['CURRENT_TIMESTAMP', 'CURRENT_USER', 'SESSION_USER', 'SYSTEM_USER', 'USER', 'CURRENT_DATE', 'CURRENT_TIME']);
/** Reserved words that are functions when a parenthesis follows. */
const callable = new Set(['COALESCE', 'NULLIF', 'LEFT', 'RIGHT', 'IDENTITY', 'CONTAINS', 'FREETEXT']);

function parseNamed(cursor: TokenCursor): Expression {
  const token = cursor.peek();
  const { start } = token.span;
  const word = token.kind === 'word' ? token.text.toUpperCase() : '';
  const span = () => cursor.spanFrom(start);
  if (word === 'NULL') {
    cursor.next();
    return { kind: 'null', span: span() };
  }
  if (word === 'DEFAULT') {
    cursor.next();
    return { kind: 'default', span: span() };
  }
  if (word === 'CASE') return parseCase(cursor);
  if (niladic.has(word)) {
    cursor.next();
    if (cursor.acceptSymbol('(')) cursor.expectSymbol(')');
    return plainCall({ parts: [word], span: token.span }, [], span());
  }
  if ((word === 'CAST' || word === 'TRY_CAST') && cursor.isSymbol('(', 1)) return parseCast(cursor, word === 'TRY_CAST');
  if ((word === 'CONVERT' || word === 'TRY_CONVERT') && cursor.isSymbol('(', 1)) return parseConvert(cursor, word === 'TRY_CONVERT');
  if ((word === 'PARSE' || word === 'TRY_PARSE') && cursor.isSymbol('(', 1)) return parseParse(cursor, word === 'TRY_PARSE');
  if (word === 'NEXT' && cursor.isWord('NEXT', 'VALUE', 'FOR')) {
    cursor.accept('NEXT', 'VALUE', 'FOR');
    return { kind: 'nextValue', sequence: cursor.name(), span: span() };
  }
  if (callable.has(word) && cursor.isSymbol('(', 1)) {
    cursor.next();
    return finishCall(cursor, start, { parts: [word], span: token.span }, undefined);
  }
  const name = cursor.name('a value');
  if (cursor.isSymbol('(')) return finishCall(cursor, start, name, undefined);
  if (cursor.isSymbol('::')) {
    cursor.next();
    const method = cursor.next();
    const target: Expression = { kind: 'column', name, span: name.span };
    if (!cursor.isSymbol('(')) throw cursor.unexpected('"(" of a static method: T-SQL has no casts by ::');
    return finishCall(cursor, start, { parts: [method.text], span: method.span }, target);
  }
  if (cursor.isSymbol('.') && cursor.isSymbol('*', 1)) {
    cursor.next();
    cursor.next();
    return { kind: 'star', qualifier: name, span: span() };
  }
  return { kind: 'column', name, span: span() };
}

function plainCall(name: Name, args: readonly Expression[], span: FunctionCall['span']): FunctionCall {
  return {
    kind: 'call',
    name,
    args,
    isDistinct: false,
    condition: undefined,
    type: undefined,
    withinGroup: undefined,
    nulls: undefined,
    over: undefined,
    target: undefined,
    span,
  };
}

/** The arguments and what may follow them: WITHIN GROUP, IGNORE NULLS, OVER. The name is read already. */
export function finishCall(cursor: TokenCursor, start: number, name: Name, target: Expression | undefined): FunctionCall {
  const word = name.parts.length === 1 ? (name.parts[0] ?? '').toUpperCase() : '';
  cursor.expectSymbol('(');
  const isDistinct = cursor.accept('DISTINCT');
  if (!isDistinct) cursor.accept('ALL');
  let condition: Condition | undefined;
  let type: TypeName | undefined;
  const args: Expression[] = [];
  if (!cursor.isSymbol(')')) {
    if (word === 'IIF') {
      condition = parseCondition(cursor);
      cursor.expectSymbol(',');
    } else if (word === 'IDENTITY' && cursor.isIdentifier()) {
      type = parseTypeName(cursor);
      if (cursor.acceptSymbol(',')) args.push(...parseList(cursor, parseArgument));
    }
    // TRIM(LEADING x FROM y) is LTRIM(y, x).
    const side = word === 'TRIM' ? (['LEADING', 'TRAILING', 'BOTH'] as const).find((one) => cursor.accept(one)) : undefined;
    if (side !== undefined) {
      const characters = parseExpression(cursor);
      cursor.expect('FROM');
      const text = parseExpression(cursor);
      cursor.expectSymbol(')');
      const trim = { LEADING: 'LTRIM', TRAILING: 'RTRIM', BOTH: 'TRIM' }[side];
      return plainCall(
        { parts: [trim], span: name.span },
        side === 'BOTH' ? [characters, text] : [text, characters],
        cursor.spanFrom(start),
      );
    }
    if (type === undefined) args.push(...parseList(cursor, parseArgument));
    if (word === 'TRIM' && cursor.accept('FROM')) args.push(parseExpression(cursor));
    else if (cursor.isWord('FROM') || cursor.isWord('USING') || cursor.isWord('AS')) throw cursor.unexpected('"," or ")"');
  }
  cursor.expectSymbol(')');
  let withinGroup: OrderItem[] | undefined;
  if (cursor.accept('WITHIN', 'GROUP')) {
    cursor.expectSymbol('(');
    cursor.expect('ORDER', 'BY');
    withinGroup = parseList(cursor, parseOrderItem);
    cursor.expectSymbol(')');
  }
  const nulls = cursor.accept('IGNORE', 'NULLS') ? 'ignore' : cursor.accept('RESPECT', 'NULLS') ? 'respect' : undefined;
  const over = cursor.accept('OVER') ? parseOver(cursor) : undefined;
  return { kind: 'call', name, args, isDistinct, condition, type, withinGroup, nulls, over, target, span: cursor.spanFrom(start) };
}

function parseArgument(cursor: TokenCursor): Expression {
  const { start } = cursor;
  if (cursor.acceptSymbol('*')) return { kind: 'star', qualifier: undefined, span: cursor.spanFrom(start) };
  return parseExpression(cursor);
}

function parseOver(cursor: TokenCursor): Window {
  if (!cursor.isSymbol('(')) return { name: cursor.identifier('a window'), partitionBy: [], orderBy: [], frame: undefined };
  cursor.expectSymbol('(');
  const window = parseWindow(cursor);
  cursor.expectSymbol(')');
  return window;
}

/** What stands between the parentheses of OVER or of a WINDOW clause. */
export function parseWindow(cursor: TokenCursor): Window {
  const name =
    cursor.isIdentifier() && !cursor.isWord('PARTITION') && !cursor.isWord('ROWS') && !cursor.isWord('RANGE')
      ? cursor.identifier()
      : undefined;
  const partitionBy = cursor.accept('PARTITION', 'BY') ? parseList(cursor, parseExpression) : [];
  const orderBy = cursor.accept('ORDER', 'BY') ? parseList(cursor, parseOrderItem) : [];
  const unit = cursor.accept('ROWS') ? 'ROWS' : cursor.accept('RANGE') ? 'RANGE' : undefined;
  if (unit === undefined) return { name, partitionBy, orderBy, frame: undefined };
  if (cursor.accept('BETWEEN')) {
    const from = parseFrameBound(cursor);
    cursor.expect('AND');
    return { name, partitionBy, orderBy, frame: { unit, from, to: parseFrameBound(cursor) } };
  }
  return { name, partitionBy, orderBy, frame: { unit, from: parseFrameBound(cursor), to: undefined } };
}

function parseFrameBound(cursor: TokenCursor): FrameBound {
  if (cursor.accept('UNBOUNDED', 'PRECEDING')) return { bound: 'unboundedPreceding' };
  if (cursor.accept('UNBOUNDED', 'FOLLOWING')) return { bound: 'unboundedFollowing' };
  if (cursor.accept('CURRENT', 'ROW')) return { bound: 'currentRow' };
  const offset = parseExpression(cursor);
  if (cursor.accept('PRECEDING')) return { bound: 'preceding', offset };
  cursor.expect('FOLLOWING');
  return { bound: 'following', offset };
}

export function parseOrderItem(cursor: TokenCursor): OrderItem {
  const { start } = cursor;
  const expression = parseExpression(cursor);
  const isDescending = cursor.accept('DESC');
  if (!isDescending) cursor.accept('ASC');
  return { expression, isDescending, span: cursor.spanFrom(start) };
}

function parseCase(cursor: TokenCursor): Expression {
  const { start } = cursor;
  cursor.expect('CASE');
  const operand = cursor.isWord('WHEN') ? undefined : parseExpression(cursor);
  const whens: When[] = [];
  while (cursor.accept('WHEN')) {
    const when = operand === undefined ? parseCondition(cursor) : parseExpression(cursor);
    cursor.expect('THEN');
    whens.push({ when, then: parseExpression(cursor) });
  }
  if (whens.length === 0) throw cursor.unexpected('WHEN');
  const otherwise = cursor.accept('ELSE') ? parseExpression(cursor) : undefined;
  cursor.expect('END');
  return { kind: 'case', operand, whens, otherwise, span: cursor.spanFrom(start) };
}

function parseCast(cursor: TokenCursor, isTry: boolean): Expression {
  const { start } = cursor;
  cursor.next();
  cursor.expectSymbol('(');
  const operand = parseExpression(cursor);
  cursor.expect('AS');
  const type = parseTypeName(cursor);
  cursor.expectSymbol(')');
  return { kind: 'cast', operand, type, isTry, span: cursor.spanFrom(start) };
}

function parseConvert(cursor: TokenCursor, isTry: boolean): Expression {
  const { start } = cursor;
  cursor.next();
  cursor.expectSymbol('(');
  const type = parseTypeName(cursor);
  cursor.expectSymbol(',');
  const operand = parseExpression(cursor);
  const style = cursor.acceptSymbol(',') ? parseExpression(cursor) : undefined;
  cursor.expectSymbol(')');
  return { kind: 'convert', type, operand, style, isTry, span: cursor.spanFrom(start) };
}

function parseParse(cursor: TokenCursor, isTry: boolean): Expression {
  const { start } = cursor;
  cursor.next();
  cursor.expectSymbol('(');
  const operand = parseExpression(cursor);
  cursor.expect('AS');
  const type = parseTypeName(cursor);
  const culture = cursor.accept('USING') ? parseExpression(cursor) : undefined;
  cursor.expectSymbol(')');
  return { kind: 'parse', operand, type, culture, isTry, span: cursor.spanFrom(start) };
}

/** A data type; `national character varying(5)` and `double precision` become their short names. */
export function parseTypeName(cursor: TokenCursor): TypeName {
  const { start } = cursor;
  const isNational = cursor.accept('NATIONAL');
  let name: Name;
  if (cursor.accept('DOUBLE')) {
    cursor.expect('PRECISION');
    name = { parts: ['float'], span: cursor.spanFrom(start) };
  } else if (cursor.isWord('CHARACTER') || cursor.isWord('CHAR') || cursor.isWord('BINARY')) {
    const base = cursor.next().text.toLowerCase();
    const varying = cursor.accept('VARYING') ? 'var' : '';
    name = { parts: [`${isNational ? 'n' : ''}${varying}${base === 'character' ? 'char' : base}`], span: cursor.spanFrom(start) };
  } else {
    name = cursor.name('a data type');
    if (isNational) name = { parts: [`n${name.parts[0] ?? ''}`], span: name.span };
  }
  const args: (number | 'max')[] = [];
  if (cursor.isSymbol('(')) {
    cursor.next();
    do {
      const token = cursor.next();
      if (token.kind === 'number') args.push(Number(token.text));
      else if (token.text.toUpperCase() === 'MAX') args.push('max');
      else throw cursor.error(`"${token.text}" is no length of a data type`, token.span.start);
    } while (cursor.acceptSymbol(','));
    cursor.expectSymbol(')');
  }
  return { name, args, span: cursor.spanFrom(start) };
}
