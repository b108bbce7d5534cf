import type pg from 'pg';

import { LakesteadError } from '#core';
import type { Batch } from '#engine';
import type { SqlValue } from '#sql';

import type { SourceColumn, SourceQuery, SourceResult } from './connector.ts';
import type { Limit, PostgresSession, StatementResult } from './postgres-session.ts';
import { type Decoder, decoderOf } from './postgres-types.ts';

/** The first page is small: how wide a row is shows only then. */
const firstRows = 128;
const mostRows = 2048;
const pageBytes = 16 * 1024 * 1024;
const rollbackMs = 10_000;

type DecodedColumn = { readonly column: SourceColumn; readonly decode: Decoder['decode'] };

/** A read of a session, which has one at a time: its rows are behind a cursor in a read-only transaction. */
export class PostgresRead {
  readonly #session: PostgresSession;
  readonly #limit: Limit;
  #state: 'open' | 'read' | 'ended' = 'open';
  #bytesRead = 0;
  #rowsRead = 0;

  private constructor(session: PostgresSession, limit: Limit) {
    this.#session = session;
    this.#limit = limit;
  }

  /** Begins to read. When it fails the session is as it was. */
  static async begin(session: PostgresSession, query: SourceQuery, limit: Limit): Promise<{ read: PostgresRead; result: SourceResult }> {
    const read = new PostgresRead(session, limit);
    try {
      await session.run({ text: 'BEGIN READ ONLY' }, limit);
      // One statement: nothing can be appended that would leave the read-only transaction.
      await session.run({ text: `DECLARE source NO SCROLL CURSOR FOR ${selectOf(query)}`, single: true }, limit);
      const first = await read.#fetch();
      const columns = await describe(session, first.fields, query, limit);
      const batches = { [Symbol.asyncIterator]: () => read.#batches(first, columns) };
      const rows = { kind: 'batches', batches, bytesRead: () => read.#bytesRead } as const;
      return { read, result: { columns: columns.map(({ column }) => column), rows } };
    } catch (error) {
      await read.end();
      throw error;
    }
  }

  /** True while its batches are being read. */
  get isRead(): boolean {
    return this.#state === 'read';
  }

  /** Ends the transaction, so that the session can be used again. */
  async end(): Promise<void> {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    // Outside of a transaction ROLLBACK is a warning; it fails only with the connection, which its next statement tells.
    const timeout = { atMs: performance.now() + rollbackMs, limitMs: rollbackMs };
    await this.#session.run({ text: 'ROLLBACK' }, { timeout }).catch(() => undefined);
  }

  async #fetch(): Promise<StatementResult> {
    const rowBytes = this.#bytesRead / Math.max(1, this.#rowsRead);
    const rows = this.#rowsRead === 0 ? firstRows : Math.min(mostRows, Math.max(1, Math.floor(pageBytes / Math.max(1, rowBytes))));
    return await this.#session.run({ text: `FETCH ${rows} FROM source` }, this.#limit);
  }

  async *#batches(first: StatementResult, columns: readonly DecodedColumn[]): AsyncGenerator<Batch> {
    if (this.#state !== 'open') throw new LakesteadError('INTERNAL', 'rows are read once: these were read, or given up for another read');
    this.#state = 'read';
    try {
      for (let page = first; page.rows.length > 0; page = await this.#fetch()) {
        yield this.#decode(page.rows, columns);
        this.#rowsRead += page.rows.length;
      }
    } finally {
      await this.end();
    }
  }

  #decode(rows: StatementResult['rows'], columns: readonly DecodedColumn[]): Batch {
    const valueOf = (text: string, { column, decode }: DecodedColumn, row: number): SqlValue => {
      this.#bytesRead += Buffer.byteLength(text);
      const value = decode(text);
      if (value !== undefined) return value;
      const { name, sourceType, lakeType } = column;
      const number = this.#rowsRead + row + 1;
      throw new LakesteadError('SQL_TYPE', `row ${number}, column ${name}: the ${sourceType} is ${text}, which ${lakeType} does not have`, {
        hint: `leave it out, or read it as text: CAST(${quote(name)} AS text)`,
        data: { column: name, row: number },
      });
    };
    return {
      rowCount: rows.length,
      columns: columns.map((column, index) =>
        rows.map((row, number) => {
          const text = row[index] ?? null;
          return text === null ? null : valueOf(text, column, number);
        }),
      ),
    };
  }
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function selectOf(query: SourceQuery): string {
  if (query.kind === 'query') return query.text.trim().replace(/;\s*$/, '');
  return `SELECT * FROM ${query.schema === undefined ? '' : `${quote(query.schema)}.`}${quote(query.table)}`;
}

/** Columns in PostgreSQL's own words, with NOT NULL where the table says so and the query cannot undo it. */
async function describe(
  session: PostgresSession,
  fields: readonly pg.FieldDef[],
  query: SourceQuery,
  limit: Limit,
): Promise<readonly DecodedColumn[]> {
  const { rows } = await session.run(
    {
      text: `SELECT pg_catalog.format_type(f.type, f.modifier), a.attnotnull
        FROM ROWS FROM (unnest($1::oid[]), unnest($2::int4[]), unnest($3::oid[]), unnest($4::int2[])) WITH ORDINALITY AS f (type, modifier, relation, number, position)
        LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = f.relation AND a.attnum = f.number AND f.number > 0
        ORDER BY f.position`,
      values: [
        fields.map((field) => field.dataTypeID),
        fields.map((field) => field.dataTypeModifier),
        fields.map((field) => field.tableID),
        fields.map((field) => field.columnID),
      ],
    },
    limit,
  );
  // An outer join or a grouping set has nulls in columns that are NOT NULL in their table. A column of that name only loses its NOT NULL here.
  const mayAddNulls = query.kind === 'query' && /\b(?:left|right|full|rollup|cube|grouping|union|intersect|except)\b/i.test(query.text);
  return fields.map((field, index) => {
    const [sourceType, notNull] = rows[index] ?? [];
    const { lakeType, decode } = decoderOf(field);
    return {
      column: { name: field.name, sourceType: sourceType ?? 'unknown', lakeType, nullable: mayAddNulls || notNull !== 't' },
      decode,
    };
  });
}
