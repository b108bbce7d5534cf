import { join, literal, sql, type Sql } from '#sql';

import { argumentOf, type Call, checkCount, type FunctionBinder, refuseCall } from './bind-call.ts';
import { bindError } from './bind-context.ts';
import { once } from './once.ts';
import { isNumeric, isTemporal } from './types.ts';

/** What a one-letter format of a date stands for under en-US. */
const dateShortcuts: Readonly<Record<string, string>> = {
  d: 'M/d/yyyy', D: 'dddd, MMMM d, yyyy', t: 'h:mm tt', T: 'h:mm:ss tt', f: 'dddd, MMMM d, yyyy h:mm tt', F: 'dddd, MMMM d, yyyy h:mm:ss tt', g: 'M/d/yyyy h:mm tt', G: 'M/d/yyyy h:mm:ss tt',
  s: "yyyy-MM-dd'T'HH:mm:ss", u: "yyyy-MM-dd HH:mm:ss'Z'", M: 'MMMM d', m: 'MMMM d', Y: 'MMMM yyyy', y: 'MMMM yyyy', o: "yyyy-MM-dd'T'HH:mm:ss.fffffff", O: "yyyy-MM-dd'T'HH:mm:ss.fffffff",
}; // prettier-ignore

/** Parts of a .NET date pattern in the engine's strftime. */
const dateTokens: Readonly<Record<string, string>> = {
  yyyy: '%Y', yy: '%y', MMMM: '%B', MMM: '%b', MM: '%m', M: '%-m', dddd: '%A', ddd: '%a', dd: '%d', d: '%-d', HH: '%H', H: '%-H', hh: '%I', h: '%-I', mm: '%M', m: '%-M', ss: '%S', s: '%-S', tt: '%p',
}; // prettier-ignore

/** FORMAT(value, pattern, culture): a pattern that is known before the statement runs, under en-US. */
export const FORMAT: FunctionBinder = (call) => {
  checkCount(call, 2, 3);
  const [value, pattern, culture] = [argumentOf(call, 0), argumentOf(call, 1), argumentOf(call, 2)];
  if (call.args.length > 2 && String(culture.constant).toLowerCase() !== 'en-us')
    throw refuseCall(call, `FORMAT with the culture ${String(culture.constant ?? 'of a column')} is not supported`);
  if (typeof pattern.constant !== 'string') throw refuseCall(call, 'a pattern of FORMAT that is not a constant is not supported');
  const isDate = isTemporal(value.type) && value.type.name !== 'time' && value.type.name !== 'datetimeoffset';
  if (value.isNull || !(isDate || (isNumeric(value.type) && value.type.name !== 'bit'))) {
    if (isTemporal(value.type)) throw refuseCall(call, `FORMAT of ${value.type.name} is not supported`);
    const name = value.isNull ? 'NULL' : value.type.name;
    throw bindError(call.frame.scope, 'SQL_TYPE', `FORMAT takes a number or a date, not ${name}`, call.node.span);
  }
  const text = isDate
    ? formatDate(call, sql`CAST(${value.sql} AS TIMESTAMP)`, pattern.constant)
    : once(value.sql, (number) => formatNumber(call, number, pattern.constant as string)); // a string, just checked
  return { sql: text, type: { name: 'nvarchar', length: 4000 }, nullable: true };
};

function refusePattern(call: Call, pattern: string): Error {
  return refuseCall(call, `FORMAT with the pattern '${pattern}' is not supported`);
}

