import * as driver from '@duckdb/node-api';

import type { SqlValue } from '#sql';

/** A value without classes, which means the same after `structuredClone`. */
export type PlainValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly PlainValue[]
  /** An object of the driver's class of that name; of no class where it is empty. */
  | { readonly name: string; readonly fields: readonly (readonly [string, PlainValue])[] };

/** A column without classes: its values, or what its values are made of where all are of one frequent class. */
export type PlainColumn =
  | readonly PlainValue[]
  | { readonly packed: string; readonly width?: number; readonly scale?: number; readonly values: readonly PlainValue[] };

/** The driver's classes of values, and those of the types that a VARIANT carries with its value. */
const prototypes = new Map(
  Object.entries(driver)
    .filter(([name, made]) => typeof made === 'function' && /^DuckDB\w+(?:Value|Type)$/.test(name))
    .map(([name, made]) => [name, (made as { readonly prototype: object }).prototype]),
);

const names = new Map([...prototypes].map(([name, prototype]) => [prototype, name]));

/** A value as plain data. */
export function encodeValue(value: unknown): PlainValue {
  if (typeof value !== 'object' || value === null) return (value ?? null) as PlainValue;
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(encodeValue);
  const name = names.get(Object.getPrototypeOf(value) as object) ?? '';
  return { name, fields: Object.entries(value).map(([field, of]) => [field, encodeValue(of)] as const) };
}

/** The value that {@link encodeValue} was given. */
export function decodeValue(plain: PlainValue): SqlValue {
  return decode(plain) as SqlValue;
}

function decode(plain: PlainValue): unknown {
  if (typeof plain !== 'object' || plain === null || plain instanceof Uint8Array) return plain;
  if ('name' in plain) {
    // fromEntries, since a field named __proto__ cannot be assigned to.
    const fields = Object.fromEntries(plain.fields.map(([field, of]) => [field, decode(of)]));
    const prototype = prototypes.get(plain.name);
    return prototype === undefined ? fields : Object.assign(Object.create(prototype) as object, fields);
  }
  return plain.map(decode);
}

type Packer<T extends SqlValue = SqlValue> = {
  readonly pack: (value: T) => PlainValue;
  readonly unpack: (part: never, width: number, scale: number) => T;
};

const packer = <T extends SqlValue>(one: Packer<T>): Packer => one as unknown as Packer;

/** By class, those that make up whole columns: one part of each value goes over, without an object around it. */
const packers: Readonly<Record<string, Packer | undefined>> = {
  DuckDBDecimalValue: packer<driver.DuckDBDecimalValue>({
    pack: ({ value }) => value,
    unpack: (value: bigint, width, scale) => new driver.DuckDBDecimalValue(value, width, scale),
  }),
  DuckDBDateValue: packer<driver.DuckDBDateValue>({
    pack: ({ days }) => days,
    unpack: (days: number) => new driver.DuckDBDateValue(days),
  }),
  DuckDBTimestampValue: packer<driver.DuckDBTimestampValue>({
    pack: ({ micros }) => micros,
    unpack: (micros: bigint) => new driver.DuckDBTimestampValue(micros),
  }),
  DuckDBTimestampTZValue: packer<driver.DuckDBTimestampTZValue>({
    pack: ({ micros }) => micros,
    unpack: (micros: bigint) => new driver.DuckDBTimestampTZValue(micros),
  }),
  DuckDBTimeValue: packer<driver.DuckDBTimeValue>({
    pack: ({ micros }) => micros,
    unpack: (micros: bigint) => new driver.DuckDBTimeValue(micros),
  }),
  DuckDBUUIDValue: packer<driver.DuckDBUUIDValue>({
    pack: ({ hugeint }) => hugeint,
    unpack: (hugeint: bigint) => driver.DuckDBUUIDValue.fromStoredHugeInt(hugeint),
  }),
  DuckDBBlobValue: packer<driver.DuckDBBlobValue>({
    pack: ({ bytes }) => bytes,
    unpack: (bytes: Uint8Array) => new driver.DuckDBBlobValue(bytes),
  }),
};

/** A column as plain data: packed where all its values are of one frequent class, else value by value. */
export function encodeColumn(column: readonly SqlValue[]): PlainColumn {
  const first = column.find((value): value is Extract<SqlValue, object> => isObject(value));
  if (first === undefined) return column as readonly PlainValue[];
  const name = first.constructor.name;
  const found = packers[name];
  const decimal = first instanceof driver.DuckDBDecimalValue ? first : undefined;
  const isAlike = (value: SqlValue) =>
    value?.constructor === first.constructor &&
    (decimal === undefined ||
      ((value as driver.DuckDBDecimalValue).scale === decimal.scale && (value as driver.DuckDBDecimalValue).width === decimal.width));
  if (found === undefined || !column.every((value) => value === null || isAlike(value))) return column.map(encodeValue);
  const values = column.map((value) => (value === null ? null : found.pack(value)));
  return { packed: name, values, ...(decimal === undefined ? {} : { width: decimal.width, scale: decimal.scale }) };
}

/** The column that {@link encodeColumn} was given. */
export function decodeColumn(plain: PlainColumn): readonly SqlValue[] {
  if (!('packed' in plain)) return plain.some(isObject) ? plain.map(decodeValue) : (plain as readonly SqlValue[]);
  const { packed, width = 0, scale = 0, values } = plain;
  const unpack = packers[packed]?.unpack;
  if (unpack === undefined) throw new TypeError(`a column of ${packed} was sent, which is never packed`);
  return values.map((part) => (part === null ? null : unpack(part as never, width, scale)));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
