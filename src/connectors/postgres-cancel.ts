import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { type PostgresSettings, reveal } from './postgres-settings.ts';

/** What a server gives each connection at its start, and wants back from who interrupts it. */
export type CancelKey = { readonly processId: number; readonly secretKey: number };

/** A server that does not take the request within this time is not waited for. */
const patienceMs = 3000;

/**
 * PostgreSQL's CancelRequest: interrupts the statement that a connection runs, by way of a second one without login
 * (Frontend/Backend Protocol, "Canceling Requests in Progress"). Whether it helped shows in the statement alone, so this
 * never fails. The server closes the connection after it has sent the signal: only then may the next statement go out,
 * or it would be the one that is interrupted.
 */
export async function requestCancel(settings: PostgresSettings, key: CancelKey): Promise<void> {
  const host = reveal(settings.host);
  const socket = connect({ host, port: settings.port });
  socket.setTimeout(patienceMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  // A connection that is closed without an error would leave a wait for its next event forever.
  const gone = new AbortController();
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve(gone.abort())));
  try {
    await once(socket, 'connect', gone);
    const channel = settings.ssl === false ? socket : await encrypt(socket, settings.ssl, host, gone);
    channel.end(message(80877102, key.processId, key.secretKey));
    channel.resume();
  } catch {
    socket.destroy(); // the request is made again, and a server that does not take it loses the connection
  }
  await closed;
}

/** TLS as the connection itself has it: the key is a secret of that connection. */
async function encrypt(
  socket: Socket,
  options: Exclude<PostgresSettings['ssl'], false>,
  host: string,
  gone: AbortController,
): Promise<Socket> {
  socket.write(message(80877103));
  const [answer] = (await once(socket, 'data', gone)) as [Buffer]; // no encoding is set: chunks are bytes
  if (answer.toString('latin1') !== 'S') throw new Error('the server does not take TLS');
  const secure = connectTls({ ...options, socket, host });
  secure.on('error', () => socket.destroy());
  await once(secure, 'secureConnect', gone);
  return secure;
}

/** A message of the start of a connection: its length, then whole numbers of four bytes. */
function message(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + 4 * numbers.length);
  for (const [index, number] of [bytes.length, ...numbers].entries()) bytes.writeInt32BE(number, 4 * index);
  return bytes;
}
