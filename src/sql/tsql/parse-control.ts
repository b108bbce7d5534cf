import type { ExecArgument, Expression, Name, Statement } from './ast.ts';
import { parseColumnDefinitions } from './parse-ddl.ts';
import { takeAssignOperator } from './parse-dml.ts';
import { parseCondition, parseExpression, parseList, parseTypeName } from './parse-expression.ts';
import { parseStatement, parseStatementsUntil } from './parse-statement.ts';
import type { TokenCursor } from './token-cursor.ts';

export function parseDeclare(cursor: TokenCursor): Statement {
  const { start } = cursor;
  cursor.expect('DECLARE');
  if (cursor.peek().kind !== 'variable') return skipCursor(cursor, start, 'DECLARE CURSOR');
  if (cursor.isWordAt(1, 'CURSOR')) return skipCursor(cursor, start, 'a cursor variable');
  if (cursor.isWordAt(1, 'TABLE') || (cursor.isWordAt(1, 'AS') && cursor.isWordAt(2, 'TABLE'))) {
    const name = cursor.variable();
    cursor.accept('AS');
    cursor.expect('TABLE');
    const { columns } = parseColumnDefinitions(cursor);
    return { kind: 'declareTable', name, columns, span: cursor.spanFrom(start) };
  }
  const variables = parseList(cursor, () => {
    const name = cursor.variable();
    cursor.accept('AS');
    const type = parseTypeName(cursor);
    return { name, type, value: cursor.acceptSymbol('=') ? parseExpression(cursor) : undefined };
  });
  return { kind: 'declare', variables, span: cursor.spanFrom(start) };
}

/** A cursor's declaration: T-SQL, and refused by name when it is run. */
function skipCursor(cursor: TokenCursor, start: number, what: string): Statement {
  while (cursor.peek().kind !== 'end' && !cursor.isSymbol(';') && !(cursor.isWord('FOR') && cursor.isWordAt(1, 'SELECT'))) cursor.next();
  if (cursor.accept('FOR')) parseStatement(cursor);
  return { kind: 'unsupported', what, span: cursor.spanFrom(start) };
}

const setOptions = new Set(
  'ANSI_DEFAULTS ANSI_NULLS ANSI_NULL_DFLT_OFF ANSI_NULL_DFLT_ON ANSI_PADDING ANSI_WARNINGS ARITHABORT ARITHIGNORE CONCAT_NULL_YIELDS_NULL CONTEXT_INFO CURSOR_CLOSE_ON_COMMIT DATEFIRST DATEFORMAT DEADLOCK_PRIORITY FIPS_FLAGGER FMTONLY FORCEPLAN IMPLICIT_TRANSACTIONS LANGUAGE LOCK_TIMEOUT NOCOUNT NOEXEC NUMERIC_ROUNDABORT OFFSETS PARSEONLY QUERY_GOVERNOR_COST_LIMIT QUOTED_IDENTIFIER REMOTE_PROC_TRANSACTIONS ROWCOUNT SHOWPLAN_ALL SHOWPLAN_TEXT SHOWPLAN_XML TEXTSIZE XACT_ABORT'.split(
    ' ',
  ),
);

export function parseSet(cursor: TokenCursor): Statement {
  const { start } = cursor;
  cursor.expect('SET');
  const span = () => cursor.spanFrom(start);
  if (cursor.peek().kind === 'variable') {
    const variable = cursor.variable();
    if (cursor.isSymbol('.')) throw cursor.unsupported('SET of a property of a variable');
    const operator = takeAssignOperator(cursor);
    if (cursor.isWord('CURSOR')) return skipCursor(cursor, start, 'SET of a cursor variable');
    return { kind: 'setVariable', variable, operator, value: parseExpression(cursor), span: span() };
  }
  if (cursor.accept('TRANSACTION', 'ISOLATION', 'LEVEL')) {
    const words = [cursor.next().text.toUpperCase()];
    if (['READ', 'REPEATABLE'].includes(words[0] ?? '')) words.push(cursor.next().text.toUpperCase());
    return { kind: 'setOption', options: ['TRANSACTION ISOLATION LEVEL'], value: words.join(' '), span: span() };
  }
  if (cursor.accept('IDENTITY_INSERT')) {
    const table = cursor.name('a table');
    return {
      kind: 'setOption',
      options: [`IDENTITY_INSERT ${table.parts.join('.')}`],
      value: cursor.next().text.toUpperCase(),
      span: span(),
    };
  }
  if (cursor.accept('STATISTICS')) {
    const options = parseList(cursor, () => `STATISTICS ${cursor.next().text.toUpperCase()}`);
    return { kind: 'setOption', options, value: cursor.next().text.toUpperCase(), span: span() };
  }
  const options = parseList(cursor, () => {
    const word = cursor.next().text.toUpperCase();
    if (!setOptions.has(word)) throw cursor.error(`there is no option ${word} to set`, cursor.spanFrom(start).end - word.length);
    return word;
  });
  const sign = cursor.acceptSymbol('-') ? '-' : '';
  const value = cursor.next();
  if (value.kind === 'end' || value.kind === 'symbol') throw cursor.error('a value of the option was expected', value.span.start);
  return { kind: 'setOption', options, value: sign + (value.kind === 'word' ? value.text.toUpperCase() : value.text), span: span() };
}

