import {
  DuckDBArrayValue,
  DuckDBBitValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBIntervalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimeTZValue,
  DuckDBTimeValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBUnionValue,
} from '@duckdb/node-api';

import type { SqlValue } from '#sql';

/** Microseconds that stand for the two infinities, in timestamps of the engine. */
export const infiniteMicros = 9223372036854775807n;
/** Days that do, in dates. */
export const infiniteDays = 2147483647;

const dayMicros = 86_400_000_000n;

/** A date as PostgreSQL writes it; `days` since 1970. */
export function formatDate(days: number): string {
  if (days === infiniteDays) return 'infinity';
  if (days === -infiniteDays) return '-infinity';
  const [year, month, day] = civil(days);
  return `${formatYear(year)}-${two(month)}-${two(day)}${year > 0 ? '' : ' BC'}`;
}

/** A timestamp as PostgreSQL writes it; `micros` since 1970, `zone` what comes behind it (`+00`). */
export function formatTimestamp(micros: bigint, zone = ''): string {
  if (micros === infiniteMicros) return 'infinity';
  if (micros === -infiniteMicros) return '-infinity';
  let days = Number(micros / dayMicros);
  let rest = Number(micros % dayMicros);
  if (rest < 0) {
    days -= 1;
    rest += Number(dayMicros);
  }
  const [year, month, day] = civil(days);
  return `${formatYear(year)}-${two(month)}-${two(day)} ${formatTime(rest)}${zone}${year > 0 ? '' : ' BC'}`;
}

/** Microseconds of a day as `hh:mm:ss` with as many digits of the fraction as it has. */
export function formatTime(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = micros - seconds * 1_000_000;
  const text = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return fraction === 0 ? text : `${text}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`;
}

/** An interval in PostgreSQL's own style: `1 year 2 mons -3 days 04:05:06.7`. */
export function formatInterval(months: number, days: number, micros: bigint): string {
  const parts: string[] = [];
  const count = (value: number, unit: string) => {
    if (value !== 0) parts.push(`${value} ${unit}${value === 1 ? '' : 's'}`);
  };
  count(Math.trunc(months / 12), 'year');
  count(months % 12, 'mon');
  count(days, 'day');
  if (micros !== 0n || parts.length === 0) {
    const isNegative = micros < 0n;
    const size = isNegative ? -micros : micros;
    const hours = size / 3_600_000_000n;
    const rest = formatTime(Number(size % 3_600_000_000n)).slice(3);
    // PostgreSQL writes a plus where something before it is negative.
    const sign = isNegative ? '-' : parts.some((part) => part.startsWith('-')) ? '+' : '';
    parts.push(`${sign}${hours < 10n ? `0${hours}` : hours}:${rest}`);
  }
  return parts.join(' ');
}

/** A number of 8 bytes as PostgreSQL writes it: the fewest digits that give it again. */
export function formatDouble(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const text = value.toExponential();
  return withExponent(isHalfway(text, value, 53) ? value.toExponential(16).replace(/\.?0+e/, 'e') : text, 15);
}

/**
 * True for digits of a large whole number that lie in the middle between it and the next one of `bits` bits. They give it again by the
 * rule that the even one is taken, on which PostgreSQL does not rely.
 */
function isHalfway(text: string, value: number, bits: number): boolean {
  const size = Math.abs(value);
  if (size < 2 ** bits || size > 1e18) return false;
  const step = 2 ** (Math.floor(Math.log2(size)) - bits + 1);
  const digits = BigInt(withExponent(text, 40)) - BigInt(value);
  return (digits < 0n ? -digits : digits) * 2n === BigInt(step);
}

/** A number of 4 bytes. */
export function formatFloat(value: number): string {
  if (!Number.isFinite(value) || value === 0) return formatDouble(value);
  for (let digits = 0; digits < 9; digits += 1) {
    const text = toEven(value, digits);
    if (Math.fround(Number(text)) === value && !isHalfway(text, value, 24)) return withExponent(text, 6);
  }
  return withExponent(value.toExponential(8), 6);
}

/** `toExponential`, which rounds what lies in the middle up: here the last digit is even then. */
function toEven(value: number, digits: number): string {
  const up = value.toExponential(digits);
  const [mantissa = '', exponent = ''] = up.split('e');
  const [exact = '', exactExponent] = value.toExponential(60).split('e');
  const isMiddle = /^50*$/.test(exact.slice(mantissa.length + (digits === 0 ? 1 : 0)));
  if (!isMiddle || exactExponent !== exponent || Number(mantissa.at(-1)) % 2 === 0) return up;
  return `${exact.slice(0, mantissa.length)}e${exponent}`;
}

