import { open, rename, rm } from 'node:fs/promises';

import { LakesteadError } from '#core';
import { formatJson, formatText, type ResultStream } from '#engine';

/** The formats that are text and can be written while the result still comes. */
export type TextFormat = 'json' | 'ndjson' | 'csv';

/** Takes pieces of text in order; may make the writer wait. */
export type TextSink = (text: string) => void | Promise<void>;

/**
 * Writes a result as text, batch by batch: memory does not grow with its rows. `json` is one array of objects, `ndjson`
 * an object a line, `csv` RFC 4180 with a header (NULL is empty, the empty string is `""`). Says how many rows.
 */
export async function writeText(result: ResultStream, format: TextFormat, sink: TextSink): Promise<number> {
  const names = result.columns.map((column) => column.name);
  const keys = names.map((name) => `${JSON.stringify(name)}:`);
  let rowCount = 0;
  if (format === 'json') await sink('[');
  if (format === 'csv') await sink(`${names.map(quoteCsv).join(',')}\r\n`);
  for await (const batch of result.batches) {
    const lines: string[] = [];
    for (let row = 0; row < batch.rowCount; row += 1) {
      const values = batch.columns.map((column) => column[row] ?? null);
      if (format === 'csv') lines.push(`${values.map((value) => (value === null ? '' : quoteCsv(formatText(value)))).join(',')}\r\n`);
      else {
        const document = `{${values.map((value, index) => `${keys[index]}${formatJson(value)}`).join(',')}}`;
        lines.push(format === 'ndjson' ? `${document}\n` : `${rowCount + row === 0 ? '' : ',\n'}${document}`);
      }
    }
    rowCount += batch.rowCount;
    await sink(lines.join(''));
  }
  if (format === 'json') await sink(']\n');
  return rowCount;
}

function quoteCsv(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Rows for a person's table: at most `limit`, and whether there were more. */
export async function readPreview(result: ResultStream, limit: number): Promise<{ rows: string[][]; isCut: boolean }> {
  const rows: string[][] = [];
  for await (const batch of result.batches) {
    for (let row = 0; row < batch.rowCount; row += 1) {
      if (rows.length === limit) return { rows, isCut: true };
      rows.push(batch.columns.map((column) => (column[row] === null ? 'NULL' : formatText(column[row] ?? null))));
    }
  }
  return { rows, isCut: false };
}

/** Gives `write` a place beside `file`, and puts it there when all is written: a failed command leaves no half file. */
export async function replaceFile<T>(file: string, write: (temporary: string) => Promise<T>): Promise<T> {
  const temporary = `${file}.${process.pid}.partial`;
  try {
    const result = await write(temporary);
    await rename(temporary, file);
    return result;
  } catch (error) {
    await rm(temporary, { force: true });
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOSPC') throw new LakesteadError('DISK_FULL', `no room to write ${file}`, { cause: error });
    if (code === 'ENOENT' || code === 'EACCES')
      throw new LakesteadError('USAGE', `cannot write ${file}`, { cause: error, hint: 'the folder must exist and be writable' });
    throw error;
  }
}

/** A sink into a new file. */
export async function writeTextFile(file: string, write: (sink: TextSink) => Promise<number>): Promise<number> {
  return await replaceFile(file, async (temporary) => {
    await using handle = await open(temporary, 'w');
    return await write(async (text) => void (await handle.write(text)));
  });
}
