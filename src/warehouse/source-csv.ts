import { createReadStream } from 'node:fs';

import { LakesteadError } from '#core';
import { join, literal, sql, type Sql } from '#sql';

/** What a CSV file says of itself: the names in its first line. */
export type CsvFile = { readonly path: string; readonly header: readonly string[] };

const quote = 0x22;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * Looks through a file: its header, and whether its last quote is closed. The engine drops the rows behind a quote that
 * nobody closes without a word.
 *
 * @throws CONFIG_INVALID for a file without a header, a name twice in it, or a quote that is never closed
 */
export async function openCsv(path: string): Promise<CsvFile> {
  const refuse = (why: string, line = 1) => new LakesteadError('CONFIG_INVALID', `${path}: ${why}`, { place: { file: path, line } });
  let header: string | undefined;
  let open: CsvRecord | undefined;
  for await (const record of readRecords(path)) {
    header ??= record.text;
    open = record.isOpen ? record : undefined;
  }
  if (header === undefined) throw refuse('the file is empty: it needs a header');
  if (open !== undefined) throw refuse(`the quote that opens on line ${open.line} is never closed`, open.line);
  const names = parseHeader(header);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw refuse(`the header has the column ${twice} twice`);
  return { path, header: names };
}

/** The line on which the n-th row behind the header starts; both count from 1. */
export async function findLine(path: string, row: number): Promise<number> {
  let count = -1;
  for await (const { line } of readRecords(path)) {
    count += 1;
    if (count === row) return line;
  }
  throw new LakesteadError('INTERNAL', `${path} has no row ${row}`);
}

/** All rows as text. `isOrdered` reads with one thread, so that `row_number() OVER ()` counts as the file does. */
export function csvRows({ path, header }: CsvFile, { isOrdered = false } = {}): Sql {
  const columns = join(header.map((name) => sql`${literal(name)}: 'VARCHAR'`));
  // Without the sniffer: it takes a line of # for a comment, and skips first lines with a wrong number of values.
  return sql`read_csv(${literal(path)}, auto_detect = false, columns = {${columns}}, header = true, delim = ',', quote = '"', escape = '"', nullstr = 'NULL', allow_quoted_nulls = false, max_line_size = 134217728, parallel = ${literal(!isOrdered)})`;
}

/** `text` only of the first one: the others may be large. */
type CsvRecord = { readonly line: number; readonly text: string; readonly isOpen: boolean };

async function* readRecords(path: string): AsyncGenerator<CsvRecord, void> {
  let isQuoted = false;
  let line = 1;
  let start = 1;
  let isBlank = true;
  let isFirst = true;
  const first: Buffer[] = [];
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    // no encoding is set
    let from = 0;
    for (let index = 0; index < chunk.length; index += 1) {
      const byte = chunk[index];
      // A doubled quote closes and opens: what it says of the state in between is never looked at.
      if (byte === quote) isQuoted = !isQuoted;
      if (byte !== lineFeed) {
        if (byte !== carriageReturn) isBlank = false;
        continue;
      }
      line += 1;
      if (isQuoted) continue;
      if (isFirst) first.push(chunk.subarray(from, index));
      if (!isBlank) {
        yield { line: start, text: isFirst ? Buffer.concat(first).toString('utf8') : '', isOpen: false };
        isFirst = false;
      }
      from = index + 1;
      start = line;
      isBlank = true;
    }
    if (isFirst) first.push(chunk.subarray(from));
  }
  if (!isBlank) yield { line: start, text: isFirst ? Buffer.concat(first).toString('utf8') : '', isOpen: isQuoted };
}

function parseHeader(text: string): readonly string[] {
  const names = text.replace(/^\uFEFF/, '').replace(/\r$/, '').match(/(?:"(?:[^"]|"")*"|[^,"])*(?:,|$)/g) ?? []; // prettier-ignore
  // The last match is the empty one behind the end, unless the text ends with it.
  const fields = names.slice(0, names.at(-1) === '' && names.at(-2)?.endsWith(',') !== true ? -1 : undefined);
  return fields.map((field) => {
    const value = field.replace(/,$/, '');
    return value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value;
  });
}
