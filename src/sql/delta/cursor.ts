import type { LakesteadError } from '#core';

import { lex, syntaxError, type Token } from './lexer.ts';
import type { Fragment, Name, Properties, Span } from './statement.ts';

/** Types of Spark's by the names of the lake's dialect. */
const sparkTypes: Readonly<Record<string, string>> = { TIMESTAMP_NTZ: 'TIMESTAMP', TIMESTAMP_LTZ: 'TIMESTAMPTZ' };

/** Reads a statement's tokens one after the other. */
export class Cursor {
  readonly text: string;
  readonly #tokens: readonly Token[];
  #index = 0;

  constructor(text: string) {
    this.text = text;
    this.#tokens = lex(text);
  }

  peek(ahead = 0): Token {
    const last = this.#tokens.at(-1);
    return this.#tokens[this.#index + ahead] ?? last ?? { kind: 'end', text: '', span: { start: 0, end: 0 } };
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.#index += 1;
    return token;
  }

  get isAtEnd(): boolean {
    return this.peek().kind === 'end';
  }

  spanFrom(start: number): Span {
    return { start, end: Math.max(start, this.#tokens[this.#index - 1]?.span.end ?? start) };
  }

  isWord(...words: readonly string[]): boolean {
    return words.every((word, ahead) => this.peek(ahead).kind === 'word' && this.peek(ahead).text === word);
  }

  isSymbol(symbol: string, ahead = 0): boolean {
    return this.peek(ahead).kind === 'symbol' && this.peek(ahead).text === symbol;
  }

  /** Takes these words when they come next. */
  accept(...words: readonly string[]): boolean {
    if (!this.isWord(...words)) return false;
    this.#index += words.length;
    return true;
  }

  acceptSymbol(symbol: string): boolean {
    if (!this.isSymbol(symbol)) return false;
    this.#index += 1;
    return true;
  }

  expect(...words: readonly string[]): void {
    if (!this.accept(...words)) throw this.unexpected(words.join(' '));
  }

  expectSymbol(symbol: string): void {
    if (!this.acceptSymbol(symbol)) throw this.unexpected(`"${symbol}"`);
  }

  /** An error at the next token: what was wanted there. */
  unexpected(wanted: string): LakesteadError {
    const { kind, span } = this.peek();
    const found = kind === 'end' ? 'the end' : `"${this.text.slice(span.start, span.end)}"`;
    return syntaxError(this.text, span.start, `expected ${wanted}, found ${found}`);
  }

  notSupported(what: string, start = this.peek().span.start): LakesteadError {
    return syntaxError(this.text, start, `${what} is not supported`, 'SQL_NOT_SUPPORTED');
  }

  /** One bare or quoted name. */
  identifier(what = 'a name'): string {
    const { kind, span } = this.peek();
    if (kind !== 'word' && kind !== 'quoted') throw this.unexpected(what);
    const token = this.next();
    return kind === 'quoted' ? token.text : this.text.slice(span.start, span.end);
  }

  /** Names with dots between them. */
  name(what = 'a name'): Name {
    const { start } = this.peek().span;
    const parts = [this.identifier(what)];
    while (this.acceptSymbol('.')) parts.push(this.identifier());
    return { parts, span: this.spanFrom(start) };
  }

  string(what = 'a string'): string {
    if (this.peek().kind !== 'string') throw this.unexpected(what);
    return this.next().text;
  }

  /** A whole number that is not negative. */
  count(what: string): number {
    const { kind, text } = this.peek();
    if (kind !== 'number' || !/^\d+$/.test(text) || !Number.isSafeInteger(Number(text))) throw this.unexpected(what);
    this.next();
    return Number(text);
  }

  integer(what: string): bigint {
    const sign = this.acceptSymbol('-') ? -1n : 1n;
    const { kind, text } = this.peek();
    if (kind !== 'number' || !/^\d+$/.test(text)) throw this.unexpected(what);
    this.next();
    return sign * BigInt(text);
  }

  /** What stands between parentheses, one after the other, with commas between. */
  list<T>(item: () => T): T[] {
    this.expectSymbol('(');
    const items = [item()];
    while (this.acceptSymbol(',')) items.push(item());
    this.expectSymbol(')');
    return items;
  }

  /** `('key' = 'value', other.key = true)`: keys as strings or with dots, values as any literal. */
  properties(): Properties {
    return Object.fromEntries(
      this.list(() => {
        const key = this.propertyKey();
        if (!this.acceptSymbol('=')) throw this.unexpected('"="');
        const token = this.peek();
        if (token.kind === 'end' || token.kind === 'symbol') throw this.unexpected('a value');
        this.next();
        return [key, token.kind === 'string' || token.kind === 'quoted' ? token.text : this.text.slice(token.span.start, token.span.end)];
      }),
    );
  }

  propertyKey(): string {
    return this.peek().kind === 'string' ? this.string() : this.name('the name of a property').parts.join('.');
  }

  /**
   * Text up to a place where `stop` holds outside of parentheses, brackets and CASE ... END, or to the end.
   * Names in backticks come out in double quotes, types that only Spark has by the dialect's names; nothing else of the text changes.
   */
  fragment(what: string, stop: () => boolean): Fragment {
    const { start } = this.peek().span;
    let depth = 0;
    let cases = 0;
    while (!this.isAtEnd && !(depth === 0 && cases === 0 && stop())) {
      const token = this.peek();
      if (token.kind === 'symbol' && '([{'.includes(token.text)) depth += 1;
      else if (token.kind === 'symbol' && ')]}'.includes(token.text)) {
        if (depth === 0) break;
        depth -= 1;
      } else if (token.kind === 'word' && token.text === 'CASE') cases += 1;
      else if (token.kind === 'word' && token.text === 'END' && cases > 0) cases -= 1;
      this.next();
    }
    if (this.peek().span.start === start) throw this.unexpected(what);
    return this.fragmentFrom(start);
  }

  /** The text of a type as Spark or the engine writes it: `decimal(10, 2)`, `array<struct<a: int>>`, `INTEGER[]`, `TIMESTAMP WITH TIME ZONE`. */
  type(): Fragment {
    const { start } = this.peek().span;
    this.identifier('a type');
    this.accept('PRECISION');
    if (this.isSymbol('(')) this.balanced('(', ')');
    else if (this.isSymbol('<')) this.balanced('<', '>');
    while (this.isSymbol('[')) this.balanced('[', ']');
    if (!this.accept('WITH', 'TIME', 'ZONE')) this.accept('WITHOUT', 'TIME', 'ZONE');
    return this.fragmentFrom(start);
  }

  /** Passes over everything from an opening symbol to the one that closes it. */
  balanced(open: string, close: string): void {
    let depth = 0;
    do {
      if (this.isAtEnd) throw this.unexpected(`"${close}"`);
      if (this.isSymbol(open)) depth += 1;
      else if (this.isSymbol(close)) depth -= 1;
      this.next();
    } while (depth > 0);
  }

  /** Text in parentheses, without them. */
  inParentheses(what: string): Fragment {
    this.expectSymbol('(');
    const inner = this.fragment(what, () => false);
    this.expectSymbol(')');
    return inner;
  }

  /** How the lake's dialect has a token that only Spark has; `undefined` where it is the same. */
  #inDialect({ kind, text, span }: Token, index: number): string | undefined {
    if (kind === 'quoted' && this.text[span.start] === '`') return `"${text.replaceAll('"', '""')}"`;
    const type = kind === 'word' ? sparkTypes[text] : undefined;
    const [before, after] = [this.#tokens[index - 1], this.#tokens[index + 1]];
    return after?.kind === 'string' || before?.text === 'AS' ? type : undefined;
  }

  /** The text from `start` to the last token that was read, its backticks made double quotes. */
  fragmentFrom(start: number): Fragment {
    const span = this.spanFrom(start);
    let text = '';
    let from = start;
    for (const [index, token] of this.#tokens.slice(0, this.#index).entries()) {
      const written = token.span.start < start ? undefined : this.#inDialect(token, index);
      if (written === undefined) continue;
      text += this.text.slice(from, token.span.start) + written;
      from = token.span.end;
    }
    return { text: text + this.text.slice(from, span.end), span };
  }
}