/** `-1.5e-7` as PostgreSQL has it: digits as they are where the exponent is from -4 to `most` - 1, else with two digits of it. */
function withExponent(text: string, most: number): string {
  const [, sign = '', first = '', more = '', exponentText = '0'] = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? [];
  const exponent = Number(exponentText);
  const digits = first + more;
  if (exponent < -4 || exponent >= most) {
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${first}${more === '' ? '' : `.${more}`}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return sign + digits.padEnd(exponent + 1, '0');
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

/** A whole number with its point `scale` digits from the end. */
export function formatDecimal(value: bigint, scale: number): string {
  if (scale === 0) return String(value);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  return `${value < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Any value of the engine as PostgreSQL writes it in text; lists as arrays, structs as rows. */
export function formatPg(value: Exclude<SqlValue, null | undefined>): string {
  switch (typeof value) {
    case 'boolean':
      return value ? 't' : 'f';
    case 'number':
      return formatDouble(value);
    case 'string':
      return value;
    case 'bigint':
      return String(value);
    default:
  }
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return formatArray(value.items);
  if (value instanceof DuckDBStructValue) return formatRow(Object.values(value.entries));
  if (value instanceof DuckDBMapValue) return `{${value.entries.map(({ key, value: of }) => `${formatItem(key)}=>${formatItem(of)}`).join(',')}}`; // prettier-ignore
  if (value instanceof DuckDBUnionValue) return value.value === null || value.value === undefined ? '' : formatPg(value.value);
  if (value instanceof DuckDBBlobValue) return `\\x${Buffer.from(value.bytes).toString('hex')}`;
  if (value instanceof DuckDBDateValue) return formatDate(value.days);
  if (value instanceof DuckDBTimestampTZValue) return formatTimestamp(value.micros, '+00');
  if (value instanceof DuckDBTimestampValue) return formatTimestamp(value.micros);
  if (value instanceof DuckDBTimestampMillisecondsValue) return formatTimestamp(value.millis * 1000n);
  if (value instanceof DuckDBTimestampSecondsValue) return formatTimestamp(value.seconds * 1_000_000n);
  if (value instanceof DuckDBTimestampNanosecondsValue) return formatTimestamp(value.nanos / 1000n);
  if (value instanceof DuckDBTimeValue) return formatTime(Number(value.micros));
  if (value instanceof DuckDBTimeTZValue) return `${formatTime(Number(value.micros))}${formatOffset(value.offset)}`;
  if (value instanceof DuckDBIntervalValue) return formatInterval(value.months, value.days, value.micros);
  if (value instanceof DuckDBBitValue) return value.toString();
  // Decimals and UUIDs; what else the engine may have is in its own words.
  return String(value);
}

/** Seconds east of Greenwich as `+02` or `-03:30`. */
export function formatOffset(seconds: number): string {
  const size = Math.abs(seconds);
  const [hours, minutes, rest] = [Math.floor(size / 3600), Math.floor(size / 60) % 60, size % 60];
  return `${seconds < 0 ? '-' : '+'}${two(hours)}${minutes === 0 && rest === 0 ? '' : `:${two(minutes)}`}${rest === 0 ? '' : `:${two(rest)}`}`;
}

function formatArray(items: readonly SqlValue[]): string {
  return `{${items.map(formatItem).join(',')}}`;
}

function formatItem(value: SqlValue): string {
  if (value === null || value === undefined) return 'NULL';
  const text = formatPg(value);
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return text;
  const isBare = text !== '' && !/[\s{}",\\]/.test(text) && text.toUpperCase() !== 'NULL';
  return isBare ? text : `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

function formatRow(values: readonly SqlValue[]): string {
  const fields = values.map((value) => {
    if (value === null || value === undefined) return '';
    const text = formatPg(value);
    return text !== '' && !/[\s(),"\\]/.test(text) ? text : `"${text.replaceAll(/["\\]/g, '$&$&')}"`;
  });
  return `(${fields.join(',')})`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** Years before the first have no zero: the year 0 is 1 BC. */
function formatYear(year: number): string {
  return String(year > 0 ? year : 1 - year).padStart(4, '0');
}

/** Year, month and day of a day since 1970 in the proleptic Gregorian calendar (Howard Hinnant's algorithm). */
function civil(days: number): readonly [year: number, month: number, day: number] {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthPart = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthPart < 10 ? monthPart + 3 : monthPart - 9;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - Math.floor((153 * monthPart + 2) / 5) + 1];
}
