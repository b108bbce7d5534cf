import {
  DuckDBArrayValue,
  DuckDBBitValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBIntervalValue,
  DuckDBListValue,
  DuckDBTimeTZValue,
  DuckDBTimeValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBUUIDValue,
} from '@duckdb/node-api';

import { LakesteadError } from '#core';
import type { SqlValue } from '#sql';

import type { ByteWriter } from './byte-writer.ts';
import { pgTypeOf, type PgType } from './pg-type.ts';
import { formatPg, infiniteDays, infiniteMicros } from './text-format.ts';

/** Days and microseconds from 1970 to 2000, where PostgreSQL's binary forms begin. */
const epochDays = 10_957;
const epochMicros = 946_684_800_000_000n;
const greatest = 9223372036854775807n;

/** Days since 2000; the infinities as PostgreSQL has them. */
export function binaryDays(days: number): number {
  if (days === infiniteDays) return 2147483647;
  return days === -infiniteDays ? -2147483648 : days - epochDays;
}

/** Microseconds since 2000; the infinities as PostgreSQL has them. */
export function binaryMicros(micros: bigint): bigint {
  if (micros === infiniteMicros) return greatest;
  return micros === -infiniteMicros ? -greatest - 1n : micros - epochMicros;
}

/** A number of any length in PostgreSQL's binary form: `value` with its point `scale` digits from the end. */
export function writeNumeric(value: bigint, scale: number, out: ByteWriter): void {
  const sign = value < 0n ? 0x4000 : 0;
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale);
  // Groups of four digits to both sides of the point.
  const left = whole.padStart(Math.ceil(whole.length / 4) * 4, '0');
  const groups = (left + fraction.padEnd(Math.ceil(fraction.length / 4) * 4, '0')).match(/\d{4}/g)?.map(Number) ?? [];
  let weight = left.length / 4 - 1;
  while (groups[0] === 0) {
    groups.shift();
    weight -= 1;
  }
  while (groups.at(-1) === 0) groups.pop();
  out.int16(groups.length);
  out.int16(groups.length === 0 ? 0 : weight);
  out.int16(groups.length === 0 ? 0 : sign);
  out.int16(scale);
  for (const group of groups) out.int16(group);
}

/** A value of the engine in PostgreSQL's binary form of that type. */
export function writeBinary(value: NonNullable<SqlValue>, pgType: PgType, out: ByteWriter): void {
  if (pgType.element !== undefined && (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue)) {
    writeArray(value.items, pgType.element, out);
    return;
  }
  switch (pgType.oid) {
    case 16:
      return out.byte(value === true ? 1 : 0);
    case 17:
      return out.bytes(value instanceof DuckDBBlobValue ? value.bytes : Buffer.from(formatPg(value)));
    case 20:
      return out.int64(value as bigint);
    case 21:
      return out.int16(Number(value));
    case 23:
      return out.int32(Number(value));
    case 700:
      return out.float32(Number(value));
    case 701:
      return out.float64(Number(value));
    case 1082:
      return out.int32(binaryDays((value as DuckDBDateValue).days));
    case 1083:
      return out.int64((value as DuckDBTimeValue).micros);
    case 1114:
    case 1184:
      return out.int64(binaryMicros(microsOf(value)));
    case 1186: {
      const { months, days, micros } = value as DuckDBIntervalValue;
      out.int64(micros);
      out.int32(days);
      return out.int32(months);
    }
    case 1266: {
      const { micros, offset } = value as DuckDBTimeTZValue;
      out.int64(micros);
      return out.int32(-offset); // seconds west of Greenwich
    }
    case 1562:
      return writeBits((value as DuckDBBitValue).toString(), out);
    case 1700: {
      if (value instanceof DuckDBDecimalValue) return writeNumeric(value.value, value.scale, out);
      return writeNumeric(value as bigint, 0, out);
    }
    case 2950:
      return out.bytes(Buffer.from((value as DuckDBUUIDValue).toString().replaceAll('-', ''), 'hex'));
    default:
      return out.text(formatPg(value));
  }
}

function microsOf(value: unknown): bigint {
  if (value instanceof DuckDBTimestampSecondsValue) return value.seconds * 1_000_000n;
  if (value instanceof DuckDBTimestampMillisecondsValue) return value.millis * 1000n;
  if (value instanceof DuckDBTimestampNanosecondsValue) return value.nanos / 1000n;
  return (value as DuckDBTimestampValue | DuckDBTimestampTZValue).micros;
}

function writeBits(text: string, out: ByteWriter): void {
  out.int32(text.length);
  for (let at = 0; at < text.length; at += 8) out.byte(Number.parseInt(text.slice(at, at + 8).padEnd(8, '0'), 2));
}

/** An array of any depth; PostgreSQL has only such of which all rows are equally long. */
function writeArray(items: readonly SqlValue[], element: NonNullable<PgType['element']>, out: ByteWriter): void {
  const sizes: number[] = [];
  let level: readonly SqlValue[] = items;
  while (level.length > 0) {
    sizes.push(level.length);
    const [first] = level;
    if (!(first instanceof DuckDBListValue || first instanceof DuckDBArrayValue)) break;
    level = first.items;
  }
  const leaves = flatten(items);
  const isRegular = sizes.reduce((product, size) => product * size, 1) === leaves.length || leaves.length === 0;
  if (!isRegular) {
    throw new LakesteadError('SQL_NOT_SUPPORTED', 'a list of lists of different lengths has no binary form in PostgreSQL', {
      hint: 'ask for it as text',
    });
  }
  out.int32(leaves.length === 0 ? 0 : sizes.length);
  out.int32(leaves.some((leaf) => leaf === null || leaf === undefined) ? 1 : 0);
  out.int32(element.oid);
  if (leaves.length === 0) return;
  for (const size of sizes) {
    out.int32(size);
    out.int32(1);
  }
  const type = pgTypeOf(element.duckdb);
  for (const leaf of leaves) {
    if (leaf === null || leaf === undefined) out.int32(-1);
    else out.counted(() => writeBinary(leaf, type, out));
  }
}

function flatten(items: readonly SqlValue[]): readonly SqlValue[] {
  return items.flatMap((item) => (item instanceof DuckDBListValue || item instanceof DuckDBArrayValue ? flatten(item.items) : [item]));
}
