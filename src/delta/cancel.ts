import { setTimeout as sleep } from 'node:timers/promises';

import { LakesteadError } from '#core';

/** Throws `CANCELLED`, or the signal's reason when that is an error of ours, once the signal is aborted. */
export function checkCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  if (signal.reason instanceof LakesteadError) throw signal.reason;
  throw new LakesteadError('CANCELLED', 'the work on the table was cancelled', { cause: signal.reason });
}

/** Waits, or throws as {@link checkCancelled} does as soon as the signal is aborted. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (error) {
    checkCancelled(signal);
    throw error;
  }
}
