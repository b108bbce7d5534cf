import { LakesteadError } from '#core';

import type { Connector, SourceTable } from './connector.ts';
import { PostgresRead } from './postgres-read.ts';
import { type Limit, PostgresSession } from './postgres-session.ts';
import { readPostgresSettings } from './postgres-settings.ts';

/**
 * A PostgreSQL server over its own protocol: one connection, a server-side cursor, values decoded from their exact text.
 * It reads one source after the other; rows that were not asked for are given up when the next read begins.
 *
 * @param signal ends the connecting, and everything that runs on the connection later
 */
export async function openPostgresConnector(
  name: string,
  typeProperties: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<Connector> {
  const settings = readPostgresSettings(name, typeProperties);
  const session = await PostgresSession.open(settings, signal);
  const limitOf = (own?: AbortSignal, limitMs?: number): Limit => ({
    signal: signal === undefined || own === undefined ? (own ?? signal) : AbortSignal.any([signal, own]),
    ...(limitMs !== undefined && { timeout: { atMs: performance.now() + limitMs, limitMs } }),
  });
  let last: PostgresRead | undefined;
  let isBeginning = false;
  return {
    check: async (options) => {
      const { rows } = await session.run({ text: 'SELECT version(), current_database(), current_user' }, limitOf(options?.signal));
      const [version, database, user] = rows[0] ?? [];
      return { server: settings.server, version: version ?? '', database: database ?? '', user: user ?? '' };
    },
    tables: async (options) => {
      const { rows } = await session.run(
        {
          text: "SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2",
        },
        limitOf(options?.signal),
      );
      return rows.map(([schema, table, type]): SourceTable => ({
        schema: schema ?? '',
        table: table ?? '',
        kind: type === 'VIEW' ? 'view' : 'table',
      }));
    },
    read: async (query, options) => {
      if (isBeginning || last?.isRead === true)
        throw new LakesteadError('INTERNAL', 'a connection reads one source at a time, and the rows of one are still read');
      isBeginning = true;
      try {
        await last?.end();
        const limit = limitOf(options.signal, options.timeoutMs ?? settings.commandTimeoutMs);
        const { read, result } = await PostgresRead.begin(session, query, limit);
        last = read;
        return result;
      } finally {
        isBeginning = false;
      }
    },
    call: async (procedure) =>
      await Promise.reject(
        new LakesteadError(
          'FACTORY_UNSUPPORTED',
          `the stored procedure ${procedure} cannot be called: PostgreSQL's procedures are not supported`,
        ),
      ),
    [Symbol.asyncDispose]: async () => await session[Symbol.asyncDispose](),
  };
}
