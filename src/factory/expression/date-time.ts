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

/**
 * A timestamp's text as UTC ticks: ISO 8601 with or without zone (without one it is UTC), and the American forms that
 * .NET's invariant culture takes: `03/15/2018 12:00:00`, `3/15/2018 1:05 PM`, `15 March 2018`.
 */
export function parseTimestamp(text: string): Ticks {
  const trimmed = text.trim();
  const iso = /^(\d{4})-(\d{1,2})(?:-(\d{1,2}))?(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i.exec(
    trimmed,
  );
  const american =
    /^(\d{1,2})\/(\d{1,2})\/(\d{4})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s*(AM|PM)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i.exec(
      trimmed,
    );
  const named =
    /^(?:\w+,\s*)?(?:(\d{1,2})\s+([A-Za-z]{3,9})|([A-Za-z]{3,9})\s+(\d{1,2})),?\s+(\d{4})(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*(AM|PM)?)?\s*(GMT|Z)?$/i.exec(
      trimmed,
    );
  let fields: { year: number; month: number; day: number; hour: number; minute: number; second: number; fraction: string; zone: string };
  if (iso !== null) {
    const [, year, month, day, hour, minute, second, fraction, zone] = iso;
    fields = {
      year: Number(year),
      month: Number(month),
      day: Number(day ?? 1),
      hour: Number(hour ?? 0),
      minute: Number(minute ?? 0),
      second: Number(second ?? 0),
      fraction: fraction ?? '',
      zone: zone ?? 'Z',
    };
  } else if (american !== null) {
    const [, month, day, year, hour, minute, second, fraction, half, zone] = american;
    fields = {
      year: Number(year),
      month: Number(month),
      day: Number(day),
      hour: to24(Number(hour ?? 0), half),
      minute: Number(minute ?? 0),
      second: Number(second ?? 0),
      fraction: fraction ?? '',
      zone: zone ?? 'Z',
    };
  } else if (named !== null) {
    const [, day1, month1, month2, day2, year, hour, minute, second, half] = named;
    const word = (month1 ?? month2 ?? '').toLowerCase().slice(0, 3);
    const month = months.findIndex((name) => name.toLowerCase().startsWith(word)) + 1;
    if (month === 0) throw new TypeError(`'${text}' is no timestamp`);
    fields = {
      year: Number(year),
      month,
      day: Number(day1 ?? day2),
      hour: to24(Number(hour ?? 0), half),
      minute: Number(minute ?? 0),
      second: Number(second ?? 0),
      fraction: '',
      zone: 'Z',
    };
  } else throw new TypeError(`'${text}' is no timestamp`);
  const { year, month, day, hour, minute, second } = fields;
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month) || hour > 23 || minute > 59 || second > 59)
    throw new TypeError(`'${text}' is no timestamp`);
  const wall =
    ticksOf(year, month, day) +
    BigInt(hour * 3600 + minute * 60 + second) * 10_000_000n +
    BigInt(fields.fraction.padEnd(7, '0').slice(0, 7));
  return checkRange(wall - zoneTicks(fields.zone));
}

function to24(hour: number, half: string | undefined): number {
  if (half === undefined) return hour;
  return (hour % 12) + (half.toUpperCase() === 'PM' ? 12 : 0);
}

function zoneTicks(zone: string): bigint {
  const match = /^([+-])(\d{2}):?(\d{2})$/.exec(zone);
  if (match === null) return 0n;
  const minutes = BigInt(Number(match[2]) * 60 + Number(match[3])) * 600_000_000n;
  return match[1] === '-' ? -minutes : minutes;
}

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

const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** .NET's standard formats as custom ones, in the culture en-US. */
const standard: Readonly<Record<string, string>> = {
  d: 'M/d/yyyy', D: 'dddd, MMMM d, yyyy', f: 'dddd, MMMM d, yyyy h:mm tt', F: 'dddd, MMMM d, yyyy h:mm:ss tt', g: 'M/d/yyyy h:mm tt', G: 'M/d/yyyy h:mm:ss tt', m: 'MMMM d', M: 'MMMM d', o: "yyyy-MM-ddTHH:mm:ss.fffffffK", O: "yyyy-MM-ddTHH:mm:ss.fffffffK",
  r: "ddd, dd MMM yyyy HH:mm:ss 'GMT'", R: "ddd, dd MMM yyyy HH:mm:ss 'GMT'", s: 'yyyy-MM-ddTHH:mm:ss', t: 'h:mm tt', T: 'h:mm:ss tt', u: "yyyy-MM-dd HH:mm:ss'Z'", U: 'dddd, MMMM d, yyyy h:mm:ss tt', y: 'MMMM yyyy', Y: 'MMMM yyyy',
}; // prettier-ignore

/**
 * Ticks in a .NET format string, culture en-US.
 *
 * @param zone what `K` prints: `Z` for UTC, '' for a time of no known zone
 */
export function formatTimestamp(ticks: Ticks, format: string, zone: string): string {
  if (format.length === 1) {
    const custom = standard[format];
    if (custom === undefined) throw new TypeError(`'${format}' is no format of a timestamp`);
    return formatTimestamp(ticks, custom, zone);
  }
  const parts = partsOf(ticks);
  const pad = (value: number, width: number) => String(value).padStart(width, '0');
  const hour12 = parts.hour % 12 === 0 ? 12 : parts.hour % 12;
  const pattern = format.startsWith('%') ? format.slice(1) : format;
  return pattern.replaceAll(
    /\\(.)|'([^']*)'|"([^"]*)"|(y+|M+|d+|H+|h+|m+|s+|t+|f+|F+|z+|g+|K)/gs,
    (whole, escaped: string | undefined, single: string | undefined, double: string | undefined, token: string | undefined) => {
      if (token === undefined) return escaped ?? single ?? double ?? whole;
      const width = token.length;
      const fraction = pad(parts.fraction, 7).slice(0, Math.min(width, 7));
      switch (token[0]) {
        case 'y':
          return width <= 2 ? (width === 1 ? String(parts.year % 100) : pad(parts.year % 100, 2)) : pad(parts.year, width);
        case 'M':
          return width === 1
            ? String(parts.month)
            : width === 2
              ? pad(parts.month, 2)
              : width === 3
                ? (months[parts.month - 1] ?? '').slice(0, 3)
                : (months[parts.month - 1] ?? '');
        case 'd':
          return width === 1
            ? String(parts.day)
            : width === 2
              ? pad(parts.day, 2)
              : width === 3
                ? (weekdays[parts.dayOfWeek] ?? '').slice(0, 3)
                : (weekdays[parts.dayOfWeek] ?? '');
        case 'H':
          return pad(parts.hour, Math.min(width, 2));
        case 'h':
          return pad(hour12, Math.min(width, 2));
        case 'm':
          return pad(parts.minute, Math.min(width, 2));
        case 's':
          return pad(parts.second, Math.min(width, 2));
        case 't':
          return (parts.hour < 12 ? 'AM' : 'PM').slice(0, width);
        case 'f':
          if (width > 7) throw new TypeError(`'${token}' has more digits than a second`);
          return fraction;
        case 'F':
          return fraction.replace(/0+$/, '');
        case 'z':
          return width === 1 ? '+0' : width === 2 ? '+00' : '+00:00';
        case 'K':
          return zone;
        default:
          return 'A.D.';
      }
    },
  );
}
