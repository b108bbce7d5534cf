import { randomUUID } from 'node:crypto';

import { conversionFunctions } from './conversion-functions.ts';
import { dateFunctions } from './date-functions.ts';
import { type Apply, boolean, checked, define, double, type FunctionDefinition, integer, number, text } from './define-function.ts';
import { printValue } from './print-value.ts';
import { Float, isArray, isObject, typeName, type Value, type ValueObject } from './value.ts';

/** Integers stay integers; with a float the result is a float. */
function arithmetic(whole: (a: bigint, b: bigint) => bigint, real: (a: number, b: number) => number): Apply {
  return ([first, second]) => {
    const [a, b] = [number(first), number(second)];
    if (typeof a === 'bigint' && typeof b === 'bigint') return checked(whole(a, b));
    return new Float(real(double(a), double(b)));
  };
}

/** Of floats too a division by zero is refused. */
function quotient(divisor: number, result: number): number {
  if (divisor === 0) throw new RangeError('a division by zero');
  return result;
}

/** Texts compare as in a dictionary, small letters before capital ones. */
const collator = new Intl.Collator('en-US');

function compare(a: Value | undefined, b: Value | undefined): number {
  if (typeof a === 'string' && typeof b === 'string') return collator.compare(a, b);
  const [x, y] = [number(a), number(b)];
  if (typeof x === 'bigint' && typeof y === 'bigint') return x < y ? -1 : x > y ? 1 : 0;
  return Math.sign(double(x) - double(y));
}

/** An integer equals a float of its value only where both stand alone: in arrays and objects types count. */
function equalValues(a: Value, b: Value): boolean {
  if ((typeof a === 'bigint' || a instanceof Float) && (typeof b === 'bigint' || b instanceof Float))
    return typeof a === 'bigint' && typeof b === 'bigint' ? a === b : double(a) === double(b);
  return sameValue(a, b);
}

function sameValue(a: Value, b: Value): boolean {
  if (a instanceof Float && b instanceof Float) return a.value === b.value;
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
  const numbers = list.map(number);
  return numbers.some((one) => one instanceof Float) ? numbers.map((one) => new Float(double(one))) : numbers;
}

/** How many items: not negative, and within 32 bits as .NET counts. */
function countOf(value: Value | undefined): number {
  const found = integer(value, 'count');
  if (found < 0n || found > 2_147_483_647n) throw new RangeError(`the count must not be negative, and is ${found}`);
  return Number(found);
}

/** A text letter by letter, where the other case is one letter too: no rule of a language applies. */
const mapLetters = (value: string, change: (letter: string) => string) =>
  Array.from(value)
    .map((letter) => (change(letter).length === letter.length && !'ıİ'.includes(letter) ? change(letter) : letter))
    .join('');

function formatGuid(id: string, format: string): string {
  switch (format) {
    case 'N':
      return id.replaceAll('-', '');
    case 'D':
      return id;
    case 'B':
      return `{${id}}`;
    case 'P':
      return `(${id})`;
    case 'X': {
      const [a, b, c, d = '', e = ''] = id.split('-');
      const bytes = (d + e).match(/../g) ?? [];
      return `{0x${a},0x${b},0x${c},{${bytes.map((byte) => `0x${byte}`).join(',')}}}`;
    }
    default:
      throw new TypeError('a format of guid is N, D, B, P or X');
  }
}

const collection = (value: Value | undefined): string | readonly Value[] => {
  if (typeof value === 'string' || isArray(value)) return value;
  throw new TypeError(`the argument must be a text or an array, not ${typeName(value ?? null)}`);
};

/** Texts of several values, without quotes: what concat and interpolation print. */
const printAll = (values: readonly Value[]) => values.map(printValue).join('');

