import { LakesteadError } from '#core';
import { ident, join, literal, sql, type Sql } from '#sql';
import type { SourceColumn } from '#connectors';

import { isObject, type Value, type ValueObject } from '../expression/index.ts';
import { refuseOthers } from './refuse-options.ts';

/** .NET's parts of a date and the engine's; text between them stands for itself. */
const dateParts: Readonly<Record<string, string>> = {
  yyyy: '%Y', yy: '%y', MMMM: '%B', MMM: '%b', MM: '%m', M: '%-m', dddd: '%A', ddd: '%a', dd: '%d', d: '%-d',
  HH: '%H', H: '%-H', hh: '%I', h: '%-I', mm: '%M', m: '%-M', ss: '%S', s: '%-S', fff: '%g', ffffff: '%f', fffffff: '%f0', tt: '%p',
}; // prettier-ignore

/**
 * A query whose values that the format has no form for are text, as Copy writes them: in delimited text `True` and dates of
 * seven digits after the second, in JSON dates of ISO 8601; bytes are base64 in both. `typeConversionSettings` may choose
 * others.
 *
 * @throws FACTORY_UNSUPPORTED for a setting that would be without effect
 */
export function printValues(
  query: Sql,
  columns: readonly Pick<SourceColumn, 'name' | 'lakeType'>[],
  format: 'DelimitedText' | 'Json',
  translator: Value | undefined,
): Sql {
  const given = isObject(translator) ? translator['typeConversionSettings'] : undefined;
  refuseOthers(
    given,
    { acts: ['treatBooleanAsNumber', 'dateTimeFormat', 'culture'], known: ['allowDataTruncation'] },
    'typeConversionSettings',
  );
  const settings = isObject(given) ? given : {};
  const culture = settings['culture'];
  if (typeof culture === 'string' && !/^(?:en-us|invariant|)$/i.test(culture))
    throw new LakesteadError('FACTORY_UNSUPPORTED', `the culture ${culture} of typeConversionSettings is not supported`, {
      hint: 'supported: en-us',
    });
  const printed = columns.map(({ name, lakeType }) => print(ident(name), lakeType, format, settings));
  if (printed.every((value) => value === undefined)) return query;
  const list = columns.map(({ name }, index) => (printed[index] === undefined ? ident(name) : sql`${printed[index]} AS ${ident(name)}`));
  return sql`SELECT ${join(list)} FROM (${query}) AS source`;
}

function print(column: Sql, type: string, format: 'DelimitedText' | 'Json', settings: ValueObject): Sql | undefined {
  if (type === 'BLOB') return sql`to_base64(${column})`;
  if (type === 'BOOLEAN') {
    if (settings['treatBooleanAsNumber'] === true) return sql`CAST(${column} AS TINYINT)`;
    return format === 'Json' ? undefined : sql`CASE WHEN ${column} THEN 'True' WHEN NOT ${column} THEN 'False' END`;
  }
  if (type !== 'TIMESTAMP' && type !== 'DATE') return undefined;
  const custom = settings['dateTimeFormat'];
  if (typeof custom === 'string' && custom !== '') return sql`strftime(${column}, ${literal(engineFormat(custom))})`;
  if (format === 'DelimitedText') return sql`strftime(${column}, '%Y-%m-%d %H:%M:%S.%f0')`;
  const whole = sql`strftime(${column}, '%Y-%m-%dT%H:%M:%S')`;
  if (type === 'DATE') return whole;
  return sql`(${whole} || rtrim(rtrim(strftime(${column}, '.%f'), '0'), '.'))`;
}

function engineFormat(format: string): string {
  return format.replaceAll(/'([^']*)'|([A-Za-z])\2*|%/g, (match, quoted: string | undefined) => {
    if (quoted !== undefined) return quoted.replaceAll('%', '%%');
    if (match === '%') return '%%';
    const part = dateParts[match] ?? (match === 'T' || match === 'Z' ? match : undefined);
    if (part !== undefined) return part;
    throw new LakesteadError('FACTORY_UNSUPPORTED', `the part "${match}" of dateTimeFormat "${format}" is not supported`, {
      hint: `supported: ${Object.keys(dateParts).join(', ')}`,
    });
  });
}
