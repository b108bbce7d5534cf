import type pg from 'pg';

import { LakesteadError } from '#core';
import type { Batch } from '#engine';
import type { SqlValue } from '#sql';

import type { SourceColumn, SourceQuery, SourceResult } from './connector.ts';
import type { Limit, PostgresSession, StatementResult } from './postgres-session.ts';
import { type Decoder, decoderOf } from './postgres-types.ts';

const rowsPerBatch = 2048;
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
      const isBytes = await hasNoEncoding(session, limit);
      const rows = { kind: 'batches', batches: read.#batches(first, columns, isBytes), bytesRead: () => read.#bytesRead } as const;
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
    return await this.#session.run({ text: `FETCH ${rowsPerBatch} FROM source` }, this.#limit);
  }

  async *#batches(first: StatementResult, columns: readonly DecodedColumn[], isBytes: boolean): AsyncGenerator<Batch> {
    if (this.#state === 'ended') throw new LakesteadError('INTERNAL', 'these rows were given up: the connection began another read');
    this.#state = 'read';
    try {
      for (let page = first; page.rows.length > 0; page = await this.#fetch()) {
        yield this.#decode(page.rows, columns, isBytes);
        this.#rowsRead += page.rows.length;
      }
    } finally {
      await this.end();
    }
  }

  #decode(rows: StatementResult['rows'], columns: readonly DecodedColumn[], isBytes: boolean): Batch {
    const valueOf = (text: string, { column, decode }: DecodedColumn, row: number): SqlValue => {
      this.#bytesRead += Buffer.byteLength(text);
      const value = decode(text);
      if (value !== undefined && !(isBytes && text.includes('\uFFFD'))) return value;
      const place = { column: column.name, row: this.#rowsRead + row + 1 };
      const name = `"${column.name.replaceAll('"', '""')}"`;
      const [problem, hint] =
        value === undefined
          ? [`${text}, which ${column.lakeType} does not have`, `leave it out, or read it as text: CAST(${name} AS text)`]
          : ['bytes that are no UTF-8', `read it as bytes: convert_to(${name}, 'SQL_ASCII')`];
      throw new LakesteadError('SQL_TYPE', `row ${place.row}, column ${place.column}: the ${column.sourceType} is ${problem}`, {
        hint,
        data: place,
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

function selectOf(query: SourceQuery): string {
  if (query.kind === 'query') return query.text.trim().replace(/;\s*$/, '');
  const quote = (part: string) => `"${part.replaceAll('"', '""')}"`;
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

/** A database in SQL_ASCII sends bytes as they are: what is no UTF-8 would arrive as a replacement character. */
async function hasNoEncoding(session: PostgresSession, limit: Limit): Promise<boolean> {
  const { rows } = await session.run({ text: 'SHOW server_encoding' }, limit);
  return rows[0]?.[0] === 'SQL_ASCII';
}
