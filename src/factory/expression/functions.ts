import { randomUUID } from 'node:crypto';

import { dateFunctions } from './date-functions.ts';
import type { ExpressionContext } from './evaluate.ts';
import { printValue } from './evaluate.ts';
import { parseJson } from './json.ts';
import { Float, formatValue, isArray, isObject, typeName, type Value, type ValueObject } from './value.ts';
import { xmlToJson } from './xml.ts';

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

type Apply = FunctionDefinition['apply'];

function define(
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

function text(value: Value | undefined, what = 'argument'): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`the ${what} must be a text, not ${typeName(value ?? null)}`);
}

function integer(value: Value | undefined, what = 'argument'): bigint {
  if (typeof value === 'bigint') return value;
  if (value instanceof Float && Number.isInteger(value.value)) return BigInt(value.value);
  throw new TypeError(`the ${what} must be an integer, not ${typeName(value ?? null)}`);
}

function boolean(value: Value | undefined): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeError(`the argument must be a boolean, not ${typeName(value ?? null)}`);
}

function number(value: Value | undefined): bigint | Float {
  if (typeof value === 'bigint' || value instanceof Float) return value;
  throw new TypeError(`the argument must be a number, not ${typeName(value ?? null)}`);
}

const double = (value: bigint | Float): number => (typeof value === 'bigint' ? Number(value) : value.value);

function checked(value: bigint): bigint {
  if (value > 9_223_372_036_854_775_807n || value < -9_223_372_036_854_775_808n)
    throw new RangeError('the result does not fit into 64 bits');
  return value;
}

/** Integers stay integers; with a float the result is a float. */
function arithmetic(whole: (a: bigint, b: bigint) => bigint, real: (a: number, b: number) => number): Apply {
  return ([first, second]) => {
    const [a, b] = [number(first), number(second)];
    if (typeof a === 'bigint' && typeof b === 'bigint') return checked(whole(a, b));
    // .NET adds such values as decimals where they came as text; sixteen digits hide the doubles' own noise.
    return new Float(Number(real(double(a), double(b)).toPrecision(15)));
  };
}

function compare(a: Value | undefined, b: Value | undefined): number {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  const [x, y] = [number(a), number(b)];
  if (typeof x === 'bigint' && typeof y === 'bigint') return x < y ? -1 : x > y ? 1 : 0;
  return Math.sign(double(x) - double(y));
}

function sameValue(a: Value, b: Value): boolean {
  if ((typeof a === 'bigint' || a instanceof Float) && (typeof b === 'bigint' || b instanceof Float))
    return typeof a === 'bigint' && typeof b === 'bigint' ? a === b : double(a) === double(b);
  if (isArray(a) && isArray(b)) return a.length === b.length && a.every((item, index) => sameValue(item, b[index] ?? null));
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameValue(a[key] ?? null, b[key] ?? null));
  }
  return a === b;
}

function numbersOf(args: readonly Value[]): (bigint | Float)[] {
  const [first] = args;
  const list = args.length === 1 && isArray(first) ? first : args;
  if (list.length === 0) throw new TypeError('there is no number');
  return list.map(number);
}

const collection = (value: Value | undefined): string | readonly Value[] => {
  if (typeof value === 'string' || isArray(value)) return value;
  throw new TypeError(`the argument must be a text or an array, not ${typeName(value ?? null)}`);
};

/** Texts of several values, without quotes: what concat and interpolation print. */
const printAll = (values: readonly Value[]) => values.map(printValue).join('');

const binary = (content: string, type: string): ValueObject => ({ '$content-type': type, $content: content });
const isBinary = (value: Value | undefined): value is ValueObject => isObject(value) && '$content' in value;
const bytesOf = (value: Value | undefined): Buffer =>
  isBinary(value) ? Buffer.from(text(value['$content'] ?? null), 'base64') : Buffer.from(text(value), 'utf8');
const base64 = (value: string) => Buffer.from(value, 'utf8').toString('base64');

