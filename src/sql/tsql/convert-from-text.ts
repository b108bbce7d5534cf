import { literal, sql, type Sql, unsafeSql } from '#sql';

import { bindError } from './bind-context.ts';
import { roundTemporal, withOffset } from './convert-temporal.ts';
import type { Conversion } from './convert.ts';
import { raise } from './raise.ts';
import { engineType, formatType, isInteger, isNumeric, isTemporal } from './types.ts';

/** Text as another type. Blanks around it do not count. */
export function fromText(conversion: Conversion): Sql {
  const { context, value, to, span } = conversion;
  if (to.name === 'bit') return toBit(conversion);
  if (isInteger(to)) return toInteger(conversion);
  if (isNumeric(to)) return toNumber(conversion);
  if (to.name === 'uniqueidentifier') return toGuid(conversion);
  if (to.name === 'time') return toTime(conversion);
  if (to.name === 'datetimeoffset') return toOffset(conversion);
  if (isTemporal(to)) return toDate(conversion);
  throw bindError(context, 'SQL_TYPE', `${value.type.name} does not convert to ${formatType(to)}`, span);
}

/** The failure of a conversion, which TRY_CAST makes NULL. */
function failed({ options }: Conversion, number: number, ...message: readonly (string | Sql)[]): Sql {
  return options.isTry ? sql`NULL` : raise(number, ...message);
}

const quoted = ({ value }: Conversion) => [`the ${value.type.name} value '`, value.sql, "'"] as const;

function toBit(conversion: Conversion): Sql {
  const text = conversion.value.sql;
  const wrong = failed(conversion, 245, 'Conversion failed when converting ', ...quoted(conversion), ' to data type bit.');
  const word = sql`lower(trim(${text}))`;
  return sql`CASE WHEN ${word} = 'true' THEN true WHEN ${word} IN ('false', '') THEN false WHEN regexp_full_match(${word}, '[+-]?[0-9]+') THEN regexp_matches(${word}, '[1-9]') WHEN ${text} IS NULL THEN NULL ELSE ${wrong} END`;
}

/** What SQL Server calls an integer type whose column overflows. */
const columns: Readonly<Record<string, string>> = {
  tinyint: 'INT1 column. Use a larger integer column',
  smallint: 'INT2 column. Use a larger integer column',
  int: 'int column',
};

function toInteger(conversion: Conversion): Sql {
  const { value, to } = conversion;
  const trimmed = sql`trim(${value.sql})`;
  const target = unsafeSql(engineType(to));
  const isBig = to.name === 'bigint';
  const wrong = isBig
    ? failed(conversion, 8114, `Error converting data type ${value.type.name} to bigint.`)
    : failed(conversion, 245, 'Conversion failed when converting ', ...quoted(conversion), ` to data type ${to.name}.`);
  const tooLarge = isBig
    ? failed(conversion, 8115, 'Arithmetic overflow error converting expression to data type bigint.')
    : failed(conversion, to.name === 'int' ? 248 : 244, 'The conversion of ', ...quoted(conversion), ` overflowed an ${columns[to.name] ?? to.name}.`); // prettier-ignore
  const parsed = sql`CASE WHEN regexp_full_match(${trimmed}, '[+-]?[0-9]+') THEN TRY_CAST(${trimmed} AS ${target}) WHEN ${trimmed} = '' THEN 0 END`;
  const problem = sql`CASE WHEN ${value.sql} IS NULL THEN NULL WHEN regexp_full_match(${trimmed}, '[+-]?[0-9]+') THEN ${tooLarge} ELSE ${wrong} END`;
  return conversion.options.isTry ? sql`CAST(${parsed} AS ${target})` : sql`CAST(coalesce(${parsed}, ${problem}) AS ${target})`;
}

function toNumber(conversion: Conversion): Sql {
  const { value, to, options } = conversion;
  const trimmed = sql`trim(${value.sql})`;
  const target = unsafeSql(engineType(to));
  const isMoney = to.name === 'money' || to.name === 'smallmoney';
  const label = to.name === 'decimal' ? 'numeric' : to.name;
  const digits = '([0-9]+\\.?[0-9]*|\\.[0-9]+)';
  // Text with an exponent is a float and no decimal; an empty text is a zero of money and float.
  const pattern = isMoney ? '[+-]?[$£€]?[+-]?([0-9,]+\\.?[0-9]*|\\.[0-9]+)?' : to.name === 'decimal' ? `[+-]?${digits}` : `([+-]?${digits}([eE][+-]?[0-9]+)?)?`; // prettier-ignore
  const bare = isMoney ? sql`regexp_replace(${trimmed}, '[$£€,]', '', 'g')` : trimmed;
  const number = to.name === 'decimal' ? bare : sql`CASE WHEN ${bare} = '' THEN '0' ELSE ${bare} END`;
  const matches = sql`regexp_full_match(${trimmed}, ${literal(pattern)})`;
  const wrong = isMoney
    ? failed(conversion, 235, 'Cannot convert a char value to money. The char value has incorrect syntax.')
    : failed(conversion, 8114, `Error converting data type ${value.type.name} to ${label}.`);
  const tooLarge = failed(conversion, 8115, `Arithmetic overflow error converting ${value.type.name} to data type ${label}.`);
  const parsed = sql`CASE WHEN ${matches} THEN TRY_CAST(${number} AS ${target}) END`;
  if (options.isTry) return parsed;
  return sql`coalesce(${parsed}, CASE WHEN ${value.sql} IS NULL THEN NULL WHEN ${matches} THEN ${tooLarge} ELSE ${wrong} END)`;
}

