import type { ExpressionContext } from './evaluate.ts';
import { Float, typeName, type Value } from './value.ts';

/** One function of the language. `signature` is what an error shows; the example is run by a test and printed in the docs. */
export type FunctionDefinition = {
  readonly name: string;
  readonly signature: string;
  readonly about: string;
  readonly example: readonly [expression: string, value: string];
  readonly count: readonly [least: number, most: number];
  readonly apply: (args: readonly Value[], context: ExpressionContext) => Value;
  /** Set for functions that do not evaluate all of their arguments. */
  readonly lazy?: (args: readonly (() => Value)[]) => Value;
};

export type Apply = FunctionDefinition['apply'];

/** A function by its signature: `name(a, b?, ...)` says how many arguments it takes. */
export function define(
  signature: string,
  about: string,
  example: readonly [string, string],
  apply: Apply,
  lazy?: FunctionDefinition['lazy'],
): FunctionDefinition {
  const [, name = '', list = ''] = /^(\w+)\((.*)\)/.exec(signature) ?? [];
  const parameters = list.split(',').filter((part) => part.trim() !== '');
  const optional = parameters.filter((part) => part.includes('?')).length;
  const most = list.includes('...') ? Infinity : parameters.length;
  return {
    name,
    signature,
    about,
    example,
    count: [parameters.filter((part) => !part.includes('...')).length - optional, most],
    apply,
    ...(lazy === undefined ? {} : { lazy }),
  };
}

export function text(value: Value | undefined, what = 'argument'): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`the ${what} must be a text, not ${typeName(value ?? null)}`);
}

export function integer(value: Value | undefined, what = 'argument'): bigint {
  if (typeof value === 'bigint') return value;
  throw new TypeError(`the ${what} must be an integer, not ${typeName(value ?? null)}`);
}

export function boolean(value: Value | undefined): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeError(`the argument must be a boolean, not ${typeName(value ?? null)}`);
}

export function number(value: Value | undefined): bigint | Float {
  if (typeof value === 'bigint' || value instanceof Float) return value;
  throw new TypeError(`the argument must be a number, not ${typeName(value ?? null)}`);
}

export const double = (value: bigint | Float): number => (typeof value === 'bigint' ? Number(value) : value.value);

export function checked(value: bigint): bigint {
  if (value > 9_223_372_036_854_775_807n || value < -9_223_372_036_854_775_808n)
    throw new RangeError('the result does not fit into 64 bits');
  return value;
}

export type Define = typeof define;
