import { setTimeout as sleep } from 'node:timers/promises';

import { LakesteadError } from '#core';

import { cancelled, checkCancelled } from '../cancelled.ts';

/** How long a request to a remote store is tried. */
export type RetryLimits = {
  /** Attempts in all. */
  readonly maxTries: number;
  /** How long one attempt may take. */
  readonly tryTimeoutMs: number;
  /**
   * The wait after the first attempt; it doubles, up to `maxDelayMs`. A server's Retry-After is taken when it is longer; one
   * that is longer than `tryTimeoutMs` is not waited for.
   */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
};

export const defaultRetryLimits: RetryLimits = { maxTries: 6, tryTimeoutMs: 60_000, minDelayMs: 200, maxDelayMs: 20_000 };

/** An attempt that failed, and how long the server asked to wait. */
export type FailedTry = { readonly error: LakesteadError; readonly retryAfterMs?: number | undefined };

export type RetryOptions = {
  readonly limits: RetryLimits;
  readonly classify: (error: unknown) => FailedTry;
  readonly signal?: AbortSignal | undefined;
  /** For messages: `reading https://...`. */
  readonly what: string;
};

/**
 * Tries until it works, what failed is not worth trying again, or the limits are reached. `work` is given the signal of
 * its attempt, which ends with the caller's or after `tryTimeoutMs`.
 *
 * @throws {LakesteadError} `CANCELLED` when the caller's signal aborts, else the last attempt's error
 */
export async function withRetries<T>(work: (signal: AbortSignal) => Promise<T>, options: RetryOptions): Promise<T> {
  const { limits, classify, signal, what } = options;
  for (let tries = 1; ; tries += 1) {
    checkCancelled(signal, what);
    const timer = AbortSignal.timeout(limits.tryTimeoutMs);
    try {
      return await work(signal === undefined ? timer : AbortSignal.any([signal, timer]));
    } catch (thrown) {
      if (signal?.aborted === true) throw cancelled(signal, what);
      const { error, retryAfterMs = 0 } = timer.aborted ? { error: noAnswer(what, limits, thrown) } : classify(thrown);
      if (!error.retryable || tries >= limits.maxTries) throw tries === 1 ? error : triedAgain(error, tries);
      if (retryAfterMs > limits.tryTimeoutMs) throw askedToWait(error, retryAfterMs);
      const delay = Math.min(limits.maxDelayMs, limits.minDelayMs * 2 ** (tries - 1));
      // Half of the wait is chance, so that clients that were throttled together do not come back together.
      await wait(Math.max(retryAfterMs, delay * (0.5 + Math.random() / 2)), signal, what);
    }
  }
}

function noAnswer(what: string, limits: RetryLimits, cause: unknown): LakesteadError {
  return new LakesteadError('STORAGE_UNREACHABLE', `${what}: no answer within ${limits.tryTimeoutMs} ms`, {
    cause: cause instanceof LakesteadError ? cause : undefined, // a driver's error may hold the request, and that its signature
    retryable: true,
    hint: 'check the network and the address; retry.tryTimeout in lakestead.yaml sets the limit',
  });
}

function askedToWait(error: LakesteadError, retryAfterMs: number): LakesteadError {
  return new LakesteadError(error.code, `${error.message}; the server asks to wait for ${Math.ceil(retryAfterMs / 1000)} s`, {
    cause: error.cause,
    retryable: true,
    ...(error.data === undefined ? {} : { data: error.data }),
    hint: 'try again later',
  });
}

function triedAgain(error: LakesteadError, tries: number): LakesteadError {
  return new LakesteadError(error.code, `${error.message} (after ${tries} attempts)`, {
    cause: error.cause,
    retryable: error.retryable,
    data: { ...error.data, tries },
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

async function wait(ms: number, signal: AbortSignal | undefined, what: string): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch {
    throw cancelled(signal, what); // only the signal ends a sleep early
  }
}
