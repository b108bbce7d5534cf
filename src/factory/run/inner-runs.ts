import { LakesteadError } from '#core';

import type { ActivityRun } from './run-types.ts';

const innerRuns = new WeakMap<object, readonly ActivityRun[]>();

/** An error of a loop, a branch or a pipeline, with what ran inside until it failed. */
export function withInnerRuns(error: LakesteadError, runs: readonly ActivityRun[], message = error.message): LakesteadError {
  const { code, hint, place, data, retryable } = error;
  const copy = new LakesteadError(code, message, {
    cause: error,
    data,
    retryable,
    ...(hint === undefined ? {} : { hint }),
    ...(place === undefined ? {} : { place }),
  });
  innerRuns.set(copy, runs);
  return copy;
}

/** What ran inside until the error; undefined for any other error. */
export function innerRunsOf(error: unknown): readonly ActivityRun[] | undefined {
  return typeof error === 'object' && error !== null ? innerRuns.get(error) : undefined;
}
