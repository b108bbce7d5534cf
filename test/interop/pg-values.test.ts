import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { PgServer } from '#serve';

import { findPostgres, type PostgresServer, startPostgres } from '../services/postgres.ts';
import { startScratch } from '../support/pg-server.ts';

/** Values that both dialects write alike. */
const expressions = [
  'true', 'false', 'NULL::boolean', '0::smallint', '(-32768)::smallint', '32767::smallint', '(-2147483648)::integer', '2147483647::integer',
  '(-9223372036854775808)::bigint', '9223372036854775807::bigint', '0::real', "'-0'::real", '1.5::real', '0.1::real', '16777216::real', '3.4028235e38::real', '1e-45::real', '123456.7::real', '1234567::real',
  "'NaN'::real", "'Infinity'::double precision", "'-Infinity'::double precision", "'NaN'::double precision", '0.1::double precision', '1e15::double precision', '123456789012345.6::double precision', '1e-5::double precision', '0.0001::double precision',
  '1e300::double precision', '5e-324::double precision', '1.7976931348623157e308::double precision', "'-0'::double precision",
  '0::numeric(10,0)', '0.00::numeric(10,2)', '-0.05::numeric(10,2)', '12345.678::numeric(18,3)', '-99999999999999.9999::numeric(18,4)', '0.00001234::numeric(12,8)', '10000::numeric(9,0)', '100000000::numeric(18,0)', '12345678901234567890123456789012345678::numeric(38,0)', '1.2345678901234567890123456789012345678::numeric(38,37)', '0.1000::numeric(5,4)',
  "''::text", "'é😀'::text", "'a''b'::text", "repeat('x', 13)::text", "repeat('é', 1000)::text", "'{\"a\": 1}'::json",
  "date '2000-01-01'", "date '1999-12-31'", "date '0001-01-01'", "date '9999-12-31'", "date '2024-02-29'", "'infinity'::date", "'-infinity'::date", "'0044-03-15 BC'::date",
  "time '00:00:00'", "time '23:59:59.999999'", "time '12:00:00.5'",
  "timestamp '2000-01-01 00:00:00'", "timestamp '1969-12-31 23:59:59.999999'", "timestamp '2024-01-01 10:00:00.12'", "'infinity'::timestamp", "'-infinity'::timestamp", "timestamp '0001-01-01 00:00:00'", "'0044-03-15 12:00:00 BC'::timestamp",
  "timestamptz '2024-07-01 12:00:00+02'", "timestamptz '1970-01-01 00:00:00+00'", "'infinity'::timestamptz",
  "interval '1 year 2 months 3 days 04:05:06.7'", "interval '-1 month'", "interval '0 days'", "interval '1 day' - interval '2 hours'", "interval '100:00:00'", "interval '-3 days'", "interval '14 months'",
  "'00000000-0000-0000-0000-000000000000'::uuid", "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
  'ARRAY[1,2,3]', 'ARRAY[1,NULL,3]', "ARRAY['a','b c','','NULL','\"','\\','{}',NULL]", 'ARRAY[[1,2],[3,4]]', 'ARRAY[1.5::numeric(5,2), 2::numeric(5,2)]', "ARRAY[date '2024-01-01']", 'ARRAY[true,false]', "ARRAY[1.5::double precision]", "ARRAY[timestamp '2024-01-01 00:00:00']", "'{}'::text",
]; // prettier-ignore

/** Also at random: numbers of every size. */
function randomNumbers(count: number): string[] {
  let state = 42;
  const next = () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
  return Array.from({ length: count }, (_, index) => {
    const exponent = Math.floor(next() * 40 - 20);
    const value = (next() - 0.5) * 10 ** exponent;
    return index % 2 === 0 ? `'${value}'::double precision` : `'${value}'::real`;
  });
}

const hasPostgres = findPostgres();

describe.skipIf(!hasPostgres)('values over the wire are those of PostgreSQL, byte by byte', () => {
  let theirs: PostgresServer;
  let ours: PgServer;
  const clients: pg.Client[] = [];
  beforeAll(async () => {
    theirs = await startPostgres();
    ours = await startScratch();
    for (const { port, user } of [theirs, { ...ours, user: 'any' }]) {
      const client = new pg.Client({ host: '127.0.0.1', port, user, database: 'postgres' });
      await client.connect();
      await client.query("SET TimeZone = 'UTC'");
      clients.push(client);
    }
  }, 120_000);
  afterAll(async () => {
    for (const client of clients) await client.end();
    await ours[Symbol.asyncDispose]();
    await theirs[Symbol.asyncDispose]();
  });

  const raw = { getTypeParser: () => (value: unknown) => (Buffer.isBuffer(value) ? value.toString('hex') : value) };
  const ask = async (client: pg.Client | undefined, expression: string, isBinary: boolean) => {
    const config = {
      text: `SELECT ${expression} AS v`,
      rowMode: 'array',
      binary: isBinary,
      types: raw,
      // By the extended protocol: results of the simple one are text whatever is asked for.
      ...(isBinary ? { queryMode: 'extended' } : {}),
    };
    const result = await client?.query(config as unknown as pg.QueryArrayConfig);
    if (isBinary) expect(result?.fields[0]?.format).toBe('binary');
    return { value: result?.rows[0]?.[0] as unknown, type: result?.fields[0]?.dataTypeID, size: result?.fields[0]?.dataTypeSize };
  };
  test.each([false, true])('binary: %s', { timeout: 60_000 }, async (isBinary) => {
    for (const expression of [...expressions, ...randomNumbers(200)]) {
      const expected = await ask(clients[0], expression, isBinary);
      // Years before the first are the one thing that the two write in other words.
      const found = await ask(clients[1], expression.replace(/'(\S+)(.*?) BC'/, "'$1 (BC)$2'"), isBinary);
      expect({ expression, ...found }).toEqual({ expression, ...expected });
    }
  });

  test('in a time zone with summer time, before and after and long ago', async () => {
    for (const zone of ['Europe/Vienna', 'America/St_Johns', 'Asia/Kathmandu', 'UTC']) {
      for (const client of clients) await client.query(`SET TimeZone = '${zone}'`);
      for (const instant of [
        '2024-03-31 00:59:59',
        '2024-03-31 01:00:00',
        '2024-07-01 00:00:00',
        '1972-01-01 00:00:00',
        '2024-10-27 01:30:00',
      ]) {
        const expression = `timestamptz '${instant}+00'`;
        expect({ zone, ...(await ask(clients[1], expression, false)) }).toEqual({ zone, ...(await ask(clients[0], expression, false)) });
      }
    }
  });

  test('parameters of all types come back as they went, in both forms', async () => {
    const values: readonly (readonly [type: string, value: unknown])[] = [
      ['int4', 42], ['int8', '9223372036854775807'], ['float8', 1.5], ['bool', true], ['text', "é'😀"], ['numeric(9,4)', '12345.6789'], ['date', '2024-02-29'],
      ['timestamp', '2024-01-01 10:00:00.123456'], ['timestamptz', '2024-01-01 10:00:00+00'], ['uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'], ['bytea', Buffer.from([0, 1, 255])], ['int4[]', [1, null, 3]], ['text[]', ['a', 'b "c"', null, '{}']],
      ['interval', '1 year 2 mons 3 days 04:05:06'], ['int4', null],
    ]; // prettier-ignore
    for (const [type, value] of values) {
      const [expected, found] = await Promise.all(
        clients.map(async (client) => (await client.query({ text: `SELECT $1::${type} AS v`, values: [value] })).rows),
      );
      expect({ type, found }).toEqual({ type, found: expected });
    }
  });
});
