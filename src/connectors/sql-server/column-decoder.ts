import { DuckDBBlobValue, DuckDBDateValue, DuckDBDecimalValue, DuckDBTimestampValue } from '@duckdb/node-api';
import iconv from 'iconv-lite';
import type { ColumnMetadata } from 'tedious/lib/token/colmetadata-token-parser.js';

import { LakesteadError } from '#core';
import type { SqlValue } from '#sql';
import { formatType, lakeType, makeType, type SqlServerType } from '#tsql';

import type { SourceColumn } from '../connector.ts';
import { hierarchyIdText } from './hierarchy-id.ts';
import type { WireCursor } from './wire-cursor.ts';

/**
 * How one column of an answer is read (MS-TDS 2.2.5.4 and 2.2.5.5). `read` takes the value at the cursor and moves it on,
 * and throws the driver's NotEnoughDataError when the value has not arrived whole. A column in parts (`max` types, xml)
 * has `decode` for its joined bytes instead.
 */
export type ColumnDecoder = { readonly column: SourceColumn } & (
  | { readonly inParts: false; readonly read: (cursor: WireCursor) => SqlValue }
  | { readonly inParts: true; readonly decode: (bytes: Buffer) => SqlValue }
);

/** @throws SQL_TYPE for sql_variant and CLR types other than hierarchyid, which have no type in the lake */
export function columnDecoder(metadata: ColumnMetadata): ColumnDecoder {
  const type = typeOf(metadata);
  const column: SourceColumn = {
    name: metadata.colName,
    sourceType: formatType(type),
    lakeType: lakeType(type),
    nullable: (metadata.flags & 1) === 1,
  };
  const decode = bytesDecoder(metadata, type);
  if (isInParts(metadata)) return { column, inParts: true, decode };
  return { column, inParts: false, read: valueReader(metadata, type, decode) };
}

const fixed: Readonly<Record<string, string>> = {
  TinyInt: 'tinyint', SmallInt: 'smallint', Int: 'int', BigInt: 'bigint', Bit: 'bit', BitN: 'bit', Real: 'real', Float: 'float', Money: 'money',
  SmallMoney: 'smallmoney', DateTime: 'datetime', SmallDateTime: 'smalldatetime', Date: 'date', UniqueIdentifier: 'uniqueidentifier', Xml: 'xml',
  Text: 'text', NText: 'ntext', Image: 'image', 'IntN:1': 'tinyint', 'IntN:2': 'smallint', 'IntN:4': 'int', 'IntN:8': 'bigint', 'FloatN:4': 'real',
  'FloatN:8': 'float', 'MoneyN:4': 'smallmoney', 'MoneyN:8': 'money', 'DateTimeN:4': 'smalldatetime', 'DateTimeN:8': 'datetime',
}; // prettier-ignore

/** The user type that SQL Server gives a `rowversion`, which is sent as a binary(8). */
const rowversionUserType = 80;

function typeOf(metadata: ColumnMetadata): SqlServerType {
  const { type, dataLength, precision, scale, udtInfo } = metadata;
  const simple = fixed[type.name] ?? fixed[`${type.name}:${dataLength}`];
  if (simple !== undefined) return makeType(simple, []);
  // An empty literal is of length 0 on the wire, which no declared type has.
  const length = isInParts(metadata) ? ('max' as const) : Math.max(dataLength ?? 1, 1);
  const national = length === 'max' ? length : Math.max(length / 2, 1);
  switch (type.name) {
    case 'NumericN':
    case 'DecimalN':
      return makeType('decimal', [precision ?? 18, scale ?? 0]);
    case 'Time':
    case 'DateTime2':
    case 'DateTimeOffset':
      return makeType(type.name, [scale ?? 7]);
    case 'NVarChar':
    case 'NChar':
      return makeType(type.name, [national]);
    case 'VarChar':
    case 'Char':
    case 'VarBinary':
      return makeType(type.name, [length]);
    case 'Binary':
      return metadata.userType === rowversionUserType ? makeType('rowversion', []) : makeType('binary', [length]);
    case 'UDT':
      if (udtInfo?.typeName.toLowerCase() === 'hierarchyid') return makeType('hierarchyid', []);
      break;
    default:
  }
  const name = type.name === 'Variant' ? 'sql_variant' : (udtInfo?.typeName ?? type.name);
  throw new LakesteadError('SQL_TYPE', `the column ${metadata.colName} is of type ${name}, which the lake does not have`, {
    hint: `leave it out, or cast it in the query: CAST([${metadata.colName}] AS nvarchar(4000))`,
  });
}

