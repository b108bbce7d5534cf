import type { Vector } from '#engine';

import type { ByteWriter } from './byte-writer.ts';
import { binaryDays, binaryMicros, writeBinary, writeNumeric } from './binary-format.ts';
import { baseName, pgTypeOf } from './pg-type.ts';
import { formatDate, formatDecimal, formatDouble, formatFloat, formatPg, formatTime, formatTimestamp } from './text-format.ts'; // prettier-ignore

/** Text (as people read it) or binary (as PostgreSQL sends it). */
export type Format = 'text' | 'binary';

/** How the values of a session look where that is a matter of its settings. */
export type ValueStyle = {
  /** What stands behind a timestamp with time zone, and how far its clock is from UTC then; microseconds since 1970 in UTC. */
  readonly zoneOf: (micros: bigint) => { readonly shift: bigint; readonly suffix: string };
};

/** Writes the value of a row, without its length; must not be asked for a row that is NULL. */
export type ValueWriter = (row: number, out: ByteWriter) => void;

const greatest = 9223372036854775807n;

/** True where a row of a vector is NULL. */
export function isNull(vector: Vector, row: number): boolean {
  if (vector.kind === 'values') return vector.values[row] === null || vector.values[row] === undefined;
  return vector.valid !== null && (((vector.valid[row >> 3] ?? 0) >> (row & 7)) & 1) === 0;
}

/**
 * How the values of a vector are written.
 *
 * @param type the engine's name of the column's type
 */
export function valueWriter(vector: Vector, type: string, format: Format, style: ValueStyle): ValueWriter {
  if (vector.kind === 'bytes') return bytesWriter(vector, baseName(type) === 'BLOB' && format === 'text');
  if (vector.kind === 'values') {
    const { values } = vector;
    const pgType = pgTypeOf(type);
    if (format === 'binary') return (row, out) => writeBinary(values[row] ?? '', pgType, out);
    return (row, out) => out.text(formatPg(values[row] ?? ''));
  }
  const view = new DataView(vector.data.buffer, vector.data.byteOffset, vector.data.byteLength);
  return format === 'binary' ? fixedBinary(view, vector.width, type) : fixedText(view, vector.width, type, style);
}

function bytesWriter({ bytes, offsets }: Extract<Vector, { kind: 'bytes' }>, asHex: boolean): ValueWriter {
  if (!asHex) return (row, out) => out.slice(bytes, offsets[row] ?? 0, offsets[row + 1] ?? 0);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (row, out) => out.ascii(`\\x${buffer.toString('hex', offsets[row], offsets[row + 1])}`);
}

/** A column of whole numbers as what reads one of a row. */
function wholeReader(view: DataView, width: number, type: string): (row: number) => number | bigint {
  const isUnsigned = type.startsWith('U');
  switch (width) {
    case 1:
      return isUnsigned ? (row) => view.getUint8(row) : (row) => view.getInt8(row);
    case 2:
      return isUnsigned ? (row) => view.getUint16(row * 2, true) : (row) => view.getInt16(row * 2, true);
    case 4:
      return isUnsigned ? (row) => view.getUint32(row * 4, true) : (row) => view.getInt32(row * 4, true);
    case 8:
      return isUnsigned ? (row) => view.getBigUint64(row * 8, true) : (row) => view.getBigInt64(row * 8, true);
    default:
      return (row) => hugeAt(view, row, isUnsigned);
  }
}

function hugeAt(view: DataView, row: number, isUnsigned = false): bigint {
  const high = isUnsigned ? view.getBigUint64(row * 16 + 8, true) : view.getBigInt64(row * 16 + 8, true);
  return (high << 64n) | view.getBigUint64(row * 16, true);
}

/** A time of the engine, of any precision, in microseconds. */
function microsReader(view: DataView, type: string): (row: number) => bigint {
  const at = (row: number) => view.getBigInt64(row * 8, true);
  const scaled = (scale: (value: bigint) => bigint) => (row: number) => {
    const value = at(row);
    return value === greatest || value === -greatest ? value : scale(value);
  };
  switch (type) {
    case 'TIMESTAMP_S':
      return scaled((value) => value * 1_000_000n);
    case 'TIMESTAMP_MS':
      return scaled((value) => value * 1000n);
    case 'TIMESTAMP_NS':
      return scaled((value) => (value - (((value % 1000n) + 1000n) % 1000n)) / 1000n);
    default:
      return at;
  }
}

