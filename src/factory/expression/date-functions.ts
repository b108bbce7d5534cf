import { checkRange, daysInMonth, formatTimestamp, parseTimestamp, partsOf, type Ticks, ticksOf, ticksPerDay } from './date-time.ts';
import type { Define, FunctionDefinition } from './functions.ts';
import { nowTicks, utcToZone, zoneToUtc } from './time-zone.ts';
import { Float, typeName, type Value } from './value.ts';

function text(value: Value | undefined): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`the argument must be a text, not ${typeName(value ?? null)}`);
}

function count(value: Value | undefined): bigint {
  if (typeof value === 'bigint') return value;
  if (value instanceof Float && Number.isInteger(value.value)) return BigInt(value.value);
  throw new TypeError(`the number must be an integer, not ${typeName(value ?? null)}`);
}

const units: Readonly<Record<string, bigint>> = {
  second: 10_000_000n,
  minute: 600_000_000n,
  hour: 36_000_000_000n,
  day: ticksPerDay,
  week: 7n * ticksPerDay,
};

/** Moves by a number of units; months and years keep the day as far as the month has it. */
function shift(ticks: Ticks, by: bigint, unit: string): Ticks {
  const lower = unit.toLowerCase().replace(/s$/, '');
  const fixed = units[lower];
  if (fixed !== undefined) return checkRange(ticks + by * fixed);
  if (lower !== 'month' && lower !== 'year')
    throw new TypeError(`'${unit}' is no unit of time: Second, Minute, Hour, Day, Week, Month, Year`);
  const { year, month, day } = partsOf(ticks);
  const total = year * 12 + (month - 1) + Number(by) * (lower === 'year' ? 12 : 1);
  const target = { year: Math.floor(total / 12), month: (total % 12) + 1 };
  if (target.year < 1 || target.year > 9999) throw new RangeError('the result is outside the years 1 to 9999');
  return ticksOf(target.year, target.month, Math.min(day, daysInMonth(target.year, target.month))) + (ticks % ticksPerDay);
}

const iso = 'yyyy-MM-ddTHH:mm:ss.fffffffK';
const print = (ticks: Ticks, format: Value | undefined, zone = 'Z') =>
  formatTimestamp(ticks, format === undefined ? iso : text(format), zone);

