import { checkRange, daysInMonth, formatTimestamp, partsOf, type Ticks, ticksOf, ticksPerDay } from './date-time.ts';
import { type Define, type FunctionDefinition, integer, text } from './define-function.ts';
import { type Moment, parseTimestamp } from './parse-timestamp.ts';
import { isUtc, nowTicks, utcToZone, zoneToUtc } from './time-zone.ts';
import type { Value } from './value.ts';

const count = (value: Value | undefined): bigint => integer(value, 'count');
const momentOf = (value: Value | undefined): Moment => parseTimestamp(text(value, 'timestamp'));
const ticksIn = (value: Value | undefined): Ticks => momentOf(value).ticks;

const units: Readonly<Record<string, bigint>> = {
  second: 10_000_000n,
  minute: 600_000_000n,
  hour: 36_000_000_000n,
  day: ticksPerDay,
  week: 7n * ticksPerDay,
};

/** Moves by a number of units; months and years keep the day as far as the month has it. */
function shift(ticks: Ticks, by: bigint, unit: string): Ticks {
  const lower = unit.toLowerCase();
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
const print = ({ ticks, zone }: Moment, format: Value | undefined) =>
  formatTimestamp(ticks, format === undefined ? iso : text(format, 'format'), zone);
const inUtc = (ticks: Ticks): Moment => ({ ticks, zone: 'Z' });
/** What a zone's clock shows: of UTC it is known, of others nothing is said. */
const inZone = (utc: Ticks, zone: string): Moment => ({ ticks: utcToZone(utc, zone), zone: isUtc(zone) ? 'Z' : '' });
const change = (moment: Moment, by: (ticks: Ticks) => Ticks): Moment => ({ ...moment, ticks: by(moment.ticks) });

/** The functions of dates and times. Results are texts in ISO 8601 with seven digits, or in the given .NET format. */
export function dateFunctions(define: Define): readonly FunctionDefinition[] {
  const adder = (name: string, unit: string, example: readonly [string, string]) =>
    define(`${name}(timestamp, count, format?)`, `A timestamp moved by ${unit.toLowerCase()}s.`, example, ([stamp, by, format]) =>
      print(
        change(momentOf(stamp), (ticks) => shift(ticks, count(by), unit)),
        format,
      ),
    );
  const start = (name: string, about: string, example: readonly [string, string], cut: (ticks: Ticks) => Ticks) =>
    define(`${name}(timestamp, format?)`, about, example, ([stamp, format]) => print(change(momentOf(stamp), cut), format));
  return [
    adder('addDays', 'Day', ["@addDays('2018-03-15T00:00:00Z', 10)", '"2018-03-25T00:00:00.0000000Z"']),
    adder('addHours', 'Hour', ["@addHours('2018-03-15T00:00:00Z', 10)", '"2018-03-15T10:00:00.0000000Z"']),
    adder('addMinutes', 'Minute', ["@addMinutes('2018-03-15T00:10:00Z', 10)", '"2018-03-15T00:20:00.0000000Z"']),
    adder('addSeconds', 'Second', ["@addSeconds('2018-03-15T00:00:00Z', 10)", '"2018-03-15T00:00:10.0000000Z"']),
    define(
      'addToTime(timestamp, count, unit, format?)',
      'A timestamp moved by units of time.',
      ["@addToTime('2018-01-01T00:00:00Z', 1, 'Day')", '"2018-01-02T00:00:00.0000000Z"'],
      ([stamp, by, unit, format]) =>
        print(
          change(momentOf(stamp), (ticks) => shift(ticks, count(by), text(unit))),
          format,
        ),
    ),
    define(
      'subtractFromTime(timestamp, count, unit, format?)',
      'A timestamp moved back by units of time.',
      ["@subtractFromTime('2018-01-02T00:00:00Z', 1, 'Day')", '"2018-01-01T00:00:00.0000000Z"'],
      ([stamp, by, unit, format]) =>
        print(
          change(momentOf(stamp), (ticks) => shift(ticks, -count(by), text(unit))),
          format,
        ),
    ),
    define(
      'convertFromUtc(timestamp, zone, format?)',
      'A UTC timestamp in a time zone.',
      ["@convertFromUtc('2018-01-01T08:00:00.0000000Z', 'Pacific Standard Time')", '"2018-01-01T00:00:00.0000000"'],
      ([stamp, zone, format]) => {
        const moment = momentOf(stamp);
        if (moment.zone !== 'Z') throw new TypeError(`'${text(stamp)}' is not in UTC: it must end in Z`);
        return print(inZone(moment.ticks, text(zone)), format);
      },
    ),
    define(
      'convertToUtc(timestamp, zone, format?)',
      'A timestamp of a time zone in UTC.',
      ["@convertToUtc('01/01/2018 00:00:00', 'Pacific Standard Time')", '"2018-01-01T08:00:00.0000000Z"'],
      ([stamp, zone, format]) => {
        const moment = momentOf(stamp);
        const utc = zoneToUtc(moment.ticks, text(zone));
        if (moment.zone !== '' && !(moment.zone === 'Z' && isUtc(text(zone))))
          throw new TypeError(`'${text(stamp)}' has a zone of its own, which is not ${text(zone)}`);
        return print(inUtc(utc), format);
      },
    ),
    define(
      'convertTimeZone(timestamp, from, to, format?)',
      'A timestamp of one time zone in another.',
      ["@convertTimeZone('2018-01-01T08:00:00.0000000Z', 'UTC', 'Pacific Standard Time')", '"2018-01-01T00:00:00.0000000"'],
      ([stamp, from, to, format]) => {
        const { ticks, zone } = momentOf(stamp);
        // A timestamp that says its own zone is taken by it.
        const utc = zone === '' ? zoneToUtc(ticks, text(from)) : (utcToZone(ticks, text(from)), ticks);
        return print(inZone(utc, text(to)), format);
      },
    ),
    define('dayOfMonth(timestamp)', 'The day of the month.', ["@dayOfMonth('2018-03-15T13:27:36Z')", '15'], ([stamp]) =>
      BigInt(partsOf(ticksIn(stamp)).day),
    ),
    define('dayOfWeek(timestamp)', 'The day of the week, Sunday as 0.', ["@dayOfWeek('2018-03-15T13:27:36Z')", '4'], ([stamp]) =>
      BigInt(partsOf(ticksIn(stamp)).dayOfWeek),
    ),
    define('dayOfYear(timestamp)', 'The day of the year.', ["@dayOfYear('2018-03-15T13:27:36Z')", '74'], ([stamp]) =>
      BigInt(partsOf(ticksIn(stamp)).dayOfYear),
    ),
    define(
      'formatDateTime(timestamp, format?, locale?)',
      'A timestamp in a .NET format, in the words of a locale such as de-DE.',
      ["@formatDateTime('03/15/2018 12:00:00', 'yyyy-MM-ddTHH:mm:ss')", '"2018-03-15T12:00:00"'],
      ([stamp, format, locale]) => {
        const { ticks, zone } = momentOf(stamp);
        const pattern = format === undefined ? iso : text(format, 'format');
        return formatTimestamp(ticks, pattern, zone, locale === undefined ? 'en-US' : text(locale, 'locale'));
      },
    ),
    define(
      'getFutureTime(count, unit, format?)',
      'Now, moved by units of time.',
      ["@length(getFutureTime(5, 'Day'))", '28'],
      ([by, unit, format], { now }) => print(inUtc(shift(nowTicks(now), count(by), text(unit))), format),
    ),
    define(
      'getPastTime(count, unit, format?)',
      'Now, moved back by units of time.',
      ["@length(getPastTime(5, 'Day'))", '28'],
      ([by, unit, format], { now }) => print(inUtc(shift(nowTicks(now), -count(by), text(unit))), format),
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
      ([stamp]) => ticksIn(stamp),
    ),
    define('utcNow(format?)', 'Now.', ['@length(utcNow())', '28'], ([format], { now }) => print(inUtc(nowTicks(now)), format)),
  ];
}