export function parseIf(cursor: TokenCursor): Statement {
  const { start } = cursor;
  cursor.expect('IF');
  const condition = parseCondition(cursor);
  const then = cursor.nested(() => parseStatement(cursor));
  // A semicolon may end the first branch; ELSE after it still belongs to this IF.
  if (cursor.isSymbol(';') && cursor.isWordAt(1, 'ELSE')) cursor.next();
  const otherwise = cursor.accept('ELSE') ? cursor.nested(() => parseStatement(cursor)) : undefined;
  return { kind: 'if', condition, then, otherwise, span: cursor.spanFrom(start) };
}

export function parseWhile(cursor: TokenCursor): Statement {
  const { start } = cursor;
  cursor.expect('WHILE');
  const condition = parseCondition(cursor);
  return { kind: 'while', condition, body: cursor.nested(() => parseStatement(cursor)), span: cursor.spanFrom(start) };
}

export function parseBegin(cursor: TokenCursor): Statement {
  const { start } = cursor;
  cursor.expect('BEGIN');
  if (cursor.isWord('TRAN') || cursor.isWord('TRANSACTION') || cursor.isWord('DISTRIBUTED')) {
    cursor.accept('DISTRIBUTED');
    cursor.next();
    return finishTransaction(cursor, start, 'begin');
  }
  if (cursor.accept('TRY')) {
    const body = parseStatementsUntil(cursor, () => cursor.isWord('END'));
    cursor.expect('END', 'TRY');
    while (cursor.acceptSymbol(';'));
    cursor.expect('BEGIN', 'CATCH');
    const handler = parseStatementsUntil(cursor, () => cursor.isWord('END'));
    cursor.expect('END', 'CATCH');
    return { kind: 'tryCatch', body, handler, span: cursor.spanFrom(start) };
  }
  if (cursor.isWord('DIALOG') || cursor.isWord('CONVERSATION') || cursor.isWord('ATOMIC'))
    throw cursor.unsupported(`BEGIN ${cursor.peek().text.toUpperCase()}`);
  const statements = cursor.nested(() => parseStatementsUntil(cursor, () => cursor.isWord('END')));
  if (statements.length === 0) throw cursor.unexpected('a statement');
  cursor.expect('END');
  return { kind: 'block', statements, span: cursor.spanFrom(start) };
}

export function parseTransaction(cursor: TokenCursor): Statement {
  const { start } = cursor;
  const action = ({ COMMIT: 'commit', ROLLBACK: 'rollback', SAVE: 'save' } as const)[
    cursor.next().text.toUpperCase() as 'COMMIT' | 'ROLLBACK' | 'SAVE'
  ];
  if (!cursor.accept('TRAN') && !cursor.accept('TRANSACTION')) cursor.accept('WORK');
  return finishTransaction(cursor, start, action);
}

function finishTransaction(cursor: TokenCursor, start: number, action: 'begin' | 'commit' | 'rollback' | 'save'): Statement {
  const name =
    cursor.isIdentifier() && cursor.peek().kind !== 'end' && !beginsStatement(cursor)
      ? cursor.identifier()
      : cursor.peek().kind === 'variable'
        ? cursor.variable()
        : undefined;
  if (cursor.accept('WITH')) {
    cursor.accept('MARK');
    if (cursor.isSymbol('(')) cursor.skipParentheses();
    else if (cursor.peek().kind === 'string') cursor.next();
  }
  return { kind: 'transaction', action, name, span: cursor.spanFrom(start) };
}

/** `THROW` is no reserved word, and stands behind COMMIT and ROLLBACK all the same. */
function beginsStatement(cursor: TokenCursor): boolean {
  return cursor.isWord('THROW');
}

export function parseReturn(cursor: TokenCursor): Statement {
  const { start } = cursor;
  cursor.expect('RETURN');
  const token = cursor.peek();
  const hasValue =
    ['number', 'variable', 'global', 'string'].includes(token.kind) ||
    (token.kind === 'symbol' && ['(', '-', '+', '~'].includes(token.text)) ||
    cursor.isWord('NULL') ||
    (cursor.isIdentifier() && !cursor.isWord('THROW')) ||
    cursor.isWord('CASE');
  return { kind: 'return', value: hasValue ? parseExpression(cursor) : undefined, span: cursor.spanFrom(start) };
}

export function parseRaiserror(cursor: TokenCursor): Statement {
  const { start } = cursor;
  cursor.expect('RAISERROR');
  cursor.expectSymbol('(');
  const args = parseList(cursor, parseExpression);
  cursor.expectSymbol(')');
  const options = cursor.accept('WITH') ? parseList(cursor, () => cursor.next().text.toUpperCase()) : [];
  return { kind: 'raiserror', args, options, span: cursor.spanFrom(start) };
}