/** The `max` types, xml and CLR types come as a length and a run of parts. */
function isInParts({ type, dataLength }: ColumnMetadata): boolean {
  return type.name === 'Xml' || type.name === 'UDT' || (dataLength === 0xffff && /^N?VarChar$|^VarBinary$/.test(type.name));
}

function bytesDecoder(metadata: ColumnMetadata, type: SqlServerType): (bytes: Buffer) => SqlValue {
  switch (type.name) {
    case 'nvarchar':
    case 'nchar':
    case 'ntext':
    case 'xml':
      return (bytes) => bytes.toString('utf16le');
    case 'varchar':
    case 'char':
    case 'text':
      return codePageDecoder(metadata);
    case 'hierarchyid':
      return hierarchyIdText;
    default:
      return (bytes) => new DuckDBBlobValue(Uint8Array.from(bytes));
  }
}

function codePageDecoder({ colName, collation }: ColumnMetadata): (bytes: Buffer) => string {
  const codePage = collation?.codepage;
  if (codePage === 'utf-8') return (bytes) => bytes.toString('utf8');
  return (bytes) => {
    // The same in every code page: most text is.
    if (bytes.every((byte) => byte < 0x80)) return bytes.toString('latin1');
    if (codePage !== undefined) return iconv.decode(bytes, codePage);
    throw new LakesteadError('SQL_TYPE', `the column ${colName} has a collation (LCID ${collation?.lcid}) whose code page is not known`, {
      hint: `cast it in the query: CAST([${colName}] AS nvarchar(max))`,
    });
  };
}

/** How a value that comes in one piece is read: first what says its length, where there is one, then its bytes. */
function valueReader(metadata: ColumnMetadata, type: SqlServerType, decode: (bytes: Buffer) => SqlValue): (cursor: WireCursor) => SqlValue {
  switch (metadata.type.name) {
    case 'NVarChar':
    case 'NChar':
    case 'VarChar':
    case 'Char':
    case 'VarBinary':
    case 'Binary':
      return (cursor) => {
        const length = cursor.uint16();
        return length === 0xffff ? null : decode(cursor.bytes(length));
      };
    case 'Text':
    case 'NText':
    case 'Image':
      return (cursor) => {
        const pointer = cursor.uint8();
        if (pointer === 0) return null;
        cursor.bytes(pointer + 8); // a pointer to the text, and a timestamp: neither is of use here
        return decode(cursor.bytes(cursor.uint32()));
      };
    case 'TinyInt':
    case 'SmallInt':
    case 'Int':
    case 'BigInt':
    case 'Bit':
    case 'Real':
    case 'Float':
    case 'Money':
    case 'SmallMoney':
    case 'DateTime':
    case 'SmallDateTime': {
      const read = scalarReader(type);
      const bytes = fixedLengths[type.name] ?? 0;
      return (cursor) => read(cursor, bytes);
    }
    default: {
      const read = scalarReader(type);
      return (cursor) => {
        const length = cursor.uint8();
        return length === 0 ? null : read(cursor, length);
      };
    }
  }
}

const fixedLengths: Readonly<Record<string, number>> = {
  tinyint: 1, bit: 1, smallint: 2, int: 4, real: 4, smallmoney: 4, smalldatetime: 4, bigint: 8, float: 8, money: 8, datetime: 8,
}; // prettier-ignore

const dayMicros = 86_400_000_000n;
/** Days from 0001-01-01 and from 1900-01-01 to 1970-01-01. */
const [daysFromYearOne, daysFrom1900] = [719_162, 25_567];

