import { LakesteadError } from '#core';

/** The error for work that its signal ended: the signal's reason when that is an error of ours, else `CANCELLED`. */
export function cancelled(signal: AbortSignal | undefined, what: string): LakesteadError {
  const reason: unknown = signal?.reason;
  return reason instanceof LakesteadError ? reason : new LakesteadError('CANCELLED', `${what} was cancelled`, { cause: reason });
}

/** @throws {LakesteadError} `CANCELLED` when the signal has aborted */
export function checkCancelled(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted === true) throw cancelled(signal, what);
}
