import { connect, type Socket } from 'node:net';

import { type ErrorDocument, LakesteadError, reviveError } from '#core';

import { receive, send } from './message-stream.ts';
import type { ClientMessage, CommandEvent, CommandRequest, OwnerMessage } from './protocol.ts';

/** A connection to the owner, or undefined when nobody listens. */
export async function tryConnect(path: string): Promise<Socket | undefined> {
  return await new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.once('connect', () => resolve(socket));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // A reset is an owner that ended while we waited for it to take us.
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET') resolve(undefined);
      else reject(new LakesteadError('OWNER_UNREACHABLE', `cannot reach the owner of the project: ${error.message}`, { cause: error }));
    });
  });
}

/** What became of a request: `refused` when the owner ended before it took the command. */
export type Answer = { readonly kind: 'result'; readonly result: unknown } | { readonly kind: 'refused' };

/** Has the owner perform a command. Throws what it threw; `OWNER_STOPPED` when it ended before it answered. */
export async function request(
  socket: Socket,
  command: CommandRequest,
  context: { readonly signal: AbortSignal; readonly emit: (event: CommandEvent) => void | Promise<void> },
): Promise<Answer> {
  let isAccepted = false;
  const cancel = () => void send(socket, { type: 'cancel' } satisfies ClientMessage);
  context.signal.addEventListener('abort', cancel, { once: true });
  socket.on('error', () => socket.destroy());
  try {
    await send(socket, { type: 'command', ...command } satisfies ClientMessage);
    if (context.signal.aborted) cancel();
    for await (const received of untilGone(receive(socket))) {
      // Both ends are the same program, and the owner's side is typed: nothing foreign comes in here.
      const message = received as OwnerMessage;
      if (message.type === 'event') await context.emit(message.event);
      else if (message.type === 'accepted') isAccepted = true;
      else if (message.type === 'result') return { kind: 'result', result: message.result };
      else if (message.type === 'error') throw reviveError(message.error satisfies ErrorDocument);
    }
    if (!isAccepted) return { kind: 'refused' };
    throw new LakesteadError('OWNER_STOPPED', 'the process that owns the project ended before it answered', {
      hint: 'run the command again: a new owner takes over by itself',
      retryable: true,
    });
  } finally {
    context.signal.removeEventListener('abort', cancel);
    socket.destroy();
  }
}

/** Messages until the other side is gone, be it by a reset of the connection. */
async function* untilGone(messages: AsyncIterable<unknown>): AsyncGenerator {
  try {
    yield* messages;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE'))) throw error;
  }
}
