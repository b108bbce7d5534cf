/**
 * Tokens and values of TDS 7.4 as bytes, put together by hand from the tables of MS-TDS 2.2.5 to 2.2.7. It shares nothing
 * with what reads them: neither the product's decoder nor the driver.
 */

/** Little-endian numbers, one after the other. */
const u8 = (...values: number[]): Buffer => Buffer.from(values);
const u16 = (value: number): Buffer => u8(value & 0xff, (value >> 8) & 0xff);
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes;
};
const uintLE = (value: bigint, length: number): Buffer =>
  u8(...Array.from({ length }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn)));
const ucs2 = (text: string): Buffer => Buffer.from(text, 'utf16le');
const bVarchar = (text: string): Buffer => Buffer.concat([u8(text.length), ucs2(text)]);
const usVarchar = (text: string): Buffer => Buffer.concat([u16(text.length), ucs2(text)]);

/** Latin1_General_CI_AS by LCID 0x0409 and sort id 52, and two whose code pages are 1251 and UTF-8. */
export const collations = {
  latin1: u8(0x09, 0x04, 0xd0, 0x00, 0x34),
  cyrillic: u8(0x19, 0x04, 0xd0, 0x00, 0x00),
  utf8: u8(0x09, 0x04, 0xd0, 0x04, 0x00),
  unknown: u8(0x77, 0x77, 0x00, 0x00, 0x00),
};

/** A column: TYPE_INFO, and how a value is written in a row. `null` is written as the type writes it. */
export type WireType = {
  readonly info: Buffer;
  readonly userType?: number;
  readonly write: (value: Buffer | null) => Buffer;
};

const fixedType = (code: number): WireType => ({
  info: u8(code),
  write: (value) => {
    if (value === null) throw new Error(`type 0x${code.toString(16)} has no null`);
    return value;
  },
});
const byteLength = (code: number, ...more: number[]): WireType => ({
  info: u8(code, ...more),
  write: (value) => (value === null ? u8(0) : Buffer.concat([u8(value.length), value])),
});
const shortLength = (code: number, length: number, collation?: Buffer): WireType => ({
  info: Buffer.concat([u8(code), u16(length), collation ?? Buffer.alloc(0)]),
  write: (value) => (value === null ? u16(0xffff) : Buffer.concat([u16(value.length), value])),
});
/** In parts of seven bytes, so that parts end inside characters; `unknown` leaves the whole length out, as a server may. */
const inParts = (info: Buffer, unknown = false): WireType => ({
  info,
  write: (value) => {
    if (value === null) return u64(0xffff_ffff_ffff_ffffn);
    const parts: Buffer[] = [u64(unknown ? 0xffff_ffff_ffff_fffen : BigInt(value.length))];
    for (let start = 0; start < value.length; start += 7) {
      const part = value.subarray(start, start + 7);
      parts.push(u32(part.length), part);
    }
    return Buffer.concat([...parts, u32(0)]);
  },
});
const withPointer = (code: number, collation?: Buffer): WireType => ({
  // A table name of one part stands behind the type of text, ntext and image.
  info: Buffer.concat([u8(code), u32(0x7fff_ffff), collation ?? Buffer.alloc(0), u8(1), usVarchar('t')]),
  write: (value) =>
    value === null ? u8(0) : Buffer.concat([u8(16), Buffer.alloc(16, 0xab), Buffer.alloc(8, 0xcd), u32(value.length), value]),
});