/** A text that equal values share and others do not: the keys of objects in order, texts, integers and floats apart. */
function identity(value: Value): string {
  if (value instanceof Float) return `f${value.value + 0}`;
  if (isArray(value)) return `[${value.map(identity).join(',')}]`;
  if (!isObject(value)) return typeof value === 'string' ? JSON.stringify(value) : String(value);
  const pairs = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${identity(item)}`);
  return `{${pairs.toSorted().join(',')}}`;
}

/** Each value once, where it first stands. */
function distinct(values: readonly Value[]): readonly Value[] {
  const seen = new Map<string, Value>();
  for (const value of values) {
    const key = identity(value);
    if (!seen.has(key)) seen.set(key, value);
  }
  return [...seen.values()];
}

function overlap(args: readonly Value[]): Value {
  const [first, ...rest] = args;
  if (isArray(first)) {
    const others = rest.map((one) => {
      if (!isArray(one)) throw new TypeError('all arguments must be arrays, or all objects');
      return one;
    });
    const sets = others.map((one) => new Set(one.map(identity)));
    return distinct(first).filter((item) => sets.every((set) => set.has(identity(item))));
  }
  if (!isObject(first ?? null)) throw new TypeError('all arguments must be arrays, or all objects');
  const object = first as ValueObject; // just checked
  if (!rest.every(isObject)) throw new TypeError('all arguments must be arrays, or all objects');
  return Object.fromEntries(
    Object.entries(object).filter(([key, value]) => rest.every((one) => Object.hasOwn(one, key) && sameValue(one[key] ?? null, value))),
  );
}

const list: readonly FunctionDefinition[] = [
  define('concat(text1, ...)', 'Joins texts.', ["@concat('Hello', 'World')", '"HelloWorld"'], (args) => printAll(args)),
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
  define('guid(format?)', 'A new unique identifier; formats N, D, B, P, X.', ["@length(guid('N'))", '32'], ([format]) =>
    formatGuid(randomUUID(), format === undefined ? 'D' : text(format)),
  ),
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
    ([a, b]) => {
      const [value, part] = [text(a), text(b)];
      return BigInt(part === '' ? Math.max(0, value.length - 1) : value.toLowerCase().lastIndexOf(part.toLowerCase()));
    },
  ),
  define(
    'replace(text, old, new)',
    'A text with every occurrence of a part replaced.',
    ["@replace('the old string', 'old', 'new')", '"the new string"'],
    ([a, b, c]) => {
      const [by, old] = [text(c), text(b)];
      if (text(a) === '') return '';
      if (old === '') throw new TypeError('the part to replace is empty');
      return text(a).replaceAll(old, () => by);
    },
  ),
  define('split(text, delimiter)', 'The parts of a text between delimiters.', ["@split('a,b,c', ',')", '["a","b","c"]'], ([a, b]) =>
    text(b) === '' ? [text(a)] : text(a).split(text(b)),
  ),
  define(
    'substring(text, start, length?)',
    'A part of a text, from a position on.',
    ["@substring('hello world', 6, 5)", '"world"'],
    ([a, b, c]) => {
      const value = text(a);
      const start = Number(integer(b));
      const length = c === undefined ? value.length - start : Number(integer(c));
      if (start < 0 || start >= value.length || length < 0 || start + length > value.length)
        throw new RangeError(`position ${start} and length ${length} are outside the text of ${value.length} characters`);
      return value.slice(start, start + length);
    },
  ),
  define('toLower(text)', 'A text in lower case.', ["@toLower('Hello World')", '"hello world"'], ([a]) =>
    mapLetters(text(a), (letter) => letter.toLowerCase()),
  ),
  define('toUpper(text)', 'A text in upper case.', ["@toUpper('Hello World')", '"HELLO WORLD"'], ([a]) =>
    mapLetters(text(a), (letter) => letter.toUpperCase()),
  ),
  define('trim(text)', 'A text without blanks at both ends.', ["@trim(' Hello World  ')", '"Hello World"'], ([a]) => text(a).trim()),

  define(
    'contains(collection, value)',
    'Whether a text has a part, an array an item or an object a key.',
    ["@contains('hello world', 'world')", 'true'],
    ([a, b]) => {
      if (typeof a === 'string') return a.includes(text(b));
      if (isArray(a)) return a.some((item) => sameValue(item, b ?? null));
      if (isObject(a)) {
        const key = text(b).toLowerCase();
        return Object.keys(a).some((one) => one.toLowerCase() === key);
      }
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
  define('length(collection)', 'The number of characters or items.', ["@length('abcd')", '4'], ([a]) => BigInt(collection(a).length)),
  define('skip(collection, count)', 'What is left without the first items.', ['@skip(createArray(0, 1, 2, 3), 1)', '[1,2,3]'], ([a, b]) =>
    collection(a).slice(countOf(b)),
  ),
  define('take(collection, count)', 'The first items or characters.', ["@take('abcde', 3)", '"abc"'], ([a, b]) =>
    collection(a).slice(0, countOf(b)),
  ),
  define(
    'union(collection1, collection2, ...)',
    'What is in any of the arrays or objects, once.',
    ['@union(createArray(1, 2, 3), createArray(1, 2, 10))', '[1,2,3,10]'],
    (args) => {
      if (args.every(isArray)) return distinct(args.flat());
      if (args.every(isObject)) return Object.fromEntries(args.flatMap((one) => Object.entries(one)));
      throw new TypeError('all arguments must be arrays, or all objects');
    },
  ),
  define('array(value)', 'An array of one item.', ["@array('hello')", '["hello"]'], ([a]) => (isArray(a) ? a : [a ?? null])),
  define('createArray(value1, ...)', 'An array of the arguments.', ["@createArray('h', 1, true)", '["h",1,true]'], (args) => [...args]),

  define(
    'and(a, ...)',
    'Whether all are true. Those behind a false one are not evaluated.',
    ['@and(true, false)', 'false'],
    () => null,
    (args) => args.every((arg) => boolean(arg())),
  ),
  define(
    'or(a, ...)',
    'Whether one is true. Those behind a true one are not evaluated.',
    ['@or(true, false)', 'true'],
    () => null,
    (args) => args.some((arg) => boolean(arg())),
  ),
  define('not(a)', 'The opposite.', ['@not(false)', 'true'], ([a]) => !boolean(a)),
  define('equals(a, b)', 'Whether two values are the same.', ['@equals(1, 1)', 'true'], ([a, b]) => equalValues(a ?? null, b ?? null)),
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

  ...conversionFunctions,

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
      (a, b) => quotient(b, a / b),
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
      (a, b) => quotient(b, a % b),
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
    if (to < from) throw new RangeError('the second number must not be less');
    if (to === from) return BigInt(from);
    return BigInt(from + Math.floor(Math.random() * (to - from)));
  }),
  define('range(start, count)', 'Integers from a start on.', ['@range(1, 4)', '[1,2,3,4]'], ([a, b]) => {
    const [start, count] = [integer(a, 'start'), Number(integer(b, 'count'))];
    if (count < 0 || count > 100_000) throw new RangeError('the count goes from 0 to 100,000');
    return Array.from({ length: count }, (_, index) => checked(start + BigInt(index)));
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
