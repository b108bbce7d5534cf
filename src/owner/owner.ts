import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';

import { z } from 'zod';

import { describeError, LakesteadError } from '#core';

import { receive, send } from './message-stream.ts';
import type { CommandEvent, OwnerMessage, Performer } from './protocol.ts';

const clientMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('command'), command: z.string(), args: z.unknown() }),
  z.object({ type: z.literal('cancel') }),
  z.object({ type: z.literal('ping') }),
]);

/** A listening owner. */
export type Owner = {
  /** Commands of other terminals that are running now. */
  activeCount(): number;
  /** Takes no more commands and resolves when those that run have ended; `cancel` ends them. */
  drain(options?: { readonly cancel?: AbortSignal }): Promise<void>;
};

/** Listens for the commands of other terminals and performs them. The caller holds the owner's lock. */
export async function listen(path: string, perform: Performer): Promise<Owner> {
  const running = new Map<Promise<void>, AbortController>();
  const server = createServer((socket) => {
    const abort = new AbortController();
    const done = serve(socket, perform, abort).finally(() => running.delete(done));
    running.set(done, abort);
  });
  if (process.platform !== 'win32') rmSync(path, { force: true });
  await started(server, path);
  return {
    activeCount: () => running.size,
    drain: async (options = {}) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const cancelAll = () => {
        for (const abort of running.values())
          abort.abort(new LakesteadError('OWNER_STOPPED', 'the process that owns the project was stopped'));
      };
      options.cancel?.addEventListener('abort', cancelAll, { once: true });
      if (options.cancel?.aborted) cancelAll();
      await Promise.allSettled(running.keys());
      await closed;
    },
  };
}

async function started(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function serve(socket: Socket, perform: Performer, abort: AbortController): Promise<void> {
  const reply = (message: OwnerMessage) => send(socket, message);
  let work: Promise<void> | undefined;
  // A client that went away cannot want the rest of its command.
  socket.on('error', () => abort.abort());
  socket.on('close', () => abort.abort(new LakesteadError('CANCELLED', 'the terminal that asked for the command is gone')));
  try {
    for await (const received of receive(socket)) {
      const message = clientMessageSchema.parse(received);
      if (message.type === 'ping') await reply({ type: 'pong', pid: process.pid });
      else if (message.type === 'cancel') abort.abort(new LakesteadError('CANCELLED', 'the command was cancelled'));
      else work ??= answer(message, perform, abort.signal, reply).finally(() => socket.end());
    }
  } catch (error) {
    await reply({ type: 'error', error: describeError(error) });
  }
  await work;
  socket.destroy();
}

async function answer(
  request: { readonly command: string; readonly args?: unknown },
  perform: Performer,
  signal: AbortSignal,
  reply: (message: OwnerMessage) => Promise<void>,
): Promise<void> {
  try {
    await reply({ type: 'accepted' });
    const emit = (event: CommandEvent) => reply({ type: 'event', event });
    const result = await perform({ command: request.command, args: request.args }, { signal, emit });
    await reply({ type: 'result', result });
  } catch (error) {
    await reply({ type: 'error', error: describeError(error) });
  }
}