/** Every type of the wire by MS-TDS 2.2.5.4; the names are SQL Server's, `n` marks the form that may be null. */
export const types = {
  tinyint: fixedType(0x30), bit: fixedType(0x32), smallint: fixedType(0x34), int: fixedType(0x38), smalldatetime: fixedType(0x3a), real: fixedType(0x3b),
  money: fixedType(0x3c), datetime: fixedType(0x3d), float: fixedType(0x3e), smallmoney: fixedType(0x7a), bigint: fixedType(0x7f),
  tinyintN: byteLength(0x26, 1), smallintN: byteLength(0x26, 2), intN: byteLength(0x26, 4), bigintN: byteLength(0x26, 8), bitN: byteLength(0x68, 1),
  realN: byteLength(0x6d, 4), floatN: byteLength(0x6d, 8), smallmoneyN: byteLength(0x6e, 4), moneyN: byteLength(0x6e, 8),
  smalldatetimeN: byteLength(0x6f, 4), datetimeN: byteLength(0x6f, 8), uniqueidentifier: byteLength(0x24, 16), date: byteLength(0x28),
  time: (scale: number) => byteLength(0x29, scale), datetime2: (scale: number) => byteLength(0x2a, scale), datetimeoffset: (scale: number) => byteLength(0x2b, scale),
  decimal: (precision: number, scale: number) => byteLength(0x6a, precision <= 9 ? 5 : precision <= 19 ? 9 : precision <= 28 ? 13 : 17, precision, scale),
  numeric: (precision: number, scale: number) => byteLength(0x6c, precision <= 9 ? 5 : precision <= 19 ? 9 : precision <= 28 ? 13 : 17, precision, scale),
  varbinary: (length: number) => shortLength(0xa5, length), binary: (length: number) => shortLength(0xad, length), rowversion: { ...shortLength(0xad, 8), userType: 80 },
  varchar: (length: number, collation = collations.latin1) => shortLength(0xa7, length, collation), char: (length: number, collation = collations.latin1) => shortLength(0xaf, length, collation),
  nvarchar: (length: number) => shortLength(0xe7, length * 2, collations.latin1), nchar: (length: number) => shortLength(0xef, length * 2, collations.latin1),
  varcharMax: (collation = collations.latin1) => inParts(Buffer.concat([u8(0xa7), u16(0xffff), collation])),
  nvarcharMax: inParts(Buffer.concat([u8(0xe7), u16(0xffff), collations.latin1])), nvarcharMaxUnknown: inParts(Buffer.concat([u8(0xe7), u16(0xffff), collations.latin1]), true),
  varbinaryMax: inParts(Buffer.concat([u8(0xa5), u16(0xffff)])), xml: inParts(u8(0xf1, 0)),
  text: withPointer(0x23, collations.latin1), ntext: withPointer(0x63, collations.latin1), image: withPointer(0x22),
  sqlVariant: { info: Buffer.concat([u8(0x62), u32(8009)]), write: (value: Buffer | null) => (value === null ? u32(0) : Buffer.concat([u32(value.length), value])) },
  clr: (typeName: string) => inParts(Buffer.concat([u8(0xf0), u16(0xffff), bVarchar('master'), bVarchar('sys'), bVarchar(typeName), usVarchar('Microsoft.SqlServer.Types')])),
}; // prettier-ignore

/** Values as the bytes of their types (MS-TDS 2.2.5.5), from numbers that a reader can check by hand. */
export const bytes = {
  int8: u8,
  int16: (value: number) => u16(value & 0xffff),
  int32: (value: number) => u32(value),
  int64: u64,
  float32: (value: number) => Buffer.from(Float32Array.of(value).buffer),
  float64: (value: number) => Buffer.from(Float64Array.of(value).buffer),
  /** Ten-thousandths, the high half first. */
  money: (units: bigint) => Buffer.concat([u32(Number(BigInt.asUintN(32, units >> 32n))), u32(Number(BigInt.asUintN(32, units)))]),
  decimal: (units: bigint, precision: number) =>
    Buffer.concat([
      u8(units < 0n ? 0 : 1),
      uintLE(units < 0n ? -units : units, precision <= 9 ? 4 : precision <= 19 ? 8 : precision <= 28 ? 12 : 16),
    ]),
  /** Days since 1900-01-01 and 300ths of a second. */
  datetime: (days: number, ticks: number) => Buffer.concat([u32(days), u32(ticks)]),
  smalldatetime: (days: number, minutes: number) => Buffer.concat([u16(days), u16(minutes)]),
  /** Days since 0001-01-01. */
  date: (days: number) => uintLE(BigInt(days), 3),
  time: (units: bigint, scale: number) => uintLE(units, scale <= 2 ? 3 : scale <= 4 ? 4 : 5),
  datetime2: (units: bigint, scale: number, days: number) => Buffer.concat([bytes.time(units, scale), bytes.date(days)]),
  /** Time and date in UTC, then the offset in minutes. */
  datetimeoffset: (units: bigint, scale: number, days: number, minutes: number) =>
    Buffer.concat([bytes.datetime2(units, scale, days), u16(minutes & 0xffff)]),
  /** `6F9619FF-8B86-D011-B42D-00C04FC964FF`: three little-endian groups, then bytes in order. */
  guid: (text: string) => {
    const [a = '', b = '', c = '', d = '', e = ''] = text.split('-');
    const turned = (hex: string) => Buffer.from(Buffer.from(hex, 'hex').toReversed());
    return Buffer.concat([turned(a), turned(b), turned(c), Buffer.from(d + e, 'hex')]);
  },
  national: ucs2,
};

