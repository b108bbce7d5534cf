import { literal, sql, type Sql } from '#sql';

import { bindError } from './bind-context.ts';
import { binaryToText } from './convert-binary.ts';
import { asTimestamp, fractionText } from './convert-temporal.ts';
import type { Conversion } from './convert.ts';
import { once } from './once.ts';
import { raise } from './raise.ts';
import { decimalShape, isBinary, isInteger, isNumeric, isText, type SqlServerType } from './types.ts';

/** A value as text of a length: dates and text are cut, a number that has no room is `*` or an error. */
export function toSizedText(conversion: Conversion): Sql {
  const { value, to } = conversion;
  const text = toText(conversion);
  if (typeof to.length !== 'number') return text;
  const length = literal(to.length);
  const isFixed = to.name === 'nchar' || to.name === 'char';
  const size = (piece: Sql) => (isFixed ? sql`rpad(${piece}, ${length}, ' ')` : piece);
  const longest = isNumeric(value.type) ? printedLength(value.type) : undefined;
  if (longest !== undefined && longest <= to.length) return size(text);
  if (longest === undefined) {
    const fits = isText(value.type) && typeof value.type.length === 'number' && value.type.length <= to.length;
    return isFixed || fits ? size(text) : sql`left(${text}, ${length})`;
  }
  const tooLong = conversion.options.isTry ? sql`NULL` : noRoom(value.type, to);
  return size(once(text, (piece) => sql`CASE WHEN length(${piece}) > ${length} THEN ${tooLong} ELSE ${piece} END`));
}

/** The most characters that a number of a type prints as. */
function printedLength(type: SqlServerType): number {
  const integers: Readonly<Record<string, number>> = { bit: 1, tinyint: 3, smallint: 6, int: 11, bigint: 20, float: 24, real: 24 };
  return integers[type.name] ?? decimalShape(type).precision + 2;
}

function noRoom(from: SqlServerType, to: SqlServerType): Sql {
  if (isInteger(from)) return to.name.startsWith('n') ? raise(8115, `Arithmetic overflow error converting expression to data type ${to.name}.`) : sql`'*'`; // prettier-ignore
  if (from.name === 'money' || from.name === 'smallmoney')
    return raise(234, `There is insufficient result space to convert a money value to ${to.name}.`);
  return raise(8115, `Arithmetic overflow error converting ${from.name === 'decimal' ? 'numeric' : from.name} to data type ${to.name}.`);
}

function toText(conversion: Conversion): Sql {
  const { value, options } = conversion;
  const { type: from, sql: piece } = value;
  const { style } = options;
  if (isText(from)) return piece;
  if (isBinary(from)) return binaryToText(conversion);
  switch (from.name) {
    case 'bit':
      return sql`CASE WHEN ${piece} THEN '1' WHEN NOT ${piece} THEN '0' END`;
    case 'money':
    case 'smallmoney': {
      if (style === 2) return sql`CAST(${piece} AS VARCHAR)`;
      const cents = sql`CAST(CAST(round(${piece}, 2) AS DECIMAL(38,2)) AS VARCHAR)`;
      if (style !== 1) return cents;
      const groups = sql`format('{:,}', CAST(trunc(abs(round(${piece}, 2))) AS HUGEINT))`;
      return sql`(CASE WHEN round(${piece}, 2) < 0 THEN '-' ELSE '' END || ${groups} || right(${cents}, 3))`;
    }
    case 'float':
    case 'real': {
      const format = style === 1 ? '{:.7e}' : style === 2 ? '{:.15e}' : style === 3 ? '{:.16e}' : '{:g}';
      // C prints exponents of two digits, SQL Server of three.
      return sql`regexp_replace(format(${literal(format)}, CAST(${piece} AS DOUBLE)), 'e([+-])(\\d\\d)$', 'e\\10\\2')`;
    }
    case 'decimal':
      // The engine prints a decimal of nothing but digits behind the point without a zero in front of it.
      return from.precision === from.scale && from.scale !== 38
        ? sql`CAST(CAST(${piece} AS DECIMAL(${literal((from.precision ?? 18) + 1)}, ${literal(from.scale ?? 0)})) AS VARCHAR)`
        : sql`CAST(${piece} AS VARCHAR)`;
    case 'date':
    case 'datetime':
    case 'smalldatetime':
    case 'datetime2':
    case 'time':
    case 'datetimeoffset':
      return temporalToText(conversion);
    default:
      return sql`CAST(${piece} AS VARCHAR)`;
  }
}

