/** What a language prints in dates: names, and the patterns of .NET's standard formats. */
export type Culture = {
  readonly months: readonly string[];
  readonly shortMonths: readonly string[];
  readonly weekdays: readonly string[];
  readonly shortWeekdays: readonly string[];
  readonly halves: readonly [before: string, after: string];
  /** By standard format. */
  readonly patterns: {
    readonly d: string;
    readonly D: string;
    readonly t: string;
    readonly T: string;
    readonly M: string;
    readonly Y: string;
  };
};

const names = (locale: string | undefined, options: Intl.DateTimeFormatOptions, dates: readonly Date[], part: string) => {
  const format = new Intl.DateTimeFormat(locale ?? 'en-US', { timeZone: 'UTC', ...options });
  return dates.map((date) => format.formatToParts(date).find(({ type }) => type === part)?.value ?? '');
};
const months = Array.from({ length: 12 }, (_, month) => new Date(Date.UTC(2023, month, 15)));
const days = Array.from({ length: 7 }, (_, day) => new Date(Date.UTC(2023, 0, 1 + day))); // a Sunday first
const hours = [new Date(Date.UTC(2023, 0, 1, 9)), new Date(Date.UTC(2023, 0, 1, 21))];

/** How .NET writes each part of what `Intl` prints. */
function patternOf(locale: string, options: Intl.DateTimeFormatOptions): string {
  const parts = new Intl.DateTimeFormat(locale, {
    timeZone: 'UTC',
    numberingSystem: 'latn',
    calendar: 'gregory',
    ...options,
  }).formatToParts(new Date(Date.UTC(2003, 1, 4, 5, 6, 7)));
  const isTwelve = parts.some(({ type }) => type === 'dayPeriod');
  return parts
    .map(({ type, value }) => {
      switch (type) {
        case 'day':
          return value.length === 2 ? 'dd' : 'd';
        case 'month':
          return /^\d/.test(value) ? (value.length === 2 ? 'MM' : 'M') : 'MMMM';
        case 'year':
          return 'yyyy';
        case 'weekday':
          return 'dddd';
        case 'hour':
          return (isTwelve ? 'h' : 'H').repeat(value.length);
        case 'minute':
          return 'mm';
        case 'second':
          return 'ss';
        case 'dayPeriod':
          return 'tt';
        default:
          return value.replaceAll('\u202f', ' ').replaceAll(/\p{L}+/gu, (letters) => `'${letters}'`);
      }
    })
    .join('');
}

const invariant: Partial<Culture['patterns']> = {
  d: 'MM/dd/yyyy',
  D: 'dddd, dd MMMM yyyy',
  t: 'HH:mm',
  T: 'HH:mm:ss',
  M: 'MMMM dd',
  Y: 'yyyy MMMM',
};
const cultures = new Map<string, Culture>();

/**
 * A culture by its name such as `de-DE`. An unknown one is the invariant culture, as in .NET.
 *
 * @throws TypeError for text that is no name of a culture
 */
export function cultureOf(name: string): Culture {
  const known = cultures.get(name.toLowerCase());
  if (known !== undefined) return known;
  const locale = supported(name);
  const pattern = (options: Intl.DateTimeFormatOptions) => patternOf(locale ?? 'en-US', options);
  const [morning = 'AM', evening = 'PM'] = names(locale, { hour: 'numeric', hour12: true }, hours, 'dayPeriod');
  const made: Culture = {
    months: names(locale, { month: 'long' }, months, 'month'),
    shortMonths: names(locale, { month: 'short' }, months, 'month'),
    weekdays: names(locale, { weekday: 'long' }, days, 'weekday'),
    shortWeekdays: names(locale, { weekday: 'short' }, days, 'weekday'),
    halves: [morning, evening],
    patterns: {
      d: pattern({ dateStyle: 'short' }),
      D: pattern({ dateStyle: 'full' }),
      t: pattern({ timeStyle: 'short' }),
      T: pattern({ timeStyle: 'medium' }),
      M: pattern({ month: 'long', day: 'numeric' }),
      Y: pattern({ month: 'long', year: 'numeric' }),
      ...(locale === undefined ? invariant : {}),
    },
  };
  cultures.set(name.toLowerCase(), made);
  return made;
}

function supported(name: string): string | undefined {
  try {
    return name === '' ? undefined : Intl.DateTimeFormat.supportedLocalesOf(name)[0];
  } catch {
    throw new TypeError(`'${name}' is no name of a culture: write it like en-US`);
  }
}