function formatDate(call: Call, value: Sql, pattern: string): Sql {
  const whole = pattern.length === 1 ? dateShortcuts[pattern] : pattern.replace(/^%(?=.$)/, '');
  if (whole === undefined) throw refusePattern(call, pattern);
  const pieces: Sql[] = [];
  let format = '';
  const flush = () => {
    if (format !== '') pieces.push(sql`strftime(${value}, ${literal(format)})`);
    format = '';
  };
  for (const [token] of whole.matchAll(/'[^']*'|"[^"]*"|\\.|([a-zA-Z])\1*|[^a-zA-Z]/g)) {
    const known = dateTokens[token];
    if (known !== undefined) format += known;
    else if (/^f{1,7}$/.test(token)) {
      flush();
      pieces.push(sql`left(strftime(${value}, '%f') || '0', ${literal(token.length)})`);
    } else if (token === 't') {
      flush();
      pieces.push(sql`left(strftime(${value}, '%p'), 1)`);
    } else if (/^['"]/.test(token)) format += token.slice(1, -1).replaceAll('%', '%%');
    else if (token.startsWith('\\')) format += token.slice(1).replaceAll('%', '%%');
    else if (/^[a-zA-Z]/.test(token) && token !== 'T' && token !== 'Z') throw refusePattern(call, pattern);
    else format += token.replaceAll('%', '%%');
  }
  flush();
  return pieces.length === 0 ? sql`''` : sql`(${join(pieces, ' || ')})`;
}

/** The digits of a number rounded to places: `1234.50`, without its sign. */
function digitsOf(number: Sql, places: number): Sql {
  return sql`CAST(CAST(round(CAST(abs(${number}) AS DECIMAL(38, ${literal(Math.min(20, places + 6))})), ${literal(places)}) AS DECIMAL(38, ${literal(places)})) AS VARCHAR)`;
}

/** A sign where anything but zeros is left. */
function signOf(number: Sql, digits: Sql): Sql {
  return sql`CASE WHEN ${number} < 0 AND regexp_matches(${digits}, '[1-9]') THEN '-' ELSE '' END`;
}

function formatNumber(call: Call, number: Sql, pattern: string): Sql {
  const standard = /^(?<kind>[a-zA-Z])(?<places>\d{1,2})?$/.exec(pattern)?.groups;
  if (standard === undefined) return formatCustom(call, number, pattern);
  const { kind = '', places } = standard;
  const isWhole = ['int', 'bigint', 'smallint', 'tinyint'].includes(argumentOf(call, 0).type.name);
  const fixed = (value: Sql, count: number, group: boolean) => once(digitsOf(value, count), (digits) => sql`(${signOf(value, digits)} || ${group ? grouped(digits, count) : digits})`); // prettier-ignore
  switch (kind.toUpperCase()) {
    case 'N':
      return fixed(number, Number(places ?? 2), true);
    case 'F':
      return fixed(number, Number(places ?? 2), false);
    case 'C': {
      const count = Number(places ?? 2);
      return once(digitsOf(number, count), (digits) => sql`(${signOf(number, digits)} || '$' || ${grouped(digits, count)})`);
    }
    case 'P':
      return sql`(${fixed(sql`(${number} * 100)`, Number(places ?? 2), true)} || '%')`;
    case 'D':
      if (isWhole) return once(digitsOf(number, 0), (digits) => sql`(${signOf(number, digits)} || lpad(${digits}, greatest(length(${digits}), ${literal(Number(places ?? 1))})::INTEGER, '0'))`); // prettier-ignore
      throw refusePattern(call, pattern);
    case 'X': {
      if (!isWhole) throw refusePattern(call, pattern);
      const hex = kind === 'X' ? sql`to_hex(CAST(${number} AS BIGINT))` : sql`lower(to_hex(CAST(${number} AS BIGINT)))`;
      const bits = argumentOf(call, 0).type.name === 'bigint' ? 16 : 8;
      return once(hex, (text) => sql`lpad(right(${text}, ${literal(bits)}), greatest(length(right(${text}, ${literal(bits)})), ${literal(Number(places ?? 1))})::INTEGER, '0')`); // prettier-ignore
    }
    default:
      throw refusePattern(call, pattern);
  }
}

/** Thousands by commas in the digits before the point. */
function grouped(digits: Sql, places: number): Sql {
  const whole = sql`format('{:,}', CAST(split_part(${digits}, '.', 1) AS HUGEINT))`;
  return places === 0 ? whole : sql`(${whole} || '.' || split_part(${digits}, '.', 2))`;
}

/** A pattern of `0`, `#`, `,`, `.`, `%` and text around or between them. */
function formatCustom(call: Call, value: Sql, pattern: string): Sql {
  const tokens = [...pattern.matchAll(/'[^']*'|"[^"]*"|\\.|[\s\S]/g)].map(([token]) => token);
  if (tokens.some((token) => /^[;eE‰]$/.test(token)) || tokens.filter((token) => token === '.').length > 1)
    throw refusePattern(call, pattern);
  const point = tokens.indexOf('.');
  const whole = point < 0 ? tokens : tokens.slice(0, point);
  const fraction = point < 0 ? [] : tokens.slice(point + 1);
  const isPlace = (token: string) => token === '0' || token === '#';
  const hasGroups = whole.some(
    (token, index) => token === ',' && whole.slice(0, index).some(isPlace) && whole.slice(index + 1).some(isPlace),
  );
  // A comma right before the point divides by a thousand.
  if (!hasGroups && whole.includes(',')) throw refusePattern(call, pattern);
  // Text between grouped digits would have to find its place among the commas.
  const inner = whole.slice(whole.findIndex(isPlace), whole.findLastIndex(isPlace));
  if (hasGroups && inner.some((token) => !isPlace(token) && token !== ',')) throw refusePattern(call, pattern);
  const text = (token: string) => literal(/^['"]/.test(token) ? token.slice(1, -1) : token.startsWith('\\') ? token.slice(1) : token);
  const count = fraction.filter(isPlace).length;
  const number = tokens.includes('%') ? sql`(${value} * 100)` : value;
  const places = whole.filter(isPlace);
  const firstZero = places.indexOf('0');
  const least = firstZero < 0 ? 0 : places.length - firstZero;
  return once(digitsOf(number, count), (digits) => {
    const bare = sql`ltrim(split_part(${digits}, '.', 1), '0')`;
    const padded = sql`lpad(${bare}, greatest(length(${bare}), ${literal(least)})::INTEGER, '0')`;
    const pieces: Sql[] = [signOf(number, digits)];
    let seen = 0;
    for (const token of whole) {
      if (token === ',' && hasGroups) continue;
      if (!isPlace(token)) {
        pieces.push(text(token));
        continue;
      }
      seen += 1;
      if (hasGroups) {
        if (seen === 1) pieces.push(groupedText(padded));
        continue;
      }
      // The first place takes all digits that the others leave.
      const rest = places.length - seen;
      pieces.push(
        seen === 1
          ? sql`left(${padded}, greatest(length(${padded}) - ${literal(rest)}, 0)::INTEGER)`
          : sql`CASE WHEN length(${padded}) > ${literal(rest)} THEN substring(${padded}, length(${padded}) - ${literal(rest)}, 1) ELSE '' END`,
      );
    }
    if (point >= 0) pieces.push(...fractionPieces(fraction, digits, isPlace, text));
    return sql`(${join(pieces, ' || ')})`;
  });
}

/** The digits behind the point: those of `#` only as far as they are not zero. */
function fractionPieces(
  fraction: readonly string[],
  digits: Sql,
  isPlace: (token: string) => boolean,
  text: (token: string) => Sql,
): Sql[] {
  const count = fraction.filter(isPlace).length;
  const least = fraction.filter(isPlace).lastIndexOf('0') + 1;
  const all = sql`split_part(${digits}, '.', 2)`;
  const kept = sql`rpad(rtrim(${all}, '0'), greatest(length(rtrim(${all}, '0')), ${literal(least)})::INTEGER, '0')`;
  const after = fraction.filter((token) => !isPlace(token)).map(text);
  if (count === 0) return after;
  return [sql`CASE WHEN ${kept} = '' THEN '' ELSE '.' || ${kept} END`, ...after];
}

function groupedText(digits: Sql): Sql {
  // A zero in front of the digits would be lost in a number: whole groups of three, from the right.
  return sql`reverse(rtrim(regexp_replace(reverse(${digits}), '(\\d{3})', '\\1,', 'g'), ','))`;
}
