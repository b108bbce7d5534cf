import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
} from '@duckdb/node-api';

import type { SqlValue } from '#sql';

/**
 * A value as JSON text. Integers and decimals are exact number literals of any length, timestamps ISO 8601 (with `Z`
 * when the type has a time zone), binary base64; NaN and infinities, which JSON does not have, are strings.
 */
export function formatJson(value: SqlValue): string {
  if (value === null || value === undefined) return 'null';
  switch (typeof value) {
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
      return Number.isFinite(value) ? JSON.stringify(value) : JSON.stringify(String(value));
    case 'bigint':
      return value.toString();
    case 'string':
      return JSON.stringify(value);
    default:
      return formatNested(value) ?? JSON.stringify(formatText(value));
  }
}

function formatNested(value: object): string | undefined {
  if (value instanceof DuckDBDecimalValue) return formatDecimal(value);
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return `[${value.items.map(formatJson).join(',')}]`;
  if (value instanceof DuckDBStructValue) {
    return `{${Object.entries(value.entries)
      .map(([name, field]) => `${JSON.stringify(name)}:${formatJson(field)}`)
      .join(',')}}`;
  }
  if (value instanceof DuckDBMapValue) {
    return `{${value.entries.map((entry) => `${JSON.stringify(formatText(entry.key))}:${formatJson(entry.value)}`).join(',')}}`;
  }
  return undefined;
}

/** A value as text for CSV and for people: as JSON without the quotes; NULL is the empty text. */
export function formatText(value: SqlValue): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value !== 'object') return String(value);
  if (value instanceof DuckDBTimestampTZValue) return `${formatTimestamp(value.micros)}Z`;
  if (value instanceof DuckDBTimestampValue) return formatTimestamp(value.micros);
  if (value instanceof DuckDBTimestampMillisecondsValue) return formatTimestamp(value.millis * 1000n);
  if (value instanceof DuckDBTimestampSecondsValue) return formatTimestamp(value.seconds * 1_000_000n);
  if (value instanceof DuckDBTimestampNanosecondsValue) return formatNanoseconds(value.nanos);
  if (value instanceof DuckDBDateValue) return formatDate(value.days);
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('base64');
  return formatNested(value) ?? String(value);
}

function formatDecimal({ value, scale }: DuckDBDecimalValue): string {
  if (scale === 0) return value.toString();
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const infinities = new Map([
  [9_223_372_036_854_775_807n, 'infinity'],
  [-9_223_372_036_854_775_807n, '-infinity'],
]);

function formatTimestamp(micros: bigint): string {
  const infinity = infinities.get(micros);
  if (infinity !== undefined) return infinity;
  const perDay = 86_400_000_000n;
  const days = floorDivide(micros, perDay);
  const rest = micros - days * perDay;
  const seconds = Number(rest / 1_000_000n);
  const fraction = Number(rest % 1_000_000n);
  const time = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
  return `${formatDate(Number(days))}T${time}${
    fraction === 0
      ? ''
      : `.${String(fraction)
          .padStart(6, '0')
          .replace(/(?:000)$/, '')}`
  }`;
}

function formatNanoseconds(nanos: bigint): string {
  const micros = floorDivide(nanos, 1000n);
  const rest = nanos - micros * 1000n;
  const text = formatTimestamp(micros);
  if (rest === 0n) return text;
  const [whole, fraction = ''] = text.split('.');
  return `${whole}.${fraction.padEnd(6, '0')}${rest.toString().padStart(3, '0')}`;
}

function floorDivide(value: bigint, by: bigint): bigint {
  return value >= 0n || value % by === 0n ? value / by : value / by - 1n;
}

/** `yyyy-MM-dd`; years past 9999 and before 1 in ISO 8601's expanded form. */
function formatDate(days: number): string {
  if (Math.abs(days) >= 2 ** 31 - 1) return days > 0 ? 'infinity' : '-infinity';
  // The civil-from-days algorithm on eras of 400 years: JavaScript's Date ends 270,000 years too early for DuckDB.
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthIndex = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthIndex + 2) / 5) + 1;
  const month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const yearText =
    year >= 0 && year <= 9999 ? String(year).padStart(4, '0') : `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}`;
  return `${yearText}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}
