import { LakesteadError, type SourcePlace } from '#core';

import type { Span } from './ast.ts';

type TokenKind = 'word' | 'quoted' | 'string' | 'number' | 'money' | 'binary' | 'variable' | 'global' | 'symbol' | 'end';

/** `text` is upper case for words, the bare name for quoted ones, the value for strings. */
export type Token = { readonly kind: TokenKind; readonly text: string; readonly isNational: boolean; readonly span: Span };

const symbols = [
  '<>',
  '<=',
  '>=',
  '!=',
  '!<',
  '!>',
  '+=',
  '-=',
  '*=',
  '/=',
  '%=',
  '&=',
  '|=',
  '^=',
  '::',
  '||',
  ...Array.from('()[]{},.;:=<>+-*/%&|^~$'),
];

/**
 * The tokens of a batch, the last one of kind `end`. Knows T-SQL's nested comments, brackets with `]]`, strings with
 * `''`, `N'..'`, double-quoted names (QUOTED_IDENTIFIER is ON), money and binary literals.
 *
 * @throws SQL_SYNTAX with line and column, for text that no token begins with and for what is not closed
 */
export function lex(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const push = (kind: TokenKind, value: string, start: number, isNational = false) =>
    tokens.push({ kind, text: value, isNational, span: { start, end: at } });
  while (at < text.length) {
    const start = at;
    const char = text[at] ?? '';
    if (/[\s\u00a0\ufeff]/.test(char)) at += 1;
    else if (text.startsWith('--', at)) at = lineEnd(text, at);
    else if (text.startsWith('/*', at)) at = commentEnd(text, at);
    else if (char === "'" || ((char === 'N' || char === 'n') && text[at + 1] === "'")) {
      at += char === "'" ? 0 : 1;
      const value = readQuoted(text, at, "'", 'string');
      at = value.end;
      push('string', value.text, start, char !== "'");
    } else if ((char === 'N' || char === 'n') && text[at + 1] === '"') {
      // What ODBC's catalog calls send: N"..." can be nothing but a string, whatever QUOTED_IDENTIFIER is.
      const value = readQuoted(text, at + 1, '"', 'string');
      at = value.end;
      push('string', value.text, start, true);
    } else if (char === '[' || char === '"') {
      const value = readQuoted(text, at, char === '[' ? ']' : '"', 'name');
      at = value.end;
      push('quoted', value.text, start);
    } else {
      const rest = text.slice(at, at + 256);
      const match =
        /^0[xX][0-9a-fA-F]*/.exec(rest) ??
        /^(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/.exec(rest) ??
        /^[$£€¥]\s*[+-]?(?:\d+\.?\d*|\.\d+)/.exec(rest) ??
        /^@{1,2}[\p{L}\p{N}_@#$]*/u.exec(rest) ??
        /^[\p{L}_#][\p{L}\p{N}_@#$]*/u.exec(rest) ??
        /^\$[\p{L}_]\w*/u.exec(rest);
      if (match !== null) {
        const [value] = match;
        at += value.length;
        push(kindOf(value), value, start);
      } else {
        const symbol = symbols.find((candidate) => text.startsWith(candidate, at));
        if (symbol === undefined) throw syntaxError(text, at, `"${char}" is no part of T-SQL`);
        at += symbol.length;
        push('symbol', symbol, start);
      }
    }
  }
  push('end', '', at);
  return tokens;
}

function kindOf(value: string): TokenKind {
  if (/^0x/i.test(value)) return 'binary';
  if (/^[\d.]/.test(value)) return 'number';
  if (/^[$£€¥]\s*[+\d.-]/.test(value)) return 'money';
  if (value.startsWith('@@')) return 'global';
  return value.startsWith('@') ? 'variable' : 'word';
}

function readQuoted(text: string, open: number, close: string, what: string): { text: string; end: number } {
  let value = '';
  for (let at = open + 1; ;) {
    const next = text.indexOf(close, at);
    if (next < 0) throw syntaxError(text, open, `the ${what} that begins here is not closed by ${close}`);
    value += text.slice(at, next);
    if (text[next + 1] !== close) return { text: value, end: next + 1 };
    value += close;
    at = next + 2;
  }
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

function commentEnd(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length;) {
    if (text.startsWith('/*', at)) {
      depth += 1;
      at += 2;
    } else if (text.startsWith('*/', at)) {
      depth -= 1;
      at += 2;
      if (depth === 0) return at;
    } else at += 1;
  }
  throw syntaxError(text, open, 'the comment that begins here is not closed by */');
}

/** Line and column (from 1) of an offset. */
export function placeOf(text: string, offset: number): SourcePlace {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - before.lastIndexOf('\n') };
}

/** An error in a text of T-SQL, with the line and a caret under the place. */
export function syntaxError(
  text: string,
  offset: number,
  problem: string,
  code: 'SQL_SYNTAX' | 'SQL_NOT_SUPPORTED' = 'SQL_SYNTAX',
): LakesteadError {
  const place = placeOf(text, offset);
  return new LakesteadError(code, `line ${place.line}, column ${place.column}: ${problem}`, { place });
}

/** A batch between GO lines; `count` is GO's repetition, `offset` where it begins in the script. */
export type Batch = { readonly text: string; readonly count: number; readonly offset: number; readonly line: number };

/** Splits a script at its GO lines as sqlcmd does: GO alone on a line, outside strings and comments, with an optional count. */
export function splitBatches(script: string): readonly Batch[] {
  const batches: Batch[] = [];
  let from = 0;
  let at = 0;
  const close = (end: number, count: number) => {
    const text = script.slice(from, end);
    if (text.trim() !== '') batches.push({ text, count, offset: from, line: script.slice(0, from).split('\n').length });
  };
  while (at < script.length) {
    const atLineStart = at === 0 || script[at - 1] === '\n';
    const go = atLineStart ? /^[ \t]*go(?:[ \t]+(\d+))?[ \t]*;?[ \t]*(?:--[^\n]*)?(?:\r?\n|$)/i.exec(script.slice(at, at + 400)) : null;
    if (go !== null) {
      close(at, Number(go[1] ?? 1));
      at += go[0].length;
      from = at;
    } else if (script.startsWith('--', at)) at = lineEnd(script, at);
    else if (script.startsWith('/*', at)) at = commentEnd(script, at);
    else if (script[at] === "'") at = readQuoted(script, at, "'", 'string').end;
    else if (script[at] === '[') at = readQuoted(script, at, ']', 'name').end;
    else if (script[at] === '"') at = readQuoted(script, at, '"', 'name').end;
    else at += 1;
  }
  close(script.length, 1);
  return batches;
}