/** The functions of dates and times. Results are texts in ISO 8601 with seven digits, or in the given .NET format. */
export function dateFunctions(define: Define): readonly FunctionDefinition[] {
  const adder = (name: string, unit: string, example: readonly [string, string]) =>
    define(`${name}(timestamp, count, format?)`, `A timestamp moved by ${unit.toLowerCase()}s.`, example, ([stamp, by, format]) =>
      print(shift(parseTimestamp(text(stamp)), count(by), unit), format),
    );
  const start = (name: string, about: string, example: readonly [string, string], cut: (ticks: Ticks) => Ticks) =>
    define(`${name}(timestamp, format?)`, about, example, ([stamp, format]) => print(cut(parseTimestamp(text(stamp))), format));
  return [
    adder('addDays', 'Day', ["@addDays('2018-03-15T00:00:00Z', 10)", '"2018-03-25T00:00:00.0000000Z"']),
    adder('addHours', 'Hour', ["@addHours('2018-03-15T00:00:00Z', 10)", '"2018-03-15T10:00:00.0000000Z"']),
    adder('addMinutes', 'Minute', ["@addMinutes('2018-03-15T00:10:00Z', 10)", '"2018-03-15T00:20:00.0000000Z"']),
    adder('addSeconds', 'Second', ["@addSeconds('2018-03-15T00:00:00Z', 10)", '"2018-03-15T00:00:10.0000000Z"']),
    define(
      'addToTime(timestamp, count, unit, format?)',
      'A timestamp moved by units of time.',
      ["@addToTime('2018-01-01T00:00:00Z', 1, 'Day')", '"2018-01-02T00:00:00.0000000Z"'],
      ([stamp, by, unit, format]) => print(shift(parseTimestamp(text(stamp)), count(by), text(unit)), format),
    ),
    define(
      'subtractFromTime(timestamp, count, unit, format?)',
      'A timestamp moved back by units of time.',
      ["@subtractFromTime('2018-01-02T00:00:00Z', 1, 'Day')", '"2018-01-01T00:00:00.0000000Z"'],
      ([stamp, by, unit, format]) => print(shift(parseTimestamp(text(stamp)), -count(by), text(unit)), format),
    ),
    define(
      'convertFromUtc(timestamp, zone, format?)',
      'A UTC timestamp in a time zone.',
      ["@convertFromUtc('2018-01-01T08:00:00.0000000Z', 'Pacific Standard Time')", '"2018-01-01T00:00:00.0000000"'],
      ([stamp, zone, format]) => print(utcToZone(parseTimestamp(text(stamp)), text(zone)), format, ''),
    ),
    define(
      'convertToUtc(timestamp, zone, format?)',
      'A timestamp of a time zone in UTC.',
      ["@convertToUtc('01/01/2018 00:00:00', 'Pacific Standard Time')", '"2018-01-01T08:00:00.0000000Z"'],
      ([stamp, zone, format]) => print(zoneToUtc(parseTimestamp(text(stamp)), text(zone)), format),
    ),
    define(
      'convertTimeZone(timestamp, from, to, format?)',
      'A timestamp of one time zone in another.',
      ["@convertTimeZone('2018-01-01T08:00:00.0000000Z', 'UTC', 'Pacific Standard Time')", '"2018-01-01T00:00:00.0000000"'],
      ([stamp, from, to, format]) => print(utcToZone(zoneToUtc(parseTimestamp(text(stamp)), text(from)), text(to)), format, ''),
    ),
    define('dayOfMonth(timestamp)', 'The day of the month.', ["@dayOfMonth('2018-03-15T13:27:36Z')", '15'], ([stamp]) =>
      BigInt(partsOf(parseTimestamp(text(stamp))).day),
    ),
    define('dayOfWeek(timestamp)', 'The day of the week, Sunday as 0.', ["@dayOfWeek('2018-03-15T13:27:36Z')", '4'], ([stamp]) =>
      BigInt(partsOf(parseTimestamp(text(stamp))).dayOfWeek),
    ),
    define('dayOfYear(timestamp)', 'The day of the year.', ["@dayOfYear('2018-03-15T13:27:36Z')", '74'], ([stamp]) =>
      BigInt(partsOf(parseTimestamp(text(stamp))).dayOfYear),
    ),
    define(
      'formatDateTime(timestamp, format?)',
      'A timestamp in a .NET format.',
      ["@formatDateTime('03/15/2018 12:00:00', 'yyyy-MM-ddTHH:mm:ss')", '"2018-03-15T12:00:00"'],
      ([stamp, format]) => print(parseTimestamp(text(stamp)), format),
    ),
    define(
      'getFutureTime(count, unit, format?)',
      'Now, moved by units of time.',
      ["@length(getFutureTime(5, 'Day'))", '28'],
      ([by, unit, format], { now }) => print(shift(nowTicks(now), count(by), text(unit)), format),
    ),
    define(
      'getPastTime(count, unit, format?)',
      'Now, moved back by units of time.',
      ["@length(getPastTime(5, 'Day'))", '28'],
      ([by, unit, format], { now }) => print(shift(nowTicks(now), -count(by), text(unit)), format),
    ),
    start(
      'startOfDay',
      'Midnight of the day.',
      ["@startOfDay('2018-03-15T13:30:30Z')", '"2018-03-15T00:00:00.0000000Z"'],
      (ticks) => ticks - (ticks % ticksPerDay),
    ),
    start(
      'startOfHour',
      'The beginning of the hour.',
      ["@startOfHour('2018-03-15T13:30:30Z')", '"2018-03-15T13:00:00.0000000Z"'],
      (ticks) => ticks - (ticks % 36_000_000_000n),
    ),
    start(
      'startOfMonth',
      'The beginning of the month.',
      ["@startOfMonth('2018-03-15T13:30:30Z')", '"2018-03-01T00:00:00.0000000Z"'],
      (ticks) => {
        const { year, month } = partsOf(ticks);
        return ticksOf(year, month, 1);
      },
    ),
    define(
      'ticks(timestamp)',
      'The ticks of a timestamp: 100 nanoseconds since the year 1.',
      ["@ticks('2018-01-01T00:00:00Z')", '636503616000000000'],
      ([stamp]) => parseTimestamp(text(stamp)),
    ),
    define('utcNow(format?)', 'Now.', ['@length(utcNow())', '28'], ([format], { now }) => print(nowTicks(now), format)),
  ];
}
