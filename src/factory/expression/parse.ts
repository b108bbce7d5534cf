import { LakesteadError } from '#core';

import { Float, type Value } from './value.ts';

/** A parsed expression. `at` is the offset in the text of the whole expression. */
export type Node =
  | { readonly kind: 'literal'; readonly value: Value; readonly at: number }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Node[]; readonly at: number }
  | { readonly kind: 'property'; readonly target: Node; readonly name: string; readonly isSafe: boolean; readonly at: number }
  | { readonly kind: 'index'; readonly target: Node; readonly index: Node; readonly isSafe: boolean; readonly at: number }
  | { readonly kind: 'interpolation'; readonly parts: readonly (string | Node)[]; readonly at: number };

const maxDepth = 100;

/**
 * The meaning of a text in a pipeline: with `@` in front it is an expression and keeps its type; `@{...}` inside a text is
 * replaced; `@@` in front is a plain `@`. Anything else is the text itself.
 *
 * @throws EXPRESSION_INVALID with line and column
 */
export function parseText(text: string): Node {
  if (text.startsWith('@@') && !text.startsWith('@@{')) return { kind: 'literal', value: text.slice(1), at: 0 };
  if (text.startsWith('@') && !text.startsWith('@{') && text.length > 1 && !text.startsWith('@@')) {
    const parser = new Parser(text, 1);
    const node = parser.expression();
    parser.expectEnd();
    return node;
  }
  return parseInterpolation(text);
}

function parseInterpolation(text: string): Node {
  const parts: (string | Node)[] = [];
  let plain = '';
  for (let at = 0; at < text.length;) {
    if (text.startsWith('@@{', at)) {
      plain += '@{';
      at += 3;
    } else if (text.startsWith('@{', at)) {
      if (plain !== '') parts.push(plain);
      plain = '';
      const parser = new Parser(text, at + 2);
      parts.push(parser.expression());
      at = parser.expectClose();
    } else {
      plain += text[at] ?? '';
      at += 1;
    }
  }
  if (parts.length === 0) return { kind: 'literal', value: plain, at: 0 };
  if (plain !== '') parts.push(plain);
  return { kind: 'interpolation', parts, at: 0 };
}

/** An error in an expression, with the line and column of its text. */
export function expressionError(
  code: 'EXPRESSION_INVALID' | 'EXPRESSION_FAILED',
  text: string,
  at: number,
  problem: string,
  hint?: string,
): LakesteadError {
  const before = text.slice(0, at);
  const place = { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
  return new LakesteadError(
    code,
    `${problem} (line ${place.line}, column ${place.column} of ${text.length > 200 ? `${text.slice(0, 200)}…` : text})`,
    { place, ...(hint === undefined ? {} : { hint }) },
  );
}

class Parser {
  readonly #text: string;
  #at: number;
  #depth = 0;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  expression(): Node {
    this.#depth += 1;
    if (this.#depth > maxDepth) throw this.#error(`nested more than ${maxDepth} levels deep`);
    let node = this.#primary();
    for (;;) {
      this.#blanks();
      const at = this.#at;
      const isSafe = this.#text[at] === '?' && /[.[]/.test(this.#text[at + 1] ?? '');
      const character = this.#text[isSafe ? this.#at + 1 : this.#at];
      // A constant has no properties: what stands behind it is no part of it.
      if (node.kind === 'literal' || (character !== '.' && character !== '[')) {
        this.#depth -= 1;
        return node;
      }
      if (isSafe) this.#at += 1;
      if (character === '.') {
        this.#at += 1;
        this.#blanks();
        const name = /^[\p{L}_$@#][\p{L}\p{N}_$@#-]*/u.exec(this.#text.slice(this.#at))?.[0];
        if (name === undefined) throw this.#error('the name of a property was expected');
        this.#at += name.length;
        node = { kind: 'property', target: node, name, isSafe, at };
      } else {
        this.#at += 1;
        const index = this.expression();
        this.#expect(']');
        node = { kind: 'index', target: node, index, isSafe, at };
      }
    }
  }

  expectEnd(): void {
    this.#blanks();
    if (this.#at < this.#text.length) throw this.#error(`the end of the expression was expected, "${this.#text[this.#at]}" stands here`);
  }

  /** Moves past the `}` of an interpolation; says where the text goes on. */
  expectClose(): number {
    this.#expect('}');
    return this.#at;
  }

  #primary(): Node {
    this.#blanks();
    const at = this.#at;
    const rest = this.#text.slice(at);
    if (rest.startsWith("'")) return { kind: 'literal', value: this.#string(), at };
    const number = /^[+-]?(?:\d+(\.\d*)?|(\.\d+))([eE][+-]?\d+)?/.exec(rest);
    if (number !== null) {
      this.#at += number[0].length;
      const isFloat = number[1] !== undefined || number[2] !== undefined || number[3] !== undefined;
      if (!isFloat) {
        const value = BigInt(number[0]);
        if (value > 9_223_372_036_854_775_807n || value < -9_223_372_036_854_775_808n)
          throw this.#error(`${number[0]} does not fit into 64 bits`, at);
        return { kind: 'literal', value, at };
      }
      return { kind: 'literal', value: new Float(Number(number[0])), at };
    }
    const word = /^[\p{L}_][\p{L}\p{N}_]*/u.exec(rest)?.[0];
    if (word === undefined)
      throw this.#error(
        rest === '' ? 'a value was expected at the end of the expression' : `a value was expected, "${rest[0]}" stands here`,
      );
    this.#at += word.length;
    this.#blanks();
    if (this.#text[this.#at] === '(') return { kind: 'call', name: word, args: this.#arguments(), at };
    const constants: Readonly<Record<string, Value>> = { true: true, false: false, null: null };
    const constant = Object.hasOwn(constants, word.toLowerCase()) ? constants[word.toLowerCase()] : undefined;
    if (constant !== undefined) return { kind: 'literal', value: constant, at };
    throw this.#error(`"${word}" is no function call: text stands in single quotes`, at);
  }

  #arguments(): Node[] {
    this.#at += 1;
    this.#blanks();
    const args: Node[] = [];
    if (this.#text[this.#at] === ')') {
      this.#at += 1;
      return args;
    }
    for (;;) {
      args.push(this.expression());
      this.#blanks();
      if (this.#text[this.#at] !== ',') break;
      this.#at += 1;
    }
    this.#expect(')');
    return args;
  }

  #string(): string {
    const from = this.#at;
    let value = '';
    for (let at = from + 1; ;) {
      const end = this.#text.indexOf("'", at);
      if (end < 0) throw this.#error("the text that begins here is not closed by '", from);
      value += this.#text.slice(at, end);
      if (this.#text[end + 1] !== "'") {
        this.#at = end + 1;
        return value;
      }
      value += "'";
      at = end + 2;
    }
  }

  #blanks(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  #expect(character: string): void {
    this.#blanks();
    if (this.#text[this.#at] !== character) {
      const found = this.#at >= this.#text.length ? 'the expression ends' : `"${this.#text[this.#at]}" stands`;
      throw this.#error(`"${character}" was expected, ${found} here`);
    }
    this.#at += 1;
  }

  #error(problem: string, at = this.#at): LakesteadError {
    return expressionError('EXPRESSION_INVALID', this.#text, at, problem);
  }
}
