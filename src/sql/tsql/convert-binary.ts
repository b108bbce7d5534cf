import { literal, sql, type Sql, unsafeSql } from '#sql';

import { bindError } from './bind-context.ts';
import type { Conversion } from './convert.ts';
import { once } from './once.ts';
import { raise } from './raise.ts';
import { engineType, formatType, isBinary, isInteger, isText, type SqlServerType } from './types.ts';

const byteCounts: Readonly<Record<string, number>> = { bigint: 8, int: 4, smallint: 2, tinyint: 1, bit: 1 };

/** A value as bytes: text in its encoding, integers with the highest byte first. */
export function toBinary(conversion: Conversion): Sql {
  const { value, to, context, span, options } = conversion;
  const { type: from, sql: piece } = value;
  if (isBinary(from)) return sized(piece, to);
  if (isText(from)) {
    const { style = 0 } = options;
    if (style === 0)
      return sized(
        once(piece, (text) => (isWide(from) ? encodeUtf16(text) : encodeLatin(text))),
        to,
      );
    if (style !== 1 && style !== 2)
      throw bindError(context, 'SQL_NOT_SUPPORTED', `style ${style} of text to ${to.name} is not supported`, span);
    return sized(
      once(piece, (text) => parseHex(conversion, text, style)),
      to,
    );
  }
  const bytes = isInteger(from) ? byteCounts[from.name] : undefined;
  if (bytes === undefined) throw bindError(context, 'SQL_NOT_SUPPORTED', `${formatType(from)} to ${formatType(to)} is not supported`, span);
  const count = to.name === 'binary' ? Number(to.length) : Math.min(bytes, to.length === 'max' ? bytes : (to.length ?? bytes));
  const number = sql`CAST(${from.name === 'bit' ? sql`CAST(${piece} AS TINYINT)` : piece} AS BIGINT)`;
  const hex = once(number, (one) => sql`lpad(to_hex(${one}), 16, CASE WHEN ${one} < 0 THEN 'F' ELSE '0' END)`);
  return sql`unhex(lpad(right(${hex}, ${literal(count * 2)}), ${literal(count * 2)}, '0'))`;
}

/** `0x4E61` by style 1, `4E61` by style 2. */
function parseHex({ value, options }: Conversion, text: Sql, style: number): Sql {
  const pattern = style === 1 ? '0[xX]([0-9a-fA-F]{2})*' : '([0-9a-fA-F]{2})*';
  const digits = style === 1 ? sql`substring(${text}, 3)` : text;
  const failed = options.isTry ? sql`NULL` : raise(8114, `Error converting data type ${value.type.name} to varbinary.`);
  return sql`CASE WHEN ${text} IS NULL THEN NULL WHEN regexp_full_match(${text}, ${literal(pattern)}) THEN unhex(${digits}) ELSE ${failed} END`;
}

/** binary(n) is filled with zeros, and both are cut. */
function sized(bytes: Sql, to: SqlServerType): Sql {
  if (typeof to.length !== 'number') return bytes;
  if (to.name !== 'binary') return sql`array_slice(${bytes}, 1, ${literal(to.length)})`;
  const digits = literal(to.length * 2);
  return sql`unhex(rpad(left(hex(${bytes}), ${digits}), ${digits}, '0'))`;
}

const isWide = (type: SqlServerType) => type.name.startsWith('n') || type.name === 'xml';

/** The bytes of varchar: one a character. Characters that Latin-1 does not have are refused when they are met. */
function encodeLatin(text: Sql): Sql {
  const refused = literal('varchar to varbinary of a character outside Latin-1 is not supported');
  const byte = sql`CASE WHEN unicode(c) < 128 OR unicode(c) BETWEEN 160 AND 255 THEN lpad(to_hex(unicode(c)), 2, '0') ELSE error(${refused}) END`;
  const bytes = sql`unhex(array_to_string(list_transform(string_split(${text}, ''), lambda c: ${byte}), ''))`;
  // Mostly there is nothing but ASCII, which is the same in UTF-8.
  return sql`CASE WHEN strlen(${text}) = length(${text}) THEN encode(${text}) ELSE ${bytes} END`;
}

/** The bytes of nvarchar: UTF-16, low byte first. */
function encodeUtf16(text: Sql): Sql {
  const unit = (code: Sql) => sql`printf('%02X%02X', ${code} & 255, ${code} >> 8)`;
  const code = sql`unicode(c)`;
  const pair = sql`${unit(sql`(55296 + ((${code} - 65536) >> 10))`)} || ${unit(sql`(56320 + ((${code} - 65536) & 1023))`)}`;
  const bytes = sql`list_transform(string_split(${text}, ''), lambda c: CASE WHEN ${code} < 65536 THEN ${unit(code)} ELSE ${pair} END)`;
  return sql`CASE WHEN ${text} = '' THEN ''::BLOB ELSE unhex(array_to_string(${bytes}, '')) END`;
}

/** Bytes as text: hexadecimal digits by styles 1 and 2, else the characters that they encode. */
export function binaryToText({ value, to, context, span, options }: Conversion): Sql {
  const { style = 0 } = options;
  if (style === 1) return sql`('0x' || hex(${value.sql}))`;
  if (style === 2) return sql`hex(${value.sql})`;
  if (style !== 0) throw bindError(context, 'SQL_NOT_SUPPORTED', `style ${style} of ${value.type.name} to text is not supported`, span);
  const width = isWide(to) ? 4 : 2;
  const at = (offset: number) => sql`substring(h, i * ${literal(width)} + ${literal(offset)}, 2)`;
  const code = isWide(to) ? sql`('0x' || ${at(3)} || ${at(1)})` : sql`('0x' || ${at(1)})`;
  const characters = sql`list_transform(range(length(h) // ${literal(width)}), lambda i: chr(CAST(${code} AS INTEGER)))`;
  return sql`list_transform([hex(${value.sql})], lambda h: CASE WHEN h = '' THEN '' ELSE array_to_string(${characters}, '') END)[1]`;
}

/** The last bytes as an integer of that size. */
export function binaryToNumber(bytes: Sql, to: SqlServerType): Sql {
  const count = byteCounts[to.name] ?? 4;
  const raw = sql`CAST(CAST(('0x0' || right(hex(${bytes}), ${literal(count * 2)})) AS UBIGINT) AS HUGEINT)`;
  const span = unsafeSql((2n ** BigInt(count * 8)).toString());
  const half = unsafeSql((2n ** BigInt(count * 8 - 1)).toString());
  const signed = to.name === 'tinyint' ? raw : once(raw, (number) => sql`CASE WHEN ${number} >= ${half} THEN ${number} - ${span} ELSE ${number} END`); // prettier-ignore
  return sql`CAST(${signed} AS ${unsafeSql(engineType(to))})`;
}
