import { checkRange, daysInMonth, type Ticks, ticksOf } from './date-time.ts';

/**
 * An instant and what its text said of its zone: `Z` for UTC, '' for nothing, `+00:00` for another zone, whose time is
 * moved to the clock of the machine: UTC, as in Azure. It is what `K` prints.
 */
export type Moment = { readonly ticks: Ticks; readonly zone: '' | 'Z' | '+00:00' };

const time = String.raw`(?:[T ]+(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:\.(?<fraction>\d{1,9}))?)?\s*(?<half>AM|PM)?)?\s*(?<zone>Z|GMT|[+-]\d{2}:?\d{2})?$`;
const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const monthName = String.raw`(?<name>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)`;
const weekday = String.raw`(?:(?:Sun|Mon|Tue|Wed|Thu|Fri|Sat)[a-z]*,?\s+)?`;

/** The forms of dates that .NET's culture en-US takes, as far as pipelines write them. */
const forms: readonly RegExp[] = [
  String.raw`(?<year>\d{4})[-/.](?<month>\d{1,2})(?:[-/.](?<day>\d{1,2}))?`,
  String.raw`(?<month>\d{1,2})[-/.](?<day>\d{1,2})[-/.](?<year>\d{4}|\d{2})`,
  String.raw`${weekday}(?<day>\d{1,2})[\s-]+${monthName},?[\s-]+(?<year>\d{4}|\d{2})`,
  String.raw`${weekday}${monthName}\s+(?<day>\d{1,2}),?\s+(?<year>\d{4})`,
  String.raw`${monthName},?\s+(?<year>\d{4})`,
].map((form) => new RegExp(`^${form}${time}`, 'i'));

/**
 * A timestamp's text: ISO 8601, the American forms `03/15/2018 12:00:00` and `3/15/2018 1:05 PM`, and dates with the name
 * of the month.
 *
 * @throws TypeError for other text and for days that do not exist
 */
export function parseTimestamp(text: string): Moment {
  const fail = () => new TypeError(`'${text}' is no timestamp`);
  const trimmed = text.trim();
  const found = forms.map((form) => form.exec(trimmed)?.groups).find((groups) => groups !== undefined);
  if (found === undefined) throw fail();
  const number = (name: string, fallback = 0) => (found[name] === undefined ? fallback : Number(found[name]));
  const year = found['year']?.length === 2 ? number('year') + (number('year') < 30 ? 2000 : 1900) : number('year');
  const named = found['name'];
  const month = named === undefined ? number('month') : monthNames.indexOf(named.slice(0, 3).toLowerCase()) + 1;
  const day = number('day', 1);
  const half = found['half']?.toUpperCase();
  if (half !== undefined && (number('hour') < 1 || number('hour') > 12)) throw fail();
  const hour = half === undefined ? number('hour') : (number('hour') % 12) + (half === 'PM' ? 12 : 0);
  const [minute, second] = [number('minute'), number('second')];
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month) || hour > 23 || minute > 59 || second > 59)
    throw fail();
  const wall =
    ticksOf(year, month, day) +
    BigInt(hour * 3600 + minute * 60 + second) * 10_000_000n +
    BigInt((found['fraction'] ?? '').padEnd(7, '0').slice(0, 7));
  const zone = found['zone']?.toUpperCase();
  if (zone === undefined) return { ticks: wall, zone: '' };
  if (zone === 'Z' || zone === 'GMT') return { ticks: wall, zone: 'Z' };
  return { ticks: checkRange(wall - offsetTicks(zone)), zone: '+00:00' };
}

function offsetTicks(zone: string): bigint {
  const minutes = BigInt(Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))) * 600_000_000n;
  return zone.startsWith('-') ? -minutes : minutes;
}
