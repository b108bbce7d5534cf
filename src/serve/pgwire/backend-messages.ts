import type { Column } from '#engine';

import type { ByteWriter } from './byte-writer.ts';
import type { Format } from './encode-column.ts';
import type { PgError } from './pg-error.ts';
import { pgTypeOf } from './pg-type.ts';

/** `I`: no transaction; `T`: in one; `E`: in one that failed. */
export type TransactionStatus = 'I' | 'T' | 'E';

/** A message of the server: its type, its length, what it says. */
function message(out: ByteWriter, type: string, write: () => void = () => undefined): void {
  out.byte(type.charCodeAt(0));
  out.counted(write, 4);
}

export function authenticationOk(out: ByteWriter): void {
  message(out, 'R', () => out.int32(0));
}

export function askSasl(out: ByteWriter, mechanisms: readonly string[]): void {
  message(out, 'R', () => {
    out.int32(10);
    for (const mechanism of mechanisms) out.zeroEnded(mechanism);
    out.byte(0);
  });
}

export function saslStep(out: ByteWriter, step: 'continue' | 'final', text: string): void {
  message(out, 'R', () => {
    out.int32(step === 'continue' ? 11 : 12);
    out.text(text);
  });
}

export function parameterStatus(out: ByteWriter, name: string, value: string): void {
  message(out, 'S', () => {
    out.zeroEnded(name);
    out.zeroEnded(value);
  });
}

export function backendKey(out: ByteWriter, id: number, secret: Buffer): void {
  message(out, 'K', () => {
    out.int32(id);
    out.bytes(secret);
  });
}

/** Says which version is spoken, to a client that asked for a newer one, and which of its options are not known. */
export function negotiateVersion(out: ByteWriter, minor: number, unknown: readonly string[]): void {
  message(out, 'v', () => {
    out.int32((3 << 16) | minor);
    out.int32(unknown.length);
    for (const name of unknown) out.zeroEnded(name);
  });
}

export function readyForQuery(out: ByteWriter, status: TransactionStatus): void {
  message(out, 'Z', () => out.byte(status.charCodeAt(0)));
}

export function rowDescription(out: ByteWriter, columns: readonly Column[], formatAt: (index: number) => Format): void {
  message(out, 'T', () => {
    out.int16(columns.length);
    for (const [index, { name, type }] of columns.entries()) {
      const { oid, size, modifier } = pgTypeOf(type);
      out.zeroEnded(name);
      out.int32(0); // of no table
      out.int16(0);
      out.uint32(oid);
      out.int16(size);
      out.int32(modifier);
      out.int16(formatAt(index) === 'binary' ? 1 : 0);
    }
  });
}

export function parameterDescription(out: ByteWriter, oids: readonly number[]): void {
  message(out, 't', () => {
    out.int16(oids.length);
    for (const oid of oids) out.uint32(oid);
  });
}

export function commandComplete(out: ByteWriter, tag: string): void {
  message(out, 'C', () => out.zeroEnded(tag));
}

/** The messages that say no more than their type: `1` parsed, `2` bound, `3` closed, `n` no rows, `s` suspended, `I` empty. */
export function plainMessage(out: ByteWriter, type: '1' | '2' | '3' | 'n' | 's' | 'I' | 'c'): void {
  message(out, type);
}

export function copyOutResponse(out: ByteWriter, columns: number, isBinary: boolean): void {
  message(out, 'H', () => {
    out.byte(isBinary ? 1 : 0);
    out.int16(columns);
    for (let index = 0; index < columns; index += 1) out.int16(isBinary ? 1 : 0);
  });
}

export function errorResponse(out: ByteWriter, error: PgError): void {
  errorFields(out, 'E', error);
}

export function noticeResponse(out: ByteWriter, error: PgError): void {
  errorFields(out, 'N', error);
}

function errorFields(out: ByteWriter, type: 'E' | 'N', { severity, state, message: text, hint, position }: PgError): void {
  message(out, type, () => {
    const field = (code: string, value: string) => {
      out.byte(code.charCodeAt(0));
      out.zeroEnded(value);
    };
    field('S', severity);
    field('V', severity);
    field('C', state);
    field('M', text);
    if (hint !== undefined) field('H', hint);
    if (position !== undefined) field('P', String(position));
    out.byte(0);
  });
}