function toGuid(conversion: Conversion): Sql {
  const { value } = conversion;
  const bare = sql`trim(${value.sql}, '{} ')`;
  const wrong = failed(conversion, 8169, 'Conversion failed when converting from a character string to uniqueidentifier.');
  return sql`CASE WHEN ${value.sql} IS NULL THEN NULL WHEN TRY_CAST(${bare} AS UUID) IS NULL THEN ${wrong} ELSE upper(CAST(TRY_CAST(${bare} AS UUID) AS VARCHAR)) END`;
}

const wrongDate = (conversion: Conversion) =>
  failed(conversion, 241, 'Conversion failed when converting date and/or time from character string.');

const times = ['', ' %H:%M:%S', ' %H:%M', ' %H:%M:%S.%f', ' %H:%M:%S:%g', ' %I:%M%p', ' %I:%M %p', ' %I:%M:%S%p', ' %I:%M:%S %p', ' %I:%M:%S:%g%p', 'T%H:%M:%S', 'T%H:%M:%S.%f']; // prettier-ignore
const withTimes = (dates: readonly string[]) => dates.flatMap((date) => times.map((time) => `${date}${time}`));
/** What SQL Server reads as a date under us_english, after ISO 8601. Years of two digits come first: `%Y` would take them as they are. */
const dateFormats = withTimes([
  '%Y%m%d', '%m/%d/%y', '%m-%d-%y', '%m.%d.%y', '%m/%d/%Y', '%m-%d-%Y', '%m.%d.%Y', '%b %d %Y', '%b %d, %Y', '%d %b %Y', '%B %d, %Y', '%B %d %Y', '%d %B %Y', '%d-%b-%Y', '%d-%b-%y', '%Y/%m/%d', '%Y.%m.%d', '%y%m%d',
]); // prettier-ignore
const styleFormats: Readonly<Record<number, string>> = {
  1: '%m/%d/%y', 2: '%y.%m.%d', 3: '%d/%m/%y', 4: '%d.%m.%y', 5: '%d-%m-%y', 6: '%d %b %y', 7: '%b %d, %y', 10: '%m-%d-%y', 11: '%y/%m/%d', 12: '%y%m%d',
  101: '%m/%d/%Y', 102: '%Y.%m.%d', 103: '%d/%m/%Y', 104: '%d.%m.%Y', 105: '%d-%m-%Y', 106: '%d %b %Y', 107: '%b %d, %Y', 110: '%m-%d-%Y', 111: '%Y/%m/%d',
}; // prettier-ignore
const generalStyles = new Set([0, 8, 9, 13, 14, 20, 21, 22, 23, 24, 25, 100, 108, 109, 112, 113, 114, 120, 121, 126, 127]);

/** Years of two digits are of 1950 to 2049. */
function parseFormats(text: Sql, formats: readonly string[]): Sql {
  const [short, long] = [formats.filter((one) => one.includes('%y')), formats.filter((one) => !one.includes('%y'))];
  const full = sql`try_strptime(${text}, ${literal(long)})`;
  if (short.length === 0) return full;
  const stamp = sql`try_strptime(${text}, ${literal(short)})`;
  const inCentury = sql`CASE WHEN year(${stamp}) BETWEEN 2050 AND 2099 THEN ${stamp} - INTERVAL 100 YEARS ELSE ${stamp} END`;
  return long.length === 0 ? inCentury : sql`coalesce(${inCentury}, ${full})`;
}

