import { DuckDBBlobValue, DuckDBDateValue, DuckDBDecimalValue, DuckDBTimestampTZValue, DuckDBTimestampValue } from '@duckdb/node-api';
import pg from 'pg';

import { LakesteadError, Secret } from '#core';
import type { Batch } from '#engine';
import type { SqlValue } from '#sql';

import type { Connector, SourceColumn, SourceTable } from './connector.ts';
import { classifyPostgresError } from './postgres-error.ts';
import { readPostgresSettings } from './postgres-settings.ts';

const rowsPerBatch = 2048;

/** How a column of PostgreSQL becomes one of the lake: its type there, and its value from PostgreSQL's own text of it. */
type Decoder = { readonly lakeType: string; readonly sourceType: string; readonly decode: (text: string) => SqlValue };

/** A PostgreSQL server over its own protocol: one connection, a server-side cursor, values decoded from their exact text. */
export async function openPostgresConnector(
  name: string,
  typeProperties: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<Connector> {
  const settings = readPostgresSettings(name, typeProperties);
  const text = (value: string | Secret | undefined) => (value instanceof Secret ? value.reveal() : value);
  const client = new pg.Client({
    host: settings.host,
    port: settings.port,
    database: settings.database,
    user: settings.user,
    password: text(settings.password),
    ssl: settings.ssl,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    application_name: 'lakestead',
    // Every value arrives as PostgreSQL's own text: nothing is lost before we decode it.
    types: { getTypeParser: () => (value: unknown) => value },
  });
  client.on('error', () => {}); // a connection that breaks shows in the statement that runs on it
  const fail = (error: unknown) => classifyPostgresError(error, settings);
  const end = async () => await client.end().catch(() => undefined); // it is being closed: what went wrong with it was reported before
  const cancel = () => void end();
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    await client.connect();
    await client.query(
      "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 3; SET bytea_output = 'hex'",
    );
  } catch (error) {
    await end();
    throw fail(error);
  }
  const rows = async (query: string): Promise<string[][]> => {
    try {
      const result: { rows: string[][] } = await client.query({ text: query, rowMode: 'array' });
      return result.rows;
    } catch (error) {
      throw fail(error);
    }
  };
  return {
    check: async () => {
      const [row] = await rows('SELECT version(), current_database(), current_user');
      return { server: `${settings.host}:${settings.port}`, version: row?.[0] ?? '', database: row?.[1] ?? '', user: row?.[2] ?? '' };
    },
    tables: async () => {
      const found = await rows(
        "SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2",
      );
      return found.map(([schema = '', table = '', type]): SourceTable => ({ schema, table, kind: type === 'VIEW' ? 'view' : 'table' }));
    },
    read: async (query, options) => {
      const quote = (part: string) => `"${part.replaceAll('"', '""')}"`;
      const statement =
        query.kind === 'query'
          ? query.text.trim().replace(/;\s*$/, '')
          : `SELECT * FROM ${query.schema === undefined ? '' : `${quote(query.schema)}.`}${quote(query.table)}`;
      try {
        await client.query('BEGIN READ ONLY');
        if (options.timeoutMs !== undefined)
          await client.query(`SET LOCAL statement_timeout = ${Math.min(options.timeoutMs, 2 ** 31 - 1)}`);
        // The extended protocol takes one statement: nothing can be appended that would leave the read-only transaction.
        const declare = { text: `DECLARE source NO SCROLL CURSOR FOR ${statement}`, queryMode: 'extended' };
        await client.query(declare);
      } catch (error) {
        throw fail(error);
      }
      let bytesRead = 0;
      const fetch = async () => {
        options.signal?.throwIfAborted();
        const result: { rows: (string | null)[][]; fields: pg.FieldDef[] } = await client.query({
          text: `FETCH ${rowsPerBatch} FROM source`,
          rowMode: 'array',
        });
        return result;
      };
      let first;
      try {
        first = await fetch();
      } catch (error) {
        throw fail(error);
      }
      const decoders = first.fields.map((field) => decoderOf(field));
      const columns = first.fields.map((field, index): SourceColumn => ({
        name: field.name,
        sourceType: decoders[index]?.sourceType ?? 'text',
        lakeType: decoders[index]?.lakeType ?? 'VARCHAR',
        nullable: true,
      }));
      const batches = async function* (): AsyncGenerator<Batch> {
        try {
          for (let page = first; page.rows.length > 0; page = await fetch()) {
            yield {
              rowCount: page.rows.length,
              columns: decoders.map(({ decode }, column) =>
                page.rows.map((row) => {
                  const value = row[column] ?? null;
                  if (value === null) return null;
                  bytesRead += value.length;
                  return decode(value);
                }),
              ),
            };
          }
          await client.query('COMMIT');
        } catch (error) {
          throw fail(error);
        }
      };
      return { columns, rows: { kind: 'batches', batches: batches(), bytesRead: () => bytesRead } };
    },
    call: async (procedure) =>
      await Promise.reject(
        new LakesteadError(
          'FACTORY_UNSUPPORTED',
          `the stored procedure ${procedure} cannot be called: PostgreSQL's procedures are not supported`,
        ),
      ),
    [Symbol.asyncDispose]: async () => {
      signal?.removeEventListener('abort', cancel);
      await end();
    },
  };
}

