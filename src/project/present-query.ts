import type { Lease, ResultStream } from '#engine';
import { sql, type Sql } from '#sql';

import type { CommandContext } from './command.ts';
import type { SqlDocument } from './documents.ts';
import { readPreview, replaceFile, writeText, writeTextFile } from './result-writer.ts';

/** How a result goes out: as text events, into a file, or as a table for a person. */
export type Presentation = CommandContext & {
  readonly format: 'table' | 'json' | 'csv' | 'ndjson' | 'parquet';
  /** An absolute path. */
  readonly output?: string | undefined;
};

/** Rows that a person is shown at most; the other formats give all. */
const previewRows = 1000;

/** Runs a query and gives its rows out. Memory does not grow with their number. */
export async function presentQuery(lease: Lease, query: Sql, presentation: Presentation): Promise<SqlDocument> {
  const started = performance.now();
  if (presentation.format === 'parquet' && presentation.output !== undefined) {
    const rowCount = await replaceFile(presentation.output, async (temporary) => {
      const copied = await lease.run(sql`COPY (${query}) TO ${temporary} (FORMAT parquet)`, presentation);
      return copied.rowsChanged;
    });
    return { rowCount, durationMs: performance.now() - started, tables: [] };
  }
  return await presentStream(await lease.stream(query, presentation), presentation, started);
}

/** Gives out a result that comes already. `parquet` needs a query: see {@link presentQuery}. */
export async function presentStream(result: ResultStream, presentation: Presentation, started = performance.now()): Promise<SqlDocument> {
  const { format, output, emit } = presentation;
  if (format === 'table' || format === 'parquet') {
    const { rows, isCut } = await readPreview(result, previewRows);
    const table = { columns: result.columns.map(({ name }) => name), rows, isCut };
    return { rowCount: rows.length, durationMs: performance.now() - started, tables: [table] };
  }
  const rowCount =
    output === undefined
      ? await writeText(result, format, (text) => emit({ kind: 'text', text }))
      : await writeTextFile(output, (sink) => writeText(result, format, sink));
  return { rowCount, durationMs: performance.now() - started, tables: [] };
}