function scalarReader(type: SqlServerType): (cursor: WireCursor, length: number) => SqlValue {
  const { scale = 0, precision = 18 } = type;
  switch (type.name) {
    case 'tinyint':
      return (cursor) => cursor.uint8();
    case 'smallint':
      return (cursor) => cursor.int16();
    case 'int':
      return (cursor) => cursor.int32();
    case 'bigint':
      return (cursor) => cursor.int64();
    case 'bit':
      return (cursor) => cursor.uint8() !== 0;
    case 'real':
      return (cursor) => cursor.float32();
    case 'float':
      return (cursor) => cursor.float64();
    case 'money':
      return (cursor) => new DuckDBDecimalValue((BigInt(cursor.int32()) << 32n) | BigInt(cursor.uint32()), 19, 4);
    case 'smallmoney':
      return (cursor) => new DuckDBDecimalValue(BigInt(cursor.int32()), 10, 4);
    case 'decimal':
      return (cursor, length) => {
        const isPositive = cursor.uint8() === 1;
        const magnitude = cursor.unsigned(length - 1);
        return new DuckDBDecimalValue(isPositive ? magnitude : -magnitude, precision, scale);
      };
    case 'uniqueidentifier':
      return (cursor) => guidText(cursor.bytes(16));
    case 'date':
      return (cursor) => new DuckDBDateValue(Number(cursor.unsigned(3)) - daysFromYearOne);
    case 'datetime':
      return (cursor) => {
        const days = BigInt(cursor.int32() - daysFrom1900);
        // Ticks of 1/300 s, each as whole milliseconds: .000, .003, .007.
        const milliseconds = Math.round((cursor.uint32() * 10) / 3);
        return new DuckDBTimestampValue(days * dayMicros + BigInt(milliseconds) * 1000n);
      };
    case 'smalldatetime':
      return (cursor) => {
        const days = BigInt(cursor.uint16() - daysFrom1900);
        return new DuckDBTimestampValue(days * dayMicros + BigInt(cursor.uint16()) * 60_000_000n);
      };
    case 'time':
      return (cursor, length) => timeText(cursor.unsigned(length), scale);
    case 'datetime2':
      return (cursor, length) => {
        const time = cursor.unsigned(length - 3);
        const days = cursor.unsigned(3) - BigInt(daysFromYearOne);
        // The lake's timestamps end at microseconds: the seventh digit is cut, as Spark cuts it, never rounded into the next second.
        const micros = scale <= 6 ? time * 10n ** BigInt(6 - scale) : time / 10n;
        return new DuckDBTimestampValue(days * dayMicros + micros);
      };
    case 'datetimeoffset':
      return (cursor, length) => {
        const time = cursor.unsigned(length - 5);
        const days = cursor.unsigned(3);
        return offsetText(days, time, cursor.int16(), scale);
      };
    default:
      // The reader of the other types is chosen by the type of the wire: none of them comes here.
      throw new LakesteadError('INTERNAL', `no reader for ${formatType(type)}`);
  }
}

/** The first three groups are little-endian numbers, the last two are bytes in order. SQL Server prints upper case. */
function guidText(bytes: Buffer): string {
  const hex = (from: number, to: number) => bytes.toString('hex', from, to);
  const turned = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toReversed().reduce(hexOf, '');
  return `${turned(0, 4)}-${turned(4, 6)}-${turned(6, 8)}-${hex(8, 10)}-${hex(10, 16)}`.toUpperCase();
}

const hexOf = (text: string, byte: number): string => text + byte.toString(16).padStart(2, '0');

/** `23:59:59.1234567`, with as many digits as the type has. */
function timeText(units: bigint, scale: number): string {
  const perSecond = 10n ** BigInt(scale);
  const seconds = units / perSecond;
  const two = (value: bigint) => String(value).padStart(2, '0');
  const fraction = scale === 0 ? '' : `.${String(units % perSecond).padStart(scale, '0')}`;
  return `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}${fraction}`;
}

/** `2024-02-29 13:45:00.1234567 +05:30`: the local time of the offset, as SQL Server prints it. The wire has UTC. */
function offsetText(days: bigint, time: bigint, offsetMinutes: number, scale: number): string {
  const perDay = 86_400n * 10n ** BigInt(scale);
  const local = days * perDay + time + BigInt(offsetMinutes * 60) * 10n ** BigInt(scale);
  const date = new Date((Number(local / perDay) - daysFromYearOne) * 86_400_000).toISOString().slice(0, 10);
  const sign = offsetMinutes < 0 ? '-' : '+';
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.abs(offsetMinutes);
  return `${date} ${timeText(local % perDay, scale)} ${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