function fromBase64(value: string): string {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(value) || value.length % 4 !== 0) throw new TypeError('the text is no base64');
  return Buffer.from(value, 'base64').toString('utf8');
}

function dataUriParts(value: string): { type: string; content: string } {
  const [, type = '', isBase64, content = ''] = /^data:([^,]*?)(;base64)?,(.*)$/s.exec(value) ?? [];
  if (!value.startsWith('data:')) throw new TypeError('the text is no data URI');
  return {
    type: type === '' ? 'text/plain;charset=US-ASCII' : type,
    content: isBase64 === undefined ? base64(decodeURIComponent(content)) : content,
  };
}

const uriComponent = (value: string) =>
  encodeURIComponent(value).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

function overlap(args: readonly Value[]): Value {
  const [first, ...rest] = args;
  if (isArray(first)) {
    const others = rest.map((one) => {
      if (!isArray(one)) throw new TypeError('all arguments must be arrays, or all objects');
      return one;
    });
    return first.filter(
      (item, index) =>
        first.findIndex((other) => sameValue(other, item)) === index && others.every((one) => one.some((other) => sameValue(other, item))),
    );
  }
  if (!isObject(first ?? null)) throw new TypeError('all arguments must be arrays, or all objects');
  const object = first as ValueObject; // just checked
  return Object.fromEntries(
    Object.entries(object).filter(([key, value]) =>
      rest.every((one) => isObject(one) && Object.hasOwn(one, key) && sameValue(one[key] ?? null, value)),
    ),
  );
}

