import { LakesteadError } from '#core';

import { formatDate, formatDecimal, formatDouble, formatFloat, formatInterval, formatTime, formatTimestamp, infiniteDays, infiniteMicros, formatOffset } from './text-format.ts'; // prettier-ignore

const epochDays = 10_957;
const epochMicros = 946_684_800_000_000n;

/**
 * A parameter that came in binary form as the text of it that the engine casts to the type: what has no text there is refused.
 *
 * @throws {LakesteadError} `SQL_TYPE` for bytes that are no value of the type, and for types that are not taken in binary
 */
export function parameterText(bytes: Buffer, oid: number): string {
  try {
    return readBinary(bytes, oid);
  } catch (error) {
    if (error instanceof RangeError) throw new LakesteadError('SQL_TYPE', `a parameter of type ${oid} came with ${bytes.length} bytes, which are no such value`); // prettier-ignore
    throw error;
  }
}

function readBinary(bytes: Buffer, oid: number): string {
  const whole = (length: number) => {
    if (bytes.length !== length) throw new RangeError('length');
    return bytes;
  };
  switch (oid) {
    case 16:
      return whole(1)[0] === 0 ? 'false' : 'true';
    case 17:
      return blobText(bytes);
    case 20:
      return String(whole(8).readBigInt64BE());
    case 21:
      return String(whole(2).readInt16BE());
    case 23:
      return String(whole(4).readInt32BE());
    case 26:
      return String(whole(4).readUInt32BE());
    case 700:
      return formatFloat(whole(4).readFloatBE());
    case 701:
      return formatDouble(whole(8).readDoubleBE());
    case 1082: {
      const days = whole(4).readInt32BE();
      return engineYear(formatDate(days === 2147483647 ? infiniteDays : days === -2147483648 ? -infiniteDays : days + epochDays));
    }
    case 1083:
      return formatTime(Number(whole(8).readBigInt64BE()));
    case 1266:
      return `${formatTime(Number(whole(12).readBigInt64BE()))}${formatOffset(-bytes.readInt32BE(8))}`;
    case 1114:
      return engineYear(formatTimestamp(fromEpoch(whole(8).readBigInt64BE())));
    case 1184:
      return engineYear(formatTimestamp(fromEpoch(whole(8).readBigInt64BE()), '+00'));
    case 1186:
      return formatInterval(whole(16).readInt32BE(12), bytes.readInt32BE(8), bytes.readBigInt64BE(0));
    case 1560:
    case 1562: {
      const bits = bytes.readInt32BE(0);
      if (bits < 0 || Math.ceil(bits / 8) !== bytes.length - 4) throw new RangeError('length');
      return Array.from(bytes.subarray(4), (byte) => byte.toString(2).padStart(8, '0')).join('').slice(0, bits); // prettier-ignore
    }
    case 1700:
      return numericText(bytes);
    case 2950: {
      const hex = whole(16).toString('hex');
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    }
    case 0:
    case 19:
    case 25:
    case 114:
    case 1042:
    case 1043:
      return utf8(bytes);
    case 3802:
      return utf8(bytes.subarray(1)); // a byte with the version of the form comes first
    default:
      if (isArray(bytes)) return arrayText(bytes);
      throw new LakesteadError('SQL_NOT_SUPPORTED', `a parameter of type ${oid} is not taken in binary form: send it as text`);
  }
}

/** Text of a parameter as the engine casts it: PostgreSQL's arrays and blobs are written otherwise there. */
export function engineText(text: string, type: string): string {
  if (type === 'BLOB') return blobText(text.startsWith(String.raw`\x`) ? Buffer.from(text.slice(2), 'hex') : Buffer.from(text));
  if (type === 'DATE' || type.startsWith('TIMESTAMP')) return engineYear(text);
  return type.endsWith('[]') && text.startsWith('{') ? listText(text) : text;
}

/** The engine has years before the first in parentheses, and before a time's zone. */
function engineYear(text: string): string {
  return text.replace(/^(\S+)(.*?)\s+BC$/i, '$1 (BC)$2');
}

/** A text that is UTF-8 without a zero: PostgreSQL's texts hold none. */
export function utf8(bytes: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // said below
  }
  throw new LakesteadError('SQL_TYPE', 'a text that is not valid UTF-8, or has a zero in it, was sent');
}