/** Text as a TIMESTAMP; NULL where it is none. */
function stampOf({ context, to, span, options }: Conversion, text: Sql): Sql {
  const trimmed = sql`regexp_replace(trim(${text}), ' +', ' ', 'g')`;
  const { style } = options;
  const format = style === undefined ? undefined : styleFormats[style];
  if (format !== undefined) return parseFormats(trimmed, withTimes([format]));
  if (style !== undefined && !generalStyles.has(style))
    throw bindError(context, 'SQL_NOT_SUPPORTED', `style ${style} of dates is not supported`, span);
  // Digits beyond microseconds and a closing Z are not the engine's; datetime knows no other offsets.
  const zone = to.name === 'datetime' || to.name === 'smalldatetime' ? 'Z$' : '(Z| ?[+-]\\d{2}:\\d{2})$';
  const iso = sql`regexp_replace(regexp_replace(trim(${text}), ${literal(zone)}, ''), '(\\.\\d{6})\\d+', '\\1')`;
  const isIso = sql`regexp_matches(${iso}, '^\\d{4}-\\d{1,2}-\\d{1,2}([T ]\\d{1,2}:\\d{2}(:\\d{2}(\\.\\d+)?)?)?$')`;
  const timeOnly = sql`CASE WHEN ${trimmed} = '' THEN TIMESTAMP '1900-01-01' WHEN regexp_matches(${trimmed}, '^\\d{1,2}:\\d{2}(:\\d{2}(\\.\\d+)?)?$') THEN TRY_CAST('1900-01-01 ' || ${trimmed} || CASE WHEN length(${trimmed}) <= 5 THEN ':00' ELSE '' END AS TIMESTAMP) END`;
  return sql`coalesce(CASE WHEN ${isIso} THEN TRY_CAST(${iso} AS TIMESTAMP) END, ${parseFormats(trimmed, dateFormats)}, ${timeOnly})`;
}

function toDate(conversion: Conversion): Sql {
  const { value, to } = conversion;
  const text = value.sql;
  const stamp = stampOf(conversion, text);
  const isClassic = to.name === 'datetime' || to.name === 'smalldatetime';
  const rounded = roundTemporal(sql`s`, to);
  const outOfRange = failed(conversion, 242, `The conversion of a ${value.type.name} data type to a ${to.name} data type resulted in an out-of-range value.`); // prettier-ignore
  // Digits in the order of a date that are none, such as February 30, are out of range to the older types.
  const looksLikeDate = sql`regexp_matches(${text}, '^ *\\d{1,4}[-/.]\\d{1,2}[-/.]\\d{1,4}')`;
  const wrong = isClassic ? sql`CASE WHEN ${looksLikeDate} THEN ${outOfRange} ELSE ${wrongDate(conversion)} END` : wrongDate(conversion);
  const first = to.name === 'datetime' ? "TIMESTAMP '1753-01-01'" : "TIMESTAMP '1900-01-01'";
  const low = isClassic ? sql` WHEN s < ${unsafeSql(first)} THEN ${outOfRange}` : sql``;
  return sql`list_transform([${stamp}], lambda s: CASE WHEN ${text} IS NULL THEN NULL WHEN s IS NULL THEN ${wrong}${low} ELSE ${rounded} END)[1]`;
}

function toTime(conversion: Conversion): Sql {
  const { value, to } = conversion;
  const trimmed = sql`trim(${value.sql})`;
  const clock = sql`try_strptime('1900-01-01 ' || ${trimmed}, ['%Y-%m-%d %I:%M%p', '%Y-%m-%d %I:%M %p', '%Y-%m-%d %I:%M:%S %p', '%Y-%m-%d %I:%M:%S%p', '%Y-%m-%d %H:%M'])`;
  const stamp = sql`coalesce(CASE WHEN regexp_matches(${trimmed}, '^\\d{1,2}:\\d{2}:\\d{2}(\\.\\d+)?$') THEN TRY_CAST('1900-01-01 ' || left(${trimmed}, 15) AS TIMESTAMP) END, ${clock}, ${stampOf(conversion, value.sql)})`;
  return sql`list_transform([${stamp}], lambda s: CASE WHEN ${value.sql} IS NULL THEN NULL WHEN s IS NULL THEN ${wrongDate(conversion)} ELSE ${roundTemporal(sql`s`, to)} END)[1]`;
}

function toOffset(conversion: Conversion): Sql {
  const { value, to } = conversion;
  const trimmed = sql`trim(${value.sql})`;
  const offset = sql`CASE WHEN regexp_matches(${trimmed}, '[+-]\\d{1,2}:\\d{2}$') THEN regexp_replace(right(${trimmed}, 6), '^.?([+-])(\\d):', '\\10\\2:') ELSE '+00:00' END`;
  const local = withOffset(sql`s`, offset, to.scale ?? 7);
  return sql`list_transform([${stampOf(conversion, value.sql)}], lambda s: CASE WHEN ${value.sql} IS NULL THEN NULL WHEN s IS NULL THEN ${wrongDate(conversion)} ELSE ${local} END)[1]`;
}