function toInteger(value: Value | undefined): Value {
  if (typeof value === 'bigint') return value;
  if (value instanceof Float) return checked(BigInt(roundHalfEven(value.value)));
  if (typeof value === 'boolean') return value ? 1n : 0n;
  const trimmed = text(value).trim();
  if (!/^[+-]?\d+$/.test(trimmed)) throw new TypeError(`'${trimmed}' is no integer`);
  return checked(BigInt(trimmed.replace(/^\+/, '')));
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

const list: readonly FunctionDefinition[] = [
  define('concat(text1, ...)', 'Joins texts.', ["@concat('Hello', 'World')", '"HelloWorld"'], (args) =>
    args.every(isArray) ? args.flat() : printAll(args),
  ),
  define(
    'endsWith(text, ending)',
    'Whether a text ends with another; without case.',
    ["@endsWith('hello world', 'World')", 'true'],
    ([a, b]) => text(a).toLowerCase().endsWith(text(b).toLowerCase()),
  ),
  define(
    'startsWith(text, beginning)',
    'Whether a text begins with another; without case.',
    ["@startsWith('hello world', 'HELLO')", 'true'],
    ([a, b]) => text(a).toLowerCase().startsWith(text(b).toLowerCase()),
  ),
  define('guid(format?)', 'A new unique identifier; formats N, D, B, P.', ["@length(guid('N'))", '32'], ([format]) => {
    const id = randomUUID();
    switch (format === undefined ? 'D' : text(format).toUpperCase()) {
      case 'N':
        return id.replaceAll('-', '');
      case 'D':
        return id;
      case 'B':
        return `{${id}}`;
      case 'P':
        return `(${id})`;
      default:
        throw new TypeError('a format of guid is N, D, B or P');
    }
  }),
  define(
    'indexOf(text, part)',
    'The first position of a part, from 0; -1 without it. Without case.',
    ["@indexOf('hello world', 'world')", '6'],
    ([a, b]) => BigInt(text(a).toLowerCase().indexOf(text(b).toLowerCase())),
  ),
  define(
    'lastIndexOf(text, part)',
    'The last position of a part, from 0; -1 without it. Without case.',
    ["@lastIndexOf('hello world', 'o')", '7'],
    ([a, b]) => BigInt(text(a).toLowerCase().lastIndexOf(text(b).toLowerCase())),
  ),
  define(
    'replace(text, old, new)',
    'A text with every occurrence of a part replaced.',
    ["@replace('the old string', 'old', 'new')", '"the new string"'],
    ([a, b, c]) => {
      if (text(b) === '') throw new TypeError('the part to replace is empty');
      return text(a).replaceAll(text(b), () => text(c));
    },
  ),
  define('split(text, delimiter)', 'The parts of a text between delimiters.', ["@split('a,b,c', ',')", '["a","b","c"]'], ([a, b]) =>
    text(a).split(text(b)),
  ),
  define(
    'substring(text, start, length?)',
    'A part of a text, from a position on.',
    ["@substring('hello world', 6, 5)", '"world"'],
    ([a, b, c]) => {
      const value = text(a);
      const start = Number(integer(b));
      const length = c === undefined ? value.length - start : Number(integer(c));
      if (start < 0 || length < 0 || start + length > value.length)
        throw new RangeError(`position ${start} and length ${length} are outside the text of ${value.length} characters`);
      return value.slice(start, start + length);
    },
  ),
  define('toLower(text)', 'A text in lower case.', ["@toLower('Hello World')", '"hello world"'], ([a]) => text(a).toLowerCase()),
  define('toUpper(text)', 'A text in upper case.', ["@toUpper('Hello World')", '"HELLO WORLD"'], ([a]) => text(a).toUpperCase()),
  define('trim(text)', 'A text without blanks at both ends.', ["@trim(' Hello World  ')", '"Hello World"'], ([a]) => text(a).trim()),

  define(
    'contains(collection, value)',
    'Whether a text has a part, an array an item or an object a key.',
    ["@contains('hello world', 'world')", 'true'],
    ([a, b]) => {
      if (typeof a === 'string') return a.includes(text(b));
      if (isArray(a)) return a.some((item) => sameValue(item, b ?? null));
      if (isObject(a)) return Object.keys(a).some((key) => key.toLowerCase() === text(b).toLowerCase());
      throw new TypeError(`the first argument must be a text, an array or an object, not ${typeName(a ?? null)}`);
    },
  ),
  define('empty(collection)', 'Whether a text, array or object is empty.', ["@empty('')", 'true'], ([a]) => {
    if (a === null) return true;
    if (typeof a === 'string' || isArray(a)) return a.length === 0;
    if (isObject(a)) return Object.keys(a).length === 0;
    throw new TypeError(`the argument must be a text, an array or an object, not ${typeName(a ?? null)}`);
  }),
  define('first(collection)', 'The first item or character.', ['@first(createArray(0, 1, 2))', '0'], ([a]) => itemAt(collection(a), 0)),
  define('last(collection)', 'The last item or character.', ["@last('abcd')", '"d"'], ([a]) => itemAt(collection(a), -1)),
  define(
    'intersection(collection1, collection2, ...)',
    'What is in all of the arrays or objects.',
    ['@intersection(createArray(1, 2, 3), createArray(2, 3, 4))', '[2,3]'],
    overlap,
  ),
  define(
    'join(array, delimiter)',
    'The items of an array as one text.',
    ["@join(createArray('a', 'b', 'c'), '.')", '"a.b.c"'],
    ([a, b]) => {
      if (!isArray(a)) throw new TypeError('the first argument must be an array');
      return a.map(printValue).join(text(b));
    },
  ),
  define('length(collection)', 'The number of characters or items.', ["@length('abcd')", '4'], ([a]) =>
    BigInt(isObject(a) ? Object.keys(a).length : collection(a).length),
  ),
  define('skip(collection, count)', 'What is left without the first items.', ['@skip(createArray(0, 1, 2, 3), 1)', '[1,2,3]'], ([a, b]) =>
    collection(a).slice(Math.max(0, Number(integer(b)))),
  ),
  define('take(collection, count)', 'The first items or characters.', ["@take('abcde', 3)", '"abc"'], ([a, b]) =>
    collection(a).slice(0, Math.max(0, Number(integer(b)))),
  ),
  define(
    'union(collection1, collection2, ...)',
    'What is in any of the arrays or objects, once.',
    ['@union(createArray(1, 2, 3), createArray(1, 2, 10))', '[1,2,3,10]'],
    (args) => {
      if (args.every(isArray)) return args.flat().filter((item, index, all) => all.findIndex((other) => sameValue(other, item)) === index);
      if (args.every(isObject)) return Object.assign({}, ...args) as ValueObject; // objects, just checked
      throw new TypeError('all arguments must be arrays, or all objects');
    },
  ),
  define('array(value)', 'An array of one item.', ["@array('hello')", '["hello"]'], ([a]) => (isArray(a) ? a : [a ?? null])),
  define('createArray(value1, ...)', 'An array of the arguments.', ["@createArray('h', 1, true)", '["h",1,true]'], (args) => [...args]),

  define(
    'and(a, b)',
    'Whether both are true. The second is not evaluated when the first is false.',
    ['@and(true, false)', 'false'],
    () => null,
    (args) => args.every((arg) => boolean(arg())),
  ),
  define(
    'or(a, b)',
    'Whether one is true. The second is not evaluated when the first is true.',
    ['@or(true, false)', 'true'],
    () => null,
    (args) => args.some((arg) => boolean(arg())),
  ),
  define('not(a)', 'The opposite.', ['@not(false)', 'true'], ([a]) => !boolean(a)),
  define('equals(a, b)', 'Whether two values are the same.', ['@equals(1, 1)', 'true'], ([a, b]) => sameValue(a ?? null, b ?? null)),
  define('greater(a, b)', 'Whether the first is greater.', ['@greater(10, 5)', 'true'], ([a, b]) => compare(a, b) > 0),
  define(
    'greaterOrEquals(a, b)',
    'Whether the first is greater or the same.',
    ['@greaterOrEquals(5, 5)', 'true'],
    ([a, b]) => compare(a, b) >= 0,
  ),
  define('less(a, b)', 'Whether the first is less.', ['@less(5, 10)', 'true'], ([a, b]) => compare(a, b) < 0),
  define('lessOrEquals(a, b)', 'Whether the first is less or the same.', ['@lessOrEquals(10, 10)', 'true'], ([a, b]) => compare(a, b) <= 0),
  define(
    'if(condition, whenTrue, whenFalse)',
    'One of two values; the other is not evaluated.',
    ["@if(equals(1, 1), 'yes', 'no')", '"yes"'],
    () => null,
    ([condition, yes, no]) => {
      const branch = boolean(condition?.()) ? yes : no;
      return branch?.() ?? null;
    },
  ),

  define('base64(text)', 'A text in base64.', ["@base64('hello')", '"aGVsbG8="'], ([a]) => bytesOf(a).toString('base64')),
  define(
    'base64ToBinary(text)',
    'Base64 as a binary value.',
    ["@base64ToString(base64ToBinary('aGVsbG8=')['$content'])", '"hello"'],
    ([a]) => {
      fromBase64(text(a));
      return binary(text(a), 'application/octet-stream');
    },
  ),
  define('base64ToString(text)', 'The text of base64.', ["@base64ToString('aGVsbG8=')", '"hello"'], ([a]) => fromBase64(text(a))),
  define('decodeBase64(text)', 'The text of base64.', ["@decodeBase64('aGVsbG8=')", '"hello"'], ([a]) => fromBase64(text(a))),
  define('binary(text)', 'A text as a binary value.', ["@binary('hello')['$content']", '"aGVsbG8="'], ([a]) =>
    binary(base64(text(a)), 'application/octet-stream'),
  ),
  define('bool(value)', 'A value as a boolean.', ['@bool(0)', 'false'], ([a]) => {
    if (typeof a === 'boolean') return a;
    if (typeof a === 'bigint') return a !== 0n;
    if (a instanceof Float) return a.value !== 0;
    const word = text(a).trim().toLowerCase();
    if (word === 'true') return true;
    if (word === 'false') return false;
    throw new TypeError(`'${word}' is no boolean`);
  }),
  define(
    'coalesce(value1, ...)',
    'The first value that is not null.',
    ["@coalesce(null, 'hello', 'world')", '"hello"'],
    (args) => args.find((arg) => arg !== null) ?? null,
  ),
  define(
    'dataUri(text)',
    'A data URI of a text.',
    ["@dataUri('hello')", '"data:text/plain;charset=utf-8;base64,aGVsbG8="'],
    ([a]) => `data:text/plain;charset=utf-8;base64,${bytesOf(a).toString('base64')}`,
  ),
  define(
    'dataUriToBinary(uri)',
    'A data URI as a binary value.',
    ["@dataUriToBinary('data:text/plain;base64,aGVsbG8=')['$content']", '"aGVsbG8="'],
    ([a]) => {
      const { type, content } = dataUriParts(text(a));
      return binary(content, type);
    },
  ),
  define('dataUriToString(uri)', 'The text of a data URI.', ["@dataUriToString('data:text/plain;base64,aGVsbG8=')", '"hello"'], ([a]) =>
    Buffer.from(dataUriParts(text(a)).content, 'base64').toString('utf8'),
  ),
  define(
    'decodeDataUri(uri)',
    'A data URI as a binary value.',
    ["@decodeDataUri('data:text/plain;base64,aGVsbG8=')['$content']", '"aGVsbG8="'],
    ([a]) => {
      const { type, content } = dataUriParts(text(a));
      return binary(content, type);
    },
  ),
  define(
    'decodeUriComponent(text)',
    'A text with its percent escapes taken off.',
    ["@decodeUriComponent('https%3A%2F%2Fcontoso.com')", '"https://contoso.com"'],
    ([a]) => decodeURIComponent(text(a)),
  ),
  define(
    'encodeUriComponent(text)',
    'A text with percent escapes.',
    ["@encodeUriComponent('https://contoso.com')", '"https%3A%2F%2Fcontoso.com"'],
    ([a]) => uriComponent(text(a)),
  ),
  define('float(value)', 'A value as a floating-point number.', ["@float('10.333')", '10.333'], ([a]) => {
    if (typeof a === 'bigint' || a instanceof Float) return new Float(double(a));
    const trimmed = text(a).trim().replaceAll(',', '');
    if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(trimmed)) throw new TypeError(`'${trimmed}' is no number`);
    return new Float(Number(trimmed));
  }),
  define('int(value)', 'A value as an integer.', ["@int('10')", '10'], ([a]) => toInteger(a)),
  define('json(value)', 'The value of a JSON text, or of XML as JSON.', ["@json('[1, 2, 3]')", '[1,2,3]'], ([a]) => {
    if (isBinary(a)) {
      const content = bytesOf(a).toString('utf8');
      return String(a['$content-type']).includes('xml') ? xmlToJson(content) : parseJson(content, 'json').value;
    }
    return typeof a === 'string' ? parseJson(a, 'json').value : (a ?? null);
  }),
  define('string(value)', 'A value as a text; objects and arrays as JSON.', ['@string(10)', '"10"'], ([a]) =>
    isBinary(a)
      ? bytesOf(a).toString('utf8')
      : typeof a === 'string'
        ? a
        : isArray(a) || isObject(a)
          ? formatValue(a)
          : printValue(a ?? null),
  ),
  define(
    'uriComponent(text)',
    'A text with percent escapes.',
    ["@uriComponent('https://contoso.com')", '"https%3A%2F%2Fcontoso.com"'],
    ([a]) => uriComponent(text(a)),
  ),
  define(
    'uriComponentToBinary(text)',
    'A text with percent escapes as a binary value.',
    ["@uriComponentToBinary('a%20b')['$content']", '"YSBi"'],
    ([a]) => binary(base64(decodeURIComponent(text(a))), 'application/octet-stream'),
  ),
  define(
    'uriComponentToString(text)',
    'A text with its percent escapes taken off.',
    ["@uriComponentToString('https%3A%2F%2Fcontoso.com')", '"https://contoso.com"'],
    ([a]) => decodeURIComponent(text(a)),
  ),
  define('xml(text)', 'A text of XML, or a JSON object as XML.', ["@json(xml('<a>1</a>')).a", '"1"'], ([a]) => {
    if (typeof a !== 'string') throw new TypeError('XML of an object is not supported');
    xmlToJson(a);
    return binary(base64(a), 'application/xml;charset=utf-8');
  }),
  define('xpath(xml, path)', 'Nodes of XML: not supported, refused by name.', ["@xpath(xml('<a/>'), '/a')", 'error'], () => {
    throw new TypeError('xpath is not supported');
  }),

  define(
    'add(a, b)',
    'The sum.',
    ['@add(1, 1.5)', '2.5'],
    arithmetic(
      (a, b) => a + b,
      (a, b) => a + b,
    ),
  ),
  define(
    'sub(a, b)',
    'The difference.',
    ['@sub(10, 3)', '7'],
    arithmetic(
      (a, b) => a - b,
      (a, b) => a - b,
    ),
  ),
  define(
    'mul(a, b)',
    'The product.',
    ['@mul(2, 3)', '6'],
    arithmetic(
      (a, b) => a * b,
      (a, b) => a * b,
    ),
  ),
  define(
    'div(a, b)',
    'The quotient; of integers without the remainder.',
    ['@div(11, 5)', '2'],
    arithmetic(
      (a, b) => {
        if (b === 0n) throw new RangeError('a division by zero');
        return a / b;
      },
      (a, b) => a / b,
    ),
  ),
  define(
    'mod(a, b)',
    'The remainder.',
    ['@mod(3, 2)', '1'],
    arithmetic(
      (a, b) => {
        if (b === 0n) throw new RangeError('a division by zero');
        return a % b;
      },
      (a, b) => a % b,
    ),
  ),
  define('max(number1, ...)', 'The greatest number, of arguments or of an array.', ['@max(1, 2, 3)', '3'], (args) =>
    numbersOf(args).reduce((a, b) => (compare(a, b) >= 0 ? a : b)),
  ),
  define('min(number1, ...)', 'The least number, of arguments or of an array.', ['@min(1, 2, 3)', '1'], (args) =>
    numbersOf(args).reduce((a, b) => (compare(a, b) <= 0 ? a : b)),
  ),
  define('rand(from, to)', 'A random integer from the first on, below the second.', ['@rand(1, 2)', '1'], ([a, b]) => {
    const [from, to] = [Number(integer(a)), Number(integer(b))];
    if (to <= from) throw new RangeError('the second number must be greater');
    return BigInt(from + Math.floor(Math.random() * (to - from)));
  }),
  define('range(start, count)', 'Integers from a start on.', ['@range(1, 4)', '[1,2,3,4]'], ([a, b]) => {
    const count = Number(integer(b));
    if (count < 0 || count > 100_000) throw new RangeError('the count goes from 0 to 100,000');
    return Array.from({ length: count }, (_, index) => integer(a) + BigInt(index));
  }),
  ...dateFunctions(define),
];

function itemAt(value: string | readonly Value[], at: 0 | -1): Value {
  if (typeof value === 'string') return value.at(at) ?? '';
  return value.at(at) ?? null;
}

/** All functions by lower-case name. */
export const functions: Readonly<Record<string, FunctionDefinition>> = Object.fromEntries(list.map((one) => [one.name.toLowerCase(), one]));

/** A function by its lower-case name. */
export function findFunction(name: string): FunctionDefinition | undefined {
  return Object.hasOwn(functions, name) ? functions[name] : undefined;
}

export type Define = typeof define;
