import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** Messages that arrive, one JSON document a line, until the other side closes. */
export async function* receive(socket: Socket): AsyncGenerator {
  for await (const line of createInterface({ input: socket, crlfDelay: Infinity })) {
    if (line !== '') yield JSON.parse(line);
  }
}

/** Sends one message; waits while the other side is slow. A side that is gone loses it, which is for the reader to notice. */
export async function send(socket: Socket, message: unknown): Promise<void> {
  if (socket.destroyed || !socket.writable) return;
  if (!socket.write(`${JSON.stringify(message)}\n`)) {
    await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
  }
}