function fixedText(view: DataView, width: number, type: string, style: ValueStyle): ValueWriter {
  const name = baseName(type);
  switch (name) {
    case 'BOOLEAN':
      return (row, out) => out.byte(view.getUint8(row) === 0 ? 0x66 : 0x74);
    case 'FLOAT':
      return (row, out) => out.ascii(formatFloat(view.getFloat32(row * 4, true)));
    case 'DOUBLE':
      return (row, out) => out.ascii(formatDouble(view.getFloat64(row * 8, true)));
    case 'DATE':
      return (row, out) => out.ascii(formatDate(view.getInt32(row * 4, true)));
    case 'TIME':
      return (row, out) => out.ascii(formatTime(Number(view.getBigInt64(row * 8, true))));
    case 'UUID':
      return (row, out) => out.ascii(formatUuid(view, row));
    case 'DECIMAL': {
      const scale = Number(/,(\d+)\)$/.exec(type)?.[1] ?? 0);
      const read = wholeReader(view, width, 'DECIMAL');
      return (row, out) => out.ascii(formatDecimal(BigInt(read(row)), scale));
    }
    case 'TIMESTAMP WITH TIME ZONE': {
      const read = microsReader(view, name);
      return (row, out) => {
        const micros = read(row);
        const { shift, suffix } = style.zoneOf(micros);
        out.ascii(formatTimestamp(micros + shift, suffix));
      };
    }
    default: {
      if (name.startsWith('TIMESTAMP')) {
        const read = microsReader(view, name);
        return (row, out) => out.ascii(formatTimestamp(read(row)));
      }
      const read = wholeReader(view, width, name);
      return (row, out) => out.ascii(String(read(row)));
    }
  }
}

function fixedBinary(view: DataView, width: number, type: string): ValueWriter {
  const name = baseName(type);
  switch (name) {
    case 'BOOLEAN':
      return (row, out) => out.byte(view.getUint8(row));
    case 'FLOAT':
      return (row, out) => out.float32(view.getFloat32(row * 4, true));
    case 'DOUBLE':
      return (row, out) => out.float64(view.getFloat64(row * 8, true));
    case 'DATE':
      return (row, out) => out.int32(binaryDays(view.getInt32(row * 4, true)));
    case 'TIME':
      return (row, out) => out.int64(view.getBigInt64(row * 8, true));
    case 'UUID':
      return (row, out) => {
        out.int64(view.getBigInt64(row * 16 + 8, true) ^ -0x8000000000000000n);
        out.int64(view.getBigInt64(row * 16, true));
      };
    case 'DECIMAL': {
      const scale = Number(/,(\d+)\)$/.exec(type)?.[1] ?? 0);
      const read = wholeReader(view, width, 'DECIMAL');
      return (row, out) => writeNumeric(BigInt(read(row)), scale, out);
    }
    default:
  }
  if (name.startsWith('TIMESTAMP')) {
    const read = microsReader(view, name);
    return (row, out) => out.int64(binaryMicros(read(row)));
  }
  const read = wholeReader(view, width, name);
  const { oid } = pgTypeOf(type);
  if (oid === 1700) return (row, out) => writeNumeric(BigInt(read(row)), 0, out);
  if (oid === 20) return (row, out) => out.int64(BigInt(read(row)));
  return oid === 23 ? (row, out) => out.int32(Number(read(row))) : (row, out) => out.int16(Number(read(row)));
}

function formatUuid(view: DataView, row: number): string {
  // The engine turns the first bit over, so that numbers sort as texts do.
  const high = BigInt.asUintN(64, view.getBigUint64(row * 16 + 8, true) ^ 0x8000000000000000n);
  const hex =
    high.toString(16).padStart(16, '0') +
    view
      .getBigUint64(row * 16, true)
      .toString(16)
      .padStart(16, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