function blobText(bytes: Buffer): string {
  return bytes.toString('hex').replaceAll(/../g, String.raw`\x$&`);
}

function fromEpoch(micros: bigint): bigint {
  if (micros === 9223372036854775807n) return infiniteMicros;
  return micros === -9223372036854775808n ? -infiniteMicros : micros + epochMicros;
}

function numericText(bytes: Buffer): string {
  const [count, weight, sign, scale] = [bytes.readInt16BE(0), bytes.readInt16BE(2), bytes.readUInt16BE(4), bytes.readInt16BE(6)];
  if (sign === 0xc000) return 'NaN';
  if (sign === 0xd000 || sign === 0xf000) return sign === 0xd000 ? 'Infinity' : '-Infinity';
  if (count < 0 || scale < 0 || bytes.length !== 8 + count * 2) throw new RangeError('length');
  let digits = 0n;
  for (let index = 0; index < count; index += 1) digits = digits * 10_000n + BigInt(bytes.readInt16BE(8 + index * 2));
  // The last group stands for 10000 to the power of `weight - count + 1`.
  const places = 4 * (weight - count + 1) + scale;
  const scaled = places >= 0 ? digits * 10n ** BigInt(places) : digits / 10n ** BigInt(-places);
  return formatDecimal(sign === 0x4000 ? -scaled : scaled, scale);
}

function isArray(bytes: Buffer): boolean {
  if (bytes.length < 12) return false;
  const [dimensions, flags] = [bytes.readInt32BE(0), bytes.readInt32BE(4)];
  return dimensions >= 0 && dimensions <= 6 && (flags === 0 || flags === 1);
}

/** An array in binary form as the text of a list of the engine. */
function arrayText(bytes: Buffer): string {
  const dimensions = bytes.readInt32BE(0);
  const element = bytes.readInt32BE(8);
  if (dimensions === 0) return '[]';
  const sizes = Array.from({ length: dimensions }, (_, index) => bytes.readInt32BE(12 + index * 8));
  let at = 12 + dimensions * 8;
  const read = (level: number): string => {
    const items: string[] = [];
    for (let index = 0; index < (sizes[level] ?? 0); index += 1) {
      if (level < dimensions - 1) {
        items.push(read(level + 1));
        continue;
      }
      const length = bytes.readInt32BE(at);
      at += 4;
      if (length < 0) items.push('NULL');
      else {
        if (at + length > bytes.length) throw new RangeError('length');
        items.push(quoteItem(readBinary(bytes.subarray(at, at + length), element)));
        at += length;
      }
    }
    return `[${items.join(', ')}]`;
  };
  const text = read(0);
  if (at !== bytes.length) throw new RangeError('length');
  return text;
}

/** PostgreSQL's `{a,"b c",NULL}` as the engine's `['a', 'b c', NULL]`. */
function listText(text: string): string {
  let at = 0;
  const fail = () => new LakesteadError('SQL_TYPE', `"${text.slice(0, 40)}" is no array`);
  const read = (): string => {
    at += 1; // the brace
    const items: string[] = [];
    for (;;) {
      while (/\s/.test(text[at] ?? '')) at += 1;
      if (text[at] === '}' && items.length === 0) break;
      if (text[at] === '{') items.push(read());
      else if (text[at] === '"') items.push(quoteItem(readQuoted()));
      else {
        const bare = /^[^,{}"\\]*/.exec(text.slice(at))?.[0] ?? '';
        at += bare.length;
        if (bare.trim() === '') throw fail();
        items.push(bare.trim().toUpperCase() === 'NULL' ? 'NULL' : quoteItem(bare.trim()));
      }
      while (/\s/.test(text[at] ?? '')) at += 1;
      if (text[at] === '}') break;
      if (text[at] !== ',') throw fail();
      at += 1;
    }
    at += 1;
    return `[${items.join(', ')}]`;
  };
  const readQuoted = (): string => {
    let out = '';
    for (at += 1; text[at] !== '"'; at += 1) {
      if (text[at] === undefined) throw fail();
      if (text[at] === '\\') at += 1;
      out += text[at] ?? '';
    }
    at += 1;
    return out;
  };
  const list = read();
  if (text.slice(at).trim() !== '') throw fail();
  return list;
}

/** An element of a list in the text that the engine casts to one. */
function quoteItem(text: string): string {
  return `'${text.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
}
