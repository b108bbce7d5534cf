import { type Culture, cultureOf } from './culture.ts';

/** An instant of the .NET calendar as ticks: 100 nanoseconds since 0001-01-01, of the wall time that a text shows. */
export type Ticks = bigint;

export const ticksPerDay = 864_000_000_000n;
const epochTicks = 621_355_968_000_000_000n;

/** The last tick of year 9999. */
const maxTicks = 3_155_378_975_999_999_999n;

export function checkRange(ticks: Ticks): Ticks {
  if (ticks < 0n || ticks > maxTicks) throw new RangeError('the result is outside the years 1 to 9999');
  return ticks;
}

export const fromDate = (date: Date): Ticks => BigInt(date.getTime()) * 10_000n + epochTicks;
/** The instant as milliseconds since 1970: the rest below a millisecond is cut. */
export const toEpochMs = (ticks: Ticks): number => Number((ticks - epochTicks) / 10_000n);

const isLeap = (year: number) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
export const daysInMonth = (year: number, month: number) =>
  month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;

/** Ticks of midnight of a day. */
export function ticksOf(year: number, month: number, day: number): Ticks {
  const before = year - 1;
  let days = before * 365 + Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  for (let one = 1; one < month; one += 1) days += daysInMonth(year, one);
  return BigInt(days + day - 1) * ticksPerDay;
}

export type DateParts = {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly dayOfWeek: number;
  readonly dayOfYear: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly fraction: number;
};

/** Calendar fields of ticks; `fraction` in ticks, `dayOfWeek` from Sunday as 0. */
export function partsOf(ticks: Ticks): DateParts {
  const days = Number(ticks / ticksPerDay);
  const rest = Number(ticks % ticksPerDay);
  let year = Math.floor(days / 365.2425) + 1;
  while (ticksOf(year, 1, 1) > ticks) year -= 1;
  while (year < 9999 && ticksOf(year + 1, 1, 1) <= ticks) year += 1;
  const dayOfYear = days - Number(ticksOf(year, 1, 1) / ticksPerDay) + 1;
  let month = 1;
  let day = dayOfYear;
  while (day > daysInMonth(year, month)) {
    day -= daysInMonth(year, month);
    month += 1;
  }
  const seconds = Math.floor(rest / 1e7);
  return {
    year,
    month,
    day,
    dayOfYear,
    dayOfWeek: (days + 1) % 7,
    hour: Math.floor(seconds / 3600),
    minute: Math.floor(seconds / 60) % 60,
    second: seconds % 60,
    fraction: rest % 1e7,
  };
}

/** .NET's standard formats as custom ones: the same in every culture, or made of the culture's patterns. */
const fixed: Readonly<Record<string, string>> = {
  o: 'yyyy-MM-ddTHH:mm:ss.fffffffK', O: 'yyyy-MM-ddTHH:mm:ss.fffffffK', s: 'yyyy-MM-ddTHH:mm:ss', u: "yyyy-MM-dd HH:mm:ss'Z'",
  r: "ddd, dd MMM yyyy HH:mm:ss 'GMT'", R: "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
}; // prettier-ignore
const fromCulture: Readonly<Record<string, (patterns: Culture['patterns']) => string>> = {
  d: ({ d }) => d,
  D: ({ D }) => D,
  f: ({ D, t }) => `${D} ${t}`,
  F: ({ D, T }) => `${D} ${T}`,
  g: ({ d, t }) => `${d} ${t}`,
  G: ({ d, T }) => `${d} ${T}`,
  m: ({ M }) => M,
  M: ({ M }) => M,
  t: ({ t }) => t,
  T: ({ T }) => T,
  U: ({ D, T }) => `${D} ${T}`,
  y: ({ Y }) => Y,
  Y: ({ Y }) => Y,
};

const token = /%?(?:\\(.)|'([^']*)'|"([^"]*)"|(y+|M+|d+|H+|h+|m+|s+|t+|f+|\.?F+|z+|g+|K))|(['"\\%])/gs;

/**
 * Ticks in a .NET format string; an empty one is `G`.
 *
 * @param zone what `K` prints: `Z` for UTC, '' for a time of no known zone, `+00:00` for the machine's
 */
export function formatTimestamp(ticks: Ticks, format: string, zone: string, locale = 'en-US'): string {
  const culture = cultureOf(locale);
  const unknown = () => new TypeError(`'${format}' is no format of a timestamp`);
  if (format.length > 1) return formatCustom(ticks, format, zone, culture, unknown);
  const name = format === '' ? 'G' : format;
  const custom = fixed[name] ?? fromCulture[name]?.(culture.patterns);
  if (custom === undefined) throw unknown();
  return formatCustom(ticks, custom, zone, name in fixed ? cultureOf('en-US') : culture, unknown);
}

const pad = (value: number, width: number) => String(value).padStart(width, '0');

function formatCustom(ticks: Ticks, pattern: string, zone: string, culture: Culture, unknown: () => TypeError): string {
  const parts = partsOf(ticks);
  return pattern.replaceAll(token, (whole, escaped?: string, single?: string, double?: string, letters?: string, broken?: string) => {
    if (broken !== undefined) throw unknown();
    return letters === undefined ? (escaped ?? single ?? double ?? whole) : formatPart(letters, parts, zone, culture, unknown);
  });
}

function formatPart(letters: string, parts: DateParts, zone: string, culture: Culture, unknown: () => TypeError): string {
  const width = letters.length;
  const named = (value: number, short: string | undefined, long: string | undefined) =>
    width <= 2 ? pad(value, width) : ((width === 3 ? short : long) ?? '');
  switch (letters[0]) {
    case 'y':
      return width <= 2 ? pad(parts.year % 100, width) : pad(parts.year, width);
    case 'M':
      return named(parts.month, culture.shortMonths[parts.month - 1], culture.months[parts.month - 1]);
    case 'd':
      return named(parts.day, culture.shortWeekdays[parts.dayOfWeek], culture.weekdays[parts.dayOfWeek]);
    case 'H':
      return pad(parts.hour, Math.min(width, 2));
    case 'h':
      return pad(parts.hour % 12 === 0 ? 12 : parts.hour % 12, Math.min(width, 2));
    case 'm':
      return pad(parts.minute, Math.min(width, 2));
    case 's':
      return pad(parts.second, Math.min(width, 2));
    case 't': {
      const half = culture.halves[parts.hour < 12 ? 0 : 1];
      return width === 1 ? half.slice(0, 1) : half;
    }
    case 'f':
      if (width > 7) throw unknown();
      return pad(parts.fraction, 7).slice(0, width);
    case '.':
    case 'F': {
      // Without digits the point before them goes too.
      const point = letters.startsWith('.') ? '.' : '';
      if (width - point.length > 7) throw unknown();
      const digits = pad(parts.fraction, 7)
        .slice(0, width - point.length)
        .replace(/0+$/, '');
      return digits === '' ? '' : `${point}${digits}`;
    }
    case 'z':
      return width === 1 ? '+0' : width === 2 ? '+00' : '+00:00';
    case 'K':
      return zone;
    default:
      return 'AD';
  }
}