const plain = (sourceType: string): Decoder => ({ sourceType, lakeType: 'VARCHAR', decode: (text) => text });

/** By PostgreSQL's type OIDs. What is not here is kept as PostgreSQL's text of it. */
const decoders: Readonly<Record<number, Decoder>> = {
  16: { sourceType: 'boolean', lakeType: 'BOOLEAN', decode: (text) => text === 't' },
  17: { sourceType: 'bytea', lakeType: 'BLOB', decode: (text) => new DuckDBBlobValue(Buffer.from(text.slice(2), 'hex')) },
  20: { sourceType: 'bigint', lakeType: 'BIGINT', decode: BigInt },
  21: { sourceType: 'smallint', lakeType: 'SMALLINT', decode: Number },
  23: { sourceType: 'integer', lakeType: 'INTEGER', decode: Number },
  26: { sourceType: 'oid', lakeType: 'BIGINT', decode: BigInt },
  700: { sourceType: 'real', lakeType: 'FLOAT', decode: Number },
  701: { sourceType: 'double precision', lakeType: 'DOUBLE', decode: Number },
  1082: {
    sourceType: 'date',
    lakeType: 'DATE',
    decode: (text) => new DuckDBDateValue(Number(epochMicros(text, 'date') / 86_400_000_000n)),
  },
  1114: { sourceType: 'timestamp', lakeType: 'TIMESTAMP', decode: (text) => new DuckDBTimestampValue(epochMicros(text, 'timestamp')) },
  1184: {
    sourceType: 'timestamptz',
    lakeType: 'TIMESTAMP WITH TIME ZONE',
    decode: (text) => new DuckDBTimestampTZValue(epochMicros(text, 'timestamptz')),
  },
  2950: plain('uuid'),
  1083: plain('time'),
  3802: plain('jsonb'),
  114: plain('json'),
  142: plain('xml'),
};

function decoderOf(field: pg.FieldDef): Decoder {
  if (field.dataTypeID !== 1700) return decoders[field.dataTypeID] ?? plain('text');
  // numeric(p,s) is in the modifier; without one, or beyond 38 digits, only text is exact.
  const modifier = field.dataTypeModifier - 4;
  const [precision, scale] = [(modifier >> 16) & 0xffff, modifier & 0x7ff];
  if (field.dataTypeModifier < 0 || precision > 38 || scale > precision) return plain('numeric');
  return {
    sourceType: `numeric(${precision},${scale})`,
    lakeType: `DECIMAL(${precision},${scale})`,
    decode: (text) => {
      if (text === 'NaN')
        throw new LakesteadError('SQL_TYPE', `the column ${field.name} holds NaN, which a decimal does not have`, {
          hint: `cast it in the query: ${field.name}::float8`,
        });
      const [whole = '', fraction = ''] = text.split('.');
      return new DuckDBDecimalValue(BigInt(whole + fraction.padEnd(scale, '0')), precision, scale);
    },
  };
}

/** Microseconds since 1970 of PostgreSQL's ISO text. */
function epochMicros(text: string, type: string): bigint {
  const match = /^(\d{4,})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:\+00)?)?( BC)?$/.exec(text);
  if (match === null || match[8] !== undefined) {
    throw new LakesteadError('SQL_TYPE', `the ${type} ${text} is outside what the lake holds`, {
      hint: 'leave it out or cast it to text in the query',
    });
  }
  const [, year = '', month = '', day = '', hour = '0', minute = '0', second = '0', fraction = ''] = match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const seconds = BigInt(date.getTime() / 1000) + BigInt(Number(hour) * 3600 + Number(minute) * 60 + Number(second));
  return seconds * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
}
