import { LakesteadError } from '#core';
import { ident, join, sql, type Sql } from '#sql';
import { engineType, formatType, lakeType, parseBatch } from '#tsql';
import type { SessionParameter, Warehouse } from '#warehouse';

import { writeScript } from './embedded-write.ts';
import type { Connector, SourceColumn, SourceQuery, SourceTable } from './connector.ts';

/** A database of this project as a source: its rows are in the engine already. */
export async function openEmbeddedConnector(options: { readonly warehouse: Warehouse; readonly database: string }): Promise<Connector> {
  const session = await options.warehouse.session({ database: options.database });
  const rows = async (text: string, signal: AbortSignal | undefined): Promise<(readonly unknown[])[]> => {
    const found: (readonly unknown[])[] = [];
    for await (const result of session.execute(text, { signal })) {
      if (result.kind !== 'rows') continue;
      for await (const batch of result.batches)
        for (let row = 0; row < batch.rowCount; row += 1) found.push(batch.columns.map((column) => column[row]));
    }
    return found;
  };
  return {
    check: async ({ signal } = {}) => {
      const [row] = await rows('SELECT @@VERSION', signal);
      return { server: 'embedded', version: String(row?.[0] ?? ''), database: options.database, user: 'dbo' };
    },
    tables: async ({ signal } = {}) => {
      const found = await rows(
        'SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES ORDER BY TABLE_SCHEMA, TABLE_NAME',
        signal,
      );
      return found.map(([schema, table, type]): SourceTable => ({
        schema: String(schema),
        table: String(table),
        kind: type === 'VIEW' ? 'view' : 'table',
      }));
    },
    read: async (query, { lease, signal }) => {
      const text = textOf(query);
      const isQuery = query.kind === 'table' || isOneQuery(text);
      const kept = isQuery ? undefined : await session.capture(text, { lease, signal });
      const compiled = kept ?? (await session.compile(text, { lease, signal }));
      const unnamed = compiled.columns.findIndex(({ name }) => name === '');
      if (unnamed >= 0)
        throw new LakesteadError('SQL_SYNTAX', `column ${unnamed + 1} of the query has no name`, { hint: 'give it one with AS' });
      const columns = compiled.columns.map(({ name, type, nullable }): SourceColumn => ({
        name,
        nullable,
        sourceType: formatType(type),
        lakeType: lakeType(type),
      }));
      const list = compiled.columns.map(({ name, type }): Sql => {
        if (engineType(type) === lakeType(type)) return ident(name);
        return sql`CAST(${ident(name)} AS ${type.name === 'tinyint' ? sql`SMALLINT` : sql`VARCHAR`}) AS ${ident(name)}`;
      });
      const relation = sql`SELECT ${join(list)} FROM (${compiled.sql}) AS source`;
      return { columns, rows: { kind: 'relation', sql: relation, ...(kept === undefined ? {} : { release: kept.release }) } };
    },
    write: async (from, into, { lease, signal }) => {
      const text = (value: string) => `N'${value.replaceAll("'", "''")}'`;
      const keys = await rows(
        `SELECT COLUMN_NAME FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = ${text(into.schema)} AND TABLE_NAME = ${text(into.table)} ORDER BY ORDINAL_POSITION`,
        signal,
      );
      const script = writeScript(
        into,
        keys.map(([name]) => String(name)),
      );
      await session.load(script, { lease, rows: from, signal });
    },
    call: async (procedure, parameters, { signal } = {}) => {
      const given = parameters.map(({ name, value }): SessionParameter => ({
        name: name.startsWith('@') ? name : `@${name}`,
        value: plain(value),
      }));
      await session.callProcedure(procedure, given, { signal });
    },
    [Symbol.asyncDispose]: async () => await session[Symbol.asyncDispose](),
  };
}

/** True for one SELECT, which the engine then reads as it goes; other batches run first. */
function isOneQuery(text: string): boolean {
  const [statement, second] = parseBatch(text);
  if (statement?.kind !== 'query' || second !== undefined) return false;
  const { body } = statement.query;
  return body.kind !== 'select' || (body.into === undefined && body.items.every(({ assign }) => assign === undefined));
}

function plain(value: unknown): SessionParameter['value'] {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return value;
  return JSON.stringify(value);
}

function textOf(query: SourceQuery): string {
  if (query.kind === 'query') return query.text;
  const quote = (name: string) => `[${name.replaceAll(']', ']]')}]`;
  return `SELECT * FROM ${quote(query.schema ?? 'dbo')}.${quote(query.table)}`;
}
