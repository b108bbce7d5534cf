import { connect, type Socket } from 'node:net';

import * as fc from 'fast-check';
import pg from 'pg';
import { describe, expect, test } from 'vitest';

import { count } from '../../../test/support/evidence.ts';
import { startScratch } from '../../../test/support/pg-server.ts';

import { splitStatements } from './split-statements.ts';

describe('a text is taken apart at its semicolons', () => {
  const cases: readonly (readonly [text: string, parts: readonly string[]])[] = [
    ['SELECT 1', ['SELECT 1']],
    ['SELECT 1;', ['SELECT 1']],
    [';; SELECT 1 ; ;SELECT 2', [' SELECT 1 ', 'SELECT 2']],
    [`SELECT ';', ";", 'it''s;'; SELECT 2`, [`SELECT ';', ";", 'it''s;'`, ' SELECT 2']],
    [String.raw`SELECT E'\';'; SELECT '\'; SELECT 3`, [String.raw`SELECT E'\';'`, String.raw` SELECT '\'`, ' SELECT 3']],
    ['SELECT $$;$$; SELECT $a$;$b$;$a$', ['SELECT $$;$$', ' SELECT $a$;$b$;$a$']],
    ['SELECT 1 -- ; \n; /* ; /* ; */ ; */ SELECT 2', ['SELECT 1 -- ; \n', ' /* ; /* ; */ ; */ SELECT 2']],
    ['-- nothing', []],
    ['SELECT a$1, $1', ['SELECT a$1, $1']],
  ];
  test.each(cases)('%s', (text, parts) => expect(splitStatements(text).map((one) => one.text)).toEqual(parts));

  test('parameters are those outside of texts and names; what does not end is refused with its place', () => {
    const [statement] = splitStatements(`SELECT $1, '$2', "$3", $$ $4 $$, $12 -- $5`);
    expect(statement?.parameters.map(({ number }) => number)).toEqual([1, 12]);
    for (const [text, position] of [["SELECT 'x", 8], ['/* /* */', 1], ['SELECT "x', 8], ['SELECT $a$', 8]] as const)
      expect(() => splitStatements(text)).toThrow(expect.objectContaining({ code: 'SQL_SYNTAX', data: { position } }) as Error); // prettier-ignore
  });
});

const startup = (() => {
  const text = Buffer.from('user\0me\0database\0d\0\0');
  const head = Buffer.alloc(8);
  head.writeInt32BE(text.length + 8);
  head.writeInt32BE(3 << 16, 4);
  return Buffer.concat([head, text]);
})();

function message(type: string, body: Buffer, lie = 0): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4 + lie, 1);
  return Buffer.concat([head, body]);
}

/** Sends bytes and takes whatever comes until the server ends it, or nothing comes for a while. */
async function talk(port: number, bytes: readonly Buffer[]): Promise<void> {
  const socket: Socket = connect(port, '127.0.0.1');
  await new Promise<void>((resolve) => {
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
    socket.setTimeout(150, () => resolve());
    socket.resume();
    for (const piece of bytes) socket.write(piece);
    socket.end();
  });
  socket.destroy();
}

async function isAlive(port: number): Promise<boolean> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'x', database: 'x' });
  await client.connect();
  const { rows } = await client.query('SELECT $1::int AS n', [7]);
  await client.end();
  return (rows as readonly { n: number }[])[0]?.n === 7;
}

test('whatever bytes come, the server goes on', { timeout: 600_000 }, async () => {
  await using server = await startScratch();
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom('SELECT 1\0', '\0SELECT $1\0\0\0', '\0\0\0\0\0\0\0\0', 'S\0', 'P\0', '\0\0\0\0\0', 'BEGIN\0', 'COPY t FROM STDIN\0', 'x\0SELECT 1\0\0\u0001\0\0\0\0').map((text) => Buffer.from(text)),
  ); // prettier-ignore
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom('Q', 'P', 'B', 'D', 'E', 'C', 'S', 'H', 'F', 'd', 'c', 'f', 'p', 'X', '?'), body, fc.constantFrom(0, 0, 0, 1, -1, 1000)).map(([type, bytes, lie]) => message(type, bytes, lie)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
  ); // prettier-ignore
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(piece, { maxLength: 8 }), async (hasStartup, pieces) => {
      await talk(server.port, [...(hasStartup ? [startup] : []), ...pieces]);
    }),
    { numRuns: count(150, 5000) },
  );
  expect(await isAlive(server.port)).toBe(true);
});

test('connections that never come in are bounded in number and time', { timeout: 60_000 }, async () => {
  await using server = await startScratch({ limits: { halfOpen: 20, loginMs: 400 } });
  const sockets = Array.from({ length: 200 }, () => connect(server.port, '127.0.0.1').on('error', () => undefined));
  const closed = await Promise.all(sockets.map(async (socket) => await new Promise((resolve) => socket.resume().once('close', resolve))));
  expect(closed).toHaveLength(200);
  expect(await isAlive(server.port)).toBe(true);
});

test('a message that says it is longer than allowed is refused before any of it is kept', async () => {
  await using server = await startScratch({ limits: { messageBytes: 1000 } });
  const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'x', database: 'x' });
  await client.connect();
  const lost = new Promise<unknown>((resolve) => client.once('error', resolve));
  await expect(client.query(`SELECT '${'x'.repeat(2000)}'`)).rejects.toMatchObject({ code: '08P01' });
  await lost;
  expect(await isAlive(server.port)).toBe(true);
});