/** Styles whose text is of the date only. */
const dateStyles: Readonly<Record<number, string>> = {
  1: '%m/%d/%y', 2: '%y.%m.%d', 3: '%d/%m/%y', 4: '%d.%m.%y', 5: '%d-%m-%y', 6: '%d %b %y', 7: '%b %d, %y', 10: '%m-%d-%y', 11: '%y/%m/%d', 12: '%y%m%d', 23: '%Y-%m-%d',
  101: '%m/%d/%Y', 102: '%Y.%m.%d', 103: '%d/%m/%Y', 104: '%d.%m.%Y', 105: '%d-%m-%Y', 106: '%d %b %Y', 107: '%b %d, %Y', 110: '%m-%d-%Y', 111: '%Y/%m/%d', 112: '%Y%m%d',
}; // prettier-ignore

function temporalToText({ context, value, options, span }: Conversion): Sql {
  const { type: from, sql: piece } = value;
  const isClassic = from.name === 'datetime' || from.name === 'smalldatetime';
  if (from.name === 'datetimeoffset' && options.style === undefined) return piece;
  if (from.name === 'time' && options.style === undefined && (from.scale ?? 7) === 7) return piece;
  const style = options.style ?? (isClassic ? 0 : 121);
  const stamp = asTimestamp(piece, from);
  const print = (format: string) => sql`strftime(${stamp}, ${literal(format)})`;
  const digits = from.name === 'datetime' ? 3 : isClassic ? 0 : (from.scale ?? 7);
  const refused = bindError(context, 'SQL_NOT_SUPPORTED', `style ${style} of ${isClassic ? 'dates' : from.name} is not supported`, span);
  const dateOnly = dateStyles[style];
  if (dateOnly !== undefined) {
    if (from.name === 'time') throw refused;
    return print(dateOnly);
  }
  const day = sql`(${print('%b ')} || lpad(CAST(day(${stamp}) AS VARCHAR), 2, ' ') || ${print(' %Y')})`;
  const hour12 = (format: string) => sql`lpad(ltrim(${print(format)}, '0'), ${literal(format.length)}, ' ')`;
  // Classic types have a colon before milliseconds in these styles.
  const fraction = (classic: string) =>
    isClassic ? sql`(${literal(classic)} || lpad(CAST(millisecond(${stamp}) % 1000 AS VARCHAR), 3, '0'))` : fractionText(stamp, digits);
  const parts = (date: Sql | undefined, between: string, time: Sql): Sql => {
    if (from.name === 'time' || date === undefined) {
      if (from.name === 'date') throw refused;
      return time;
    }
    return from.name === 'date' ? date : sql`(${date} || ${literal(between)} || ${time})`;
  };
  const zone = (separator: string) => (from.name === 'datetimeoffset' ? sql` || ${literal(separator)} || right(${piece}, 6)` : sql``);
  switch (style) {
    case 0:
    case 100:
      if (from.name === 'time') return sql`ltrim(${print('%I:%M%p')}, '0')`;
      return sql`(${parts(day, ' ', hour12('%I:%M%p'))}${zone(' ')})`;
    case 9:
    case 109:
      if (from.name === 'time' || from.name === 'datetimeoffset') throw refused;
      return parts(day, ' ', sql`(lpad(ltrim(${print('%I:%M:%S')}, '0'), 8, ' ') || ${fraction(':')} || ${print('%p')})`);
    case 13:
    case 113:
      return sql`(${parts(print('%d %b %Y'), ' ', sql`(${print('%H:%M:%S')} || ${fraction(':')})`)}${zone(' ')})`;
    case 8:
    case 24:
    case 108:
      return parts(undefined, '', print('%H:%M:%S'));
    case 14:
    case 114:
      return sql`(${parts(undefined, '', sql`(${print('%H:%M:%S')} || ${fraction(':')})`)}${zone(' ')})`;
    case 22:
      return parts(print('%m/%d/%y'), ' ', sql`(lpad(ltrim(${print('%I:%M:%S')}, '0'), 8, ' ') || ${print(' %p')})`);
    case 20:
    case 120:
      return sql`(${parts(print('%Y-%m-%d'), ' ', print('%H:%M:%S'))}${zone(' ')})`;
    case 21:
    case 25:
    case 121:
      return sql`(${parts(print('%Y-%m-%d'), ' ', sql`(${print('%H:%M:%S')} || ${fraction('.')})`)}${zone(' ')})`;
    case 126:
    case 127: {
      if (style === 127 && from.name === 'datetimeoffset') {
        const utc = sql`timezone('UTC', CAST(${piece} AS TIMESTAMPTZ))`;
        return sql`(strftime(${utc}, '%Y-%m-%dT%H:%M:%S') || ${fractionText(utc, digits)} || 'Z')`;
      }
      const shown = isClassic ? sql`CASE WHEN millisecond(${stamp}) % 1000 = 0 THEN '' ELSE ${fraction('.')} END` : fraction('.');
      return sql`(${parts(print('%Y-%m-%d'), 'T', sql`(${print('%H:%M:%S')} || ${shown})`)}${zone('')})`;
    }
    default:
      throw refused;
  }
}
