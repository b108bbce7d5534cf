import { LakesteadError, type SourcePlace } from '#core';

import type { Span } from './statement.ts';

/** `text` is upper case for words, the bare name for quoted ones, the value for strings. */
export type Token = {
  readonly kind: 'word' | 'quoted' | 'string' | 'number' | 'symbol' | 'end';
  readonly text: string;
  readonly span: Span;
};

/**
 * The tokens of a statement, the last one of kind `end`. Knows comments, strings with `''`, `E'\\'` and `$tag$`, names in backticks
 * and in double quotes. What is no token of Spark's or of the engine's dialect is left to the engine: every other character
 * is a symbol.
 *
 * @throws {LakesteadError} `SQL_SYNTAX` with line and column for what is not closed
 */
export function lex(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const start = at;
    const char = text[at] ?? '';
    const word = /[\p{L}\p{N}_]/u.test(char)
      ? (/^(?:\d+\.?\d*(?:[eE][+-]?\d+)?|[\p{L}\p{N}_$]+)/u.exec(text.slice(at, at + 1024))?.[0] ?? '')
      : '';
    if (/[\s\ufeff]/.test(char)) at += 1;
    else if (text.startsWith('--', at)) at = text.indexOf('\n', at) < 0 ? text.length : text.indexOf('\n', at);
    else if (text.startsWith('/*', at)) at = commentEnd(text, at);
    else if (char === "'" || char === '"' || char === '`') {
      const quoted = readQuoted(text, at, char);
      at = quoted.end;
      tokens.push({ kind: char === "'" ? 'string' : 'quoted', text: quoted.text, span: { start, end: at } });
    } else if (/^[eE]$/.test(char) && text[at + 1] === "'") {
      const quoted = readEscaped(text, at + 1);
      at = quoted.end;
      tokens.push({ kind: 'string', text: quoted.text, span: { start, end: at } });
    } else if (char === '$' && dollarTag(text, at) !== undefined) {
      const tag = dollarTag(text, at) ?? '';
      const end = text.indexOf(tag, at + tag.length);
      if (end < 0) throw syntaxError(text, at, `the string that begins here is not closed by ${tag}`);
      at = end + tag.length;
      tokens.push({ kind: 'string', text: text.slice(start + tag.length, end), span: { start, end: at } });
    } else if (word !== '') {
      at += word.length;
      tokens.push({ kind: /^\d/.test(word) ? 'number' : 'word', text: word.toUpperCase(), span: { start, end: at } });
    } else {
      at += 1;
      tokens.push({ kind: 'symbol', text: char, span: { start, end: at } });
    }
  }
  tokens.push({ kind: 'end', text: '', span: { start: at, end: at } });
  return tokens;
}

function readQuoted(text: string, open: number, quote: string): { readonly text: string; readonly end: number } {
  let value = '';
  for (let at = open + 1; ;) {
    const next = text.indexOf(quote, at);
    if (next < 0) throw syntaxError(text, open, `the ${quote === "'" ? 'string' : 'name'} that begins here is not closed by ${quote}`);
    value += text.slice(at, next);
    if (text[next + 1] !== quote) return { text: value, end: next + 1 };
    value += quote;
    at = next + 2;
  }
}

/** A string whose backslashes escape, as the engine reads `E'...'`. `open` is its quote. */
function readEscaped(text: string, open: number): { readonly text: string; readonly end: number } {
  const found = /^'((?:[^'\\]|\\[\s\S]|'')*)'/.exec(text.slice(open));
  if (found === null) throw syntaxError(text, open, "the string that begins here is not closed by '");
  return { text: found[1] ?? '', end: open + found[0].length };
}

/** `$$` or `$tag$` at that place; a lone `$` begins a parameter. */
function dollarTag(text: string, at: number): string | undefined {
  return /^\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/u.exec(text.slice(at, at + 256))?.[0];
}

/** Comments stand within comments, in the engine's dialect and in Spark's. */
function commentEnd(text: string, open: number): number {
  const edges = /\/\*|\*\//g;
  edges.lastIndex = open + 2;
  for (let depth = 1; ;) {
    const edge = edges.exec(text);
    if (edge === null) throw syntaxError(text, open, 'the comment that begins here is not closed by */');
    depth += edge[0] === '/*' ? 1 : -1;
    if (depth === 0) return edges.lastIndex;
  }
}

/** Line and column (from 1) of an offset. */
function placeOf(text: string, offset: number): SourcePlace {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

/** An error at a place of the text. */
export function syntaxError(
  text: string,
  offset: number,
  problem: string,
  code: 'SQL_SYNTAX' | 'SQL_NOT_SUPPORTED' = 'SQL_SYNTAX',
): LakesteadError {
  const place = placeOf(text, offset);
  return new LakesteadError(code, `line ${place.line}, column ${place.column}: ${problem}`, { place });
}
