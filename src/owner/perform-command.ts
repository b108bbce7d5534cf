import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { LakesteadError } from '#core';

import { request, tryConnect } from './client.ts';
import { tryLock } from './owner-lock.ts';
import { listen } from './owner.ts';
import type { CommandEvent, CommandRequest, Performer } from './protocol.ts';
import { socketPath } from './socket-path.ts';

/** What an owner has open: how it performs commands, and how it closes. */
export type OpenedProject = AsyncDisposable & { readonly perform: Performer };

export type PerformOptions = {
  /** The project's folder, where `.lakestead/` is. */
  readonly dir: string;
  /** Opens the project: called only when this process becomes the owner. */
  readonly open: () => Promise<OpenedProject>;
  readonly signal: AbortSignal;
  readonly emit: (event: CommandEvent) => void | Promise<void>;
  /** Called when the own command is done and others' commands still run here. */
  readonly onDrain?: (count: number) => void;
  /** How long to wait for an owner that has the lock and does not listen yet. Default 15 s. */
  readonly patienceMs?: number;
};

/**
 * Performs a command on a project: by its owner when there is one, else as the owner for as long as the command runs
 * (and as long as commands of other terminals run in it). An owner that was killed is replaced by the next command.
 */
export async function performCommand(command: CommandRequest, options: PerformOptions): Promise<unknown> {
  const folder = join(options.dir, '.lakestead');
  mkdirSync(folder, { recursive: true });
  const path = socketPath(options.dir);
  const deadline = performance.now() + (options.patienceMs ?? 15_000);
  for (;;) {
    const socket = await tryConnect(path);
    if (socket !== undefined) {
      const answer = await request(socket, command, options);
      if (answer.kind === 'result') return answer.result;
      continue;
    }
    const lock = tryLock(join(folder, 'owner.lock'));
    if (lock !== undefined) {
      using _ = lock;
      return await performAsOwner(command, path, options);
    }
    if (performance.now() > deadline) {
      throw new LakesteadError('OWNER_UNREACHABLE', 'another process owns the project and does not answer', {
        hint: 'wait until it has ended, or end it',
        retryable: true,
      });
    }
    await sleep(50, undefined, { signal: options.signal });
  }
}

async function performAsOwner(command: CommandRequest, path: string, options: PerformOptions): Promise<unknown> {
  // Nothing is opened before the lock is held: two owners must never have the same files open.
  await using project = await options.open();
  const owner = await listen(path, project.perform);
  try {
    return await project.perform(command, options);
  } finally {
    if (owner.activeCount() > 0) options.onDrain?.(owner.activeCount());
    await owner.drain({ cancel: options.signal });
  }
}
