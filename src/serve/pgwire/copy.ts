import { LakesteadError } from '#core';
import type { Column, VectorBatch } from '#engine';

import type { ByteWriter } from './byte-writer.ts';
import { ByteWriter as Scratch } from './byte-writer.ts';
import { isNull, type ValueStyle, valueWriter } from './encode-column.ts';
import type { RowSink, RowSource, RowWriter } from './row-source.ts';

/** `COPY ... TO STDOUT`: what is read, and how it is written. */
export type CopyOut = {
  readonly query: string;
  readonly format: 'text' | 'csv' | 'binary';
  readonly delimiter: string;
  readonly nullText: string;
  readonly hasHeader: boolean;
  readonly quote: string;
  readonly escape: string;
  readonly quotesAll: boolean;
};

/** The parts of `COPY (query) TO STDOUT` and `COPY table [(columns)] TO STDOUT`; `undefined` for any other statement. */
export function parseCopy(text: string): CopyOut | undefined {
  const [, source, options = ''] = /^\s*copy\s+([\s\S]+?)\s+to\s+stdout\b([\s\S]*)$/i.exec(text) ?? [];
  if (source === undefined) return undefined;
  const [, table, columns] = /^((?:"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*)(?:\.(?:"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*))*)\s*(?:\(([^)]*)\))?$/u.exec(source) ?? []; // prettier-ignore
  const query = source.startsWith('(') ? source.slice(1, -1) : table === undefined ? undefined : `SELECT ${columns ?? '*'} FROM ${table}`;
  if (query === undefined) return undefined;
  const word = (pattern: RegExp) => pattern.exec(options)?.[1];
  const literal = (name: string) => {
    const found = new RegExp(String.raw`\b${name}\s+(?:as\s+)?(E?)'((?:[^']|'')*)'`, 'i').exec(options);
    if (found === null) return undefined;
    const value = (found[2] ?? '').replaceAll("''", "'");
    return found[1] === '' ? value : value.replaceAll(String.raw`\t`, '\t');
  };
  const format =
    word(/\bformat\s+'?(text|csv|binary)'?/i)?.toLowerCase() ??
    (/\bcsv\b/i.test(options) ? 'csv' : /\bbinary\b/i.test(options) ? 'binary' : 'text');
  refuseOthers(options);
  const isCsv = format === 'csv';
  const quote = literal('quote') ?? '"';
  return {
    query,
    format: format as CopyOut['format'],
    delimiter: literal('delimiter') ?? (isCsv ? ',' : '\t'),
    nullText: literal('null') ?? (isCsv ? '' : String.raw`\N`),
    hasHeader: /\bheader\b(?!\s+(?:false|off|0))/i.test(options),
    quote,
    escape: literal('escape') ?? quote,
    quotesAll: /\bforce_?\s*quote\s*\(?\s*\*/i.test(options),
  };
}

/** What is not acted on is not passed over either. */
function refuseOthers(options: string): void {
  const value = String.raw`(?:\s+(?:as\s+)?(?:E?'(?:[^']|'')*'|true|false|on|off|0|1))?`;
  const known = new RegExp(String.raw`\b(?:with|csv|binary|format\s+'?(?:text|csv|binary)'?|force_?\s*quote\s*\(?\s*\*\s*\)?|(?:header|delimiters?|null|quote|escape)${value}|encoding\s+'utf-?8')|[(),]`, 'gi'); // prettier-ignore
  const rest = options.replaceAll(known, '').trim();
  if (rest !== '') throw new LakesteadError('SQL_NOT_SUPPORTED', `COPY's option ${rest.split(/\s+/)[0] ?? rest} is not supported`);
}

/** The bytes that a file of binary rows begins with. */
const signature = Buffer.from('PGCOPY\n\u00FF\r\n\0', 'latin1');

/** Writes all rows as CopyData messages; says how many. */
export async function copyOut(rows: RowSource, copy: CopyOut, style: ValueStyle, sink: RowSink): Promise<number> {
  const { out } = sink;
  let isFirst = copy.format === 'binary';
  const data = (write: () => void) =>
    out.whole(() => {
      out.byte(0x64); // d
      out.counted(() => {
        // What a file begins with comes in one message with its first row, as clients of PostgreSQL expect it.
        if (isFirst) {
          out.bytes(signature);
          out.int32(0);
          out.int32(0);
        }
        isFirst = false;
        write();
      }, 4);
    });
  if (copy.hasHeader && copy.format !== 'binary') {
    data(() =>
      out.text(
        `${rows.columns.map(({ name }) => (copy.format === 'csv' ? quoteCsv(name, copy) : escapeText(name, copy))).join(copy.delimiter)}\n`,
      ),
    );
  }
  await rows.write(0, sink, (batch) =>
    copy.format === 'binary' ? binaryRows(batch, rows.columns, style, out, data) : textRows(batch, rows.columns, copy, style, out, data),
  );
  if (copy.format === 'binary') data(() => out.int16(-1));
  return rows.taken;
}

type Data = (write: () => void) => void;

function binaryRows(
  { columns: vectors }: VectorBatch,
  columns: readonly Column[],
  style: ValueStyle,
  out: ByteWriter,
  data: Data,
): RowWriter {
  const writers = vectors.map((vector, index) => valueWriter(vector, columns[index]?.type ?? 'VARCHAR', 'binary', style));
  return (row) =>
    data(() => {
      out.int16(vectors.length);
      for (const [index, vector] of vectors.entries()) {
        if (isNull(vector, row)) out.int32(-1);
        else out.counted(() => writers[index]?.(row, out));
      }
    });
}

function textRows(
  { columns: vectors }: VectorBatch,
  columns: readonly Column[],
  copy: CopyOut,
  style: ValueStyle,
  out: ByteWriter,
  data: Data,
): RowWriter {
  const scratch = new Scratch();
  const writers = vectors.map((vector, index) => valueWriter(vector, columns[index]?.type ?? 'VARCHAR', 'text', style));
  const isCsv = copy.format === 'csv';
  return (row) =>
    data(() => {
      const fields = vectors.map((vector, index) => {
        if (isNull(vector, row)) return copy.nullText;
        writers[index]?.(row, scratch);
        const text = scratch.peekText();
        return isCsv ? quoteCsv(text, copy) : escapeText(text, copy);
      });
      out.text(`${fields.join(copy.delimiter)}\n`);
    });
}

function quoteCsv(text: string, { quote, escape, delimiter, nullText, quotesAll }: CopyOut): string {
  const needs =
    quotesAll ||
    text === nullText ||
    text === String.raw`\.` ||
    text.includes(delimiter) ||
    text.includes(quote) ||
    /[\r\n]/.test(text) ||
    /^\s|\s$/.test(text);
  if (!needs) return text;
  const inner = Array.from(text, (char) => (char === quote || char === escape ? escape + char : char)).join('');
  return quote + inner + quote;
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
  '\v': '\\v',
};

function escapeText(text: string, { delimiter }: CopyOut): string {
  return text.replaceAll(/[\\\n\r\t\b\f\v]/g, (char) => escapes[char] ?? char).replaceAll(delimiter === '\t' ? /(?!)/g : delimiter, (found) => `\\${found}`); // prettier-ignore
}