export function parseThrow(cursor: TokenCursor): Statement {
  const { start } = cursor;
  cursor.expect('THROW');
  const hasArguments = ['number', 'variable'].includes(cursor.peek().kind);
  const args = hasArguments ? parseList(cursor, parseExpression) : [];
  if (hasArguments && args.length !== 3) throw cursor.error('THROW takes a number, a message and a state, or nothing', start);
  return { kind: 'throw', args, span: cursor.spanFrom(start) };
}

export function parseWaitFor(cursor: TokenCursor): Statement {
  const { start } = cursor;
  cursor.expect('WAITFOR');
  const isTime = cursor.accept('TIME');
  if (!isTime) cursor.expect('DELAY');
  return { kind: 'waitFor', delay: parseExpression(cursor), isTime, span: cursor.spanFrom(start) };
}

/** `EXEC p ...`, `EXEC @rc = p ...`, `EXEC ('text' + @x)`; also a call without EXEC at the start of a batch. */
export function parseExec(cursor: TokenCursor): Statement & { kind: 'exec' | 'execString' } {
  const { start } = cursor;
  if (!cursor.accept('EXEC')) cursor.accept('EXECUTE');
  if (cursor.isWord('AS')) throw cursor.unsupported('EXECUTE AS');
  if (cursor.acceptSymbol('(')) {
    const pieces = parseList(cursor, parseExpression);
    cursor.expectSymbol(')');
    const at = cursor.accept('AT') ? cursor.identifier('a linked server') : undefined;
    return { kind: 'execString', pieces, at, span: cursor.spanFrom(start) };
  }
  let result: string | undefined;
  if (cursor.peek().kind === 'variable' && cursor.isSymbol('=', 1)) {
    result = cursor.variable();
    cursor.next();
  }
  const procedure: Name | { variable: string } =
    cursor.peek().kind === 'variable' ? { variable: cursor.variable() } : cursor.name('a procedure');
  if (cursor.acceptSymbol(';')) {
    // A semicolon ends it, unless a procedure's number follows.
    return { kind: 'exec', procedure, args: [], result, span: cursor.spanFrom(start) };
  }
  const args: ExecArgument[] = isExecArgument(cursor) ? parseList(cursor, parseExecArgument) : [];
  if (cursor.accept('WITH')) {
    do {
      if (cursor.accept('RECOMPILE')) continue;
      throw cursor.unsupported(`EXEC ... WITH ${cursor.peek().text.toUpperCase()}`);
    } while (cursor.acceptSymbol(','));
  }
  return { kind: 'exec', procedure, args, result, span: cursor.spanFrom(start) };
}

function isExecArgument(cursor: TokenCursor): boolean {
  const token = cursor.peek();
  if (['string', 'number', 'money', 'binary', 'variable', 'global', 'quoted'].includes(token.kind)) return true;
  if (token.kind === 'symbol') return token.text === '-' || token.text === '+';
  return cursor.isWord('NULL') || cursor.isWord('DEFAULT');
}

function parseExecArgument(cursor: TokenCursor): ExecArgument {
  const { start } = cursor;
  let name: string | undefined;
  if (cursor.peek().kind === 'variable' && cursor.isSymbol('=', 1)) {
    name = cursor.variable();
    cursor.next();
  }
  const value = parseConstant(cursor);
  const isOutput = cursor.accept('OUTPUT') || cursor.accept('OUT');
  return { name, value, isOutput, span: cursor.spanFrom(start) };
}

/** An argument is a constant, a variable, DEFAULT or a bare word taken as text: T-SQL takes no expressions here. */
function parseConstant(cursor: TokenCursor): Expression {
  const { start } = cursor;
  const token = cursor.peek();
  if (token.kind === 'symbol' && (token.text === '-' || token.text === '+')) {
    cursor.next();
    return { kind: 'unary', operator: token.text, operand: parseConstant(cursor), span: cursor.spanFrom(start) };
  }
  if (token.kind === 'quoted' || (token.kind === 'word' && !cursor.isWord('NULL') && !cursor.isWord('DEFAULT'))) {
    cursor.next();
    return { kind: 'string', value: token.text, isNational: true, span: token.span };
  }
  if (cursor.accept('NULL')) return { kind: 'null', span: token.span };
  if (cursor.accept('DEFAULT')) return { kind: 'default', span: token.span };
  cursor.next();
  switch (token.kind) {
    case 'string':
      return { kind: 'string', value: token.text, isNational: token.isNational, span: token.span };
    case 'number':
      return {
        kind: 'number',
        text: token.text,
        form: /e/i.test(token.text) ? 'float' : token.text.includes('.') ? 'decimal' : 'integer',
        span: token.span,
      };
    case 'money':
      return { kind: 'number', text: token.text.replace(/^[$£€¥]\s*/, ''), form: 'money', span: token.span };
    case 'binary':
      return { kind: 'binary', hex: token.text.slice(2), span: token.span };
    case 'variable':
      return { kind: 'variable', name: token.text, span: token.span };
    case 'global':
      return { kind: 'global', name: token.text, span: token.span };
    default:
      throw cursor.error('an argument was expected', token.span.start);
  }
}
