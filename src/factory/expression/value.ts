/**
 * A value of the expression language. Integers are bigint, so that 64 bits stay exact; floats are numbers; `Float`
 * marks a whole float such as 3.0, which prints as 3.0 in JSON and is no integer.
 */
export type Value = null | boolean | bigint | Float | string | readonly Value[] | ValueObject;

/** An object of the language: keys keep their order and case, and are found without case. */
export type ValueObject = { readonly [key: string]: Value };

/** A .NET double. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export function isObject(value: Value | undefined): value is ValueObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Float);
}

export function isArray(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

/** The name of a value's type, for messages. */
export function typeName(value: Value): string {
  if (value === null) return 'Null';
  if (typeof value === 'bigint') return 'Integer';
  if (value instanceof Float) return 'Float';
  if (typeof value === 'boolean') return 'Boolean';
  if (typeof value === 'string') return 'String';
  return Array.isArray(value) ? 'Array' : 'Object';
}

/** A plain JavaScript value as a value of the language: whole numbers within 2^53 are integers. */
export function toValue(plain: unknown): Value {
  if (plain === null || plain === undefined) return null;
  if (typeof plain === 'boolean' || typeof plain === 'string' || typeof plain === 'bigint' || plain instanceof Float) return plain;
  if (typeof plain === 'number') return Number.isSafeInteger(plain) ? BigInt(plain) : new Float(plain);
  if (plain instanceof Date) return plain.toISOString();
  if (Array.isArray(plain)) return plain.map(toValue);
  return Object.fromEntries(Object.entries(plain).map(([key, value]) => [key, toValue(value)]));
}

/** A value as plain JavaScript: integers become numbers where they are exact, else stay bigint. */
export function toPlain(value: Value): unknown {
  if (typeof value === 'bigint')
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  if (value instanceof Float) return value.value;
  if (isArray(value)) return value.map(toPlain);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toPlain(item)]));
  return value;
}

/** A property by its name without case, as the language finds it. */
export function property(object: ValueObject, name: string): Value | undefined {
  if (Object.hasOwn(object, name)) return object[name];
  const lower = name.toLowerCase();
  const key = Object.keys(object).find((one) => one.toLowerCase() === lower);
  return key === undefined ? undefined : object[key];
}

/** A float as .NET prints it: `1.5`, `1E+20`, `3`. */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (Object.is(value, -0)) return '-0';
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < 17) return Number.isInteger(value) ? wholeDigits(value) : plainDigits(value);
  const sign = power < 0 ? '-' : '+';
  return `${mantissa}E${sign}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** The fewest digits that mean the float and lie nearer to it than to any other: JavaScript also takes those just between two. */
function wholeDigits(value: number): string {
  const exact = BigInt(value);
  const gap = 2n ** BigInt(Math.max(0, Math.floor(Math.log2(Math.abs(value) || 1)) - 52));
  for (let precision = 15; precision < 17; precision += 1) {
    const rounded = BigInt(Number(value.toPrecision(precision)) === value ? withoutExponent(value.toPrecision(precision)) : exact);
    const apart = exact > rounded ? exact - rounded : rounded - exact;
    if (rounded !== exact && apart * 2n < gap) return String(rounded);
  }
  return String(exact);
}

/** `1.25e+3` as `1250`. */
function withoutExponent(text: string): string {
  const [, sign = '', first = '', rest = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:e\+(\d+))?$/.exec(text) ?? [];
  return `${sign}${first}${rest.padEnd(Number(power), '0')}`;
}

function plainDigits(value: number): string {
  const text = String(value);
  if (!text.includes('e')) return text;
  const digits = -Number(text.split('e')[1]) + (text.split('e')[0] ?? '').replace(/[-.]/g, '').length - 1;
  return value.toFixed(Math.min(100, digits));
}

/** JSON of a value without blanks: integers exact, whole floats with `.0`. */
export function formatValue(value: Value): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (value instanceof Float) {
    const text = formatFloat(value.value);
    if (!Number.isFinite(value.value)) return JSON.stringify(text); // JSON has no word for it
    return /^-?\d+$/.test(text) ? `${text}.0` : text;
  }
  if (typeof value === 'string') return JSON.stringify(value);
  if (isArray(value)) return `[${value.map(formatValue).join(',')}]`;
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}:${formatValue(item)}`)
    .join(',')}}`;
}

/** JSON of plain values in which bigint and Float are exact number literals. */
export function formatExactJson(plain: unknown): string {
  return formatValue(toValue(plain));
}