export type WireColumn = { readonly name: string; readonly type: WireType; readonly nullable?: boolean };

/** 0x81: what the columns of the rows are. */
export function colMetadata(columns: readonly WireColumn[]): Buffer {
  return Buffer.concat([
    u8(0x81),
    u16(columns.length),
    ...columns.flatMap(({ name, type, nullable = true }) => [u32(type.userType ?? 0), u16(nullable ? 9 : 8), type.info, bVarchar(name)]),
  ]);
}

/** 0xD1: a row, each null written as its type writes it. */
export function row(columns: readonly WireColumn[], values: readonly (Buffer | null)[]): Buffer {
  return Buffer.concat([u8(0xd1), ...columns.map(({ type }, index) => type.write(values[index] ?? null))]);
}

/** 0xD2: a row with a bitmap of its nulls, which are then left out. */
export function nbcRow(columns: readonly WireColumn[], values: readonly (Buffer | null)[]): Buffer {
  const bitmap = Buffer.alloc(Math.ceil(columns.length / 8));
  columns.forEach((_, index) => {
    if ((values[index] ?? null) === null) bitmap[index >> 3] = (bitmap[index >> 3] ?? 0) | (1 << (index & 7));
  });
  return Buffer.concat([
    u8(0xd2),
    bitmap,
    ...columns.flatMap(({ type }, index) => (values[index] == null ? [] : [type.write(values[index])])),
  ]);
}

/** 0xFD: the end of a statement; `more` says that another result follows. */
export function done(rowCount = 0, { more = false, failed = false, attention = false } = {}): Buffer {
  return Buffer.concat([
    u8(0xfd),
    u16((more ? 1 : 0) | (failed ? 2 : 0) | 0x10 | (attention ? 0x20 : 0)),
    u16(0xc1),
    u64(BigInt(rowCount)),
  ]);
}

/** 0xFE: the end of a procedure. */
export function doneProc(): Buffer {
  return Buffer.concat([u8(0xfe), u16(0), u16(0xe0), u64(0n)]);
}

/** 0xAA: an error. */
export function errorMessage(number: number, message: string, severity = 16): Buffer {
  const body = Buffer.concat([u32(number), u8(1, severity), usVarchar(message), bVarchar('TESTSERVER'), bVarchar(''), u32(1)]);
  return Buffer.concat([u8(0xaa), u16(body.length), body]);
}

/** 0xAB: a message that is no error. */
export function infoMessage(number: number, message: string): Buffer {
  const body = Buffer.concat([u32(number), u8(1, 0), usVarchar(message), bVarchar('TESTSERVER'), bVarchar(''), u32(1)]);
  return Buffer.concat([u8(0xab), u16(body.length), body]);
}

/** What a server answers to a login: database, collation, packet size, acknowledgement of TDS 7.4. */
export function loginAccepted(database: string, packetSize: number): Buffer {
  const change = (body: Buffer) => Buffer.concat([u8(0xe3), u16(body.length), body]);
  const ack = Buffer.concat([u8(1, 0x74, 0x00, 0x00, 0x04), bVarchar('Microsoft SQL Server'), u8(16, 0, 0x10, 0)]);
  return Buffer.concat([
    change(Buffer.concat([u8(1), bVarchar(database), bVarchar('master')])),
    change(Buffer.concat([u8(7, 5), collations.latin1, u8(0)])),
    change(Buffer.concat([u8(4), bVarchar(String(packetSize)), bVarchar('4096')])),
    Buffer.concat([u8(0xad), u16(ack.length), ack]),
    done(),
  ]);
}
