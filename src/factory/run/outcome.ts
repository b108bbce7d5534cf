import { LakesteadError } from '#core';

import type { Activity, DependencyCondition } from '../load/factory.ts';

/** How an activity ended; an inactive one counts as it is marked. */
export type Outcome = 'Succeeded' | 'Failed' | 'Skipped' | 'Cancelled';

/** Whether an activity may run, must be skipped, or has to wait, by Data Factory's rules: AND across edges, OR within one. */
export function decide(activity: Activity, outcomes: ReadonlyMap<string, Outcome>): 'run' | 'skip' | 'wait' {
  let result: 'run' | 'skip' = 'run';
  for (const { activity: name, conditions } of activity.dependsOn) {
    const outcome = outcomes.get(name.toLowerCase());
    if (outcome === undefined) return 'wait';
    if (!conditions.some((condition) => fulfils(condition, outcome))) result = 'skip';
  }
  return result;
}

function fulfils(condition: DependencyCondition, outcome: Outcome): boolean {
  if (condition === 'Completed') return outcome === 'Succeeded' || outcome === 'Failed';
  return condition === outcome;
}

/**
 * Data Factory's rule of leaves: the outcome is that of the activities on which nothing depends; a skipped leaf counts as
 * the activities before it. So try-catch succeeds, do-if-else fails when the first step failed, do-if-skip-else succeeds.
 *
 * @returns the names of the activities that failed it; none when it succeeded
 */
export function failedLeaves(activities: readonly Activity[], outcomes: ReadonlyMap<string, Outcome>): readonly string[] {
  const byName = new Map(activities.map((activity) => [activity.name.toLowerCase(), activity]));
  const needed = new Set(activities.flatMap((activity) => activity.dependsOn.map(({ activity: name }) => name.toLowerCase())));
  const failed = new Set<string>();
  const judge = (activity: Activity): void => {
    const outcome = outcomes.get(activity.name.toLowerCase());
    if (outcome === 'Failed' || outcome === 'Cancelled') failed.add(activity.name);
    else if (outcome === 'Skipped') {
      for (const { activity: name } of activity.dependsOn) {
        const before = byName.get(name.toLowerCase());
        if (before !== undefined) judge(before);
      }
    }
  };
  for (const activity of activities) if (!needed.has(activity.name.toLowerCase())) judge(activity);
  return [...failed];
}

/** The error of an activity that a pipeline passes on. */
export function activityError(name: string, error: unknown): LakesteadError {
  if (error instanceof LakesteadError) {
    const { code, message, hint, place, retryable, data } = error;
    return new LakesteadError(code, message, {
      cause: error,
      retryable,
      data: { ...data, activity: data['activity'] ?? name },
      ...(hint === undefined ? {} : { hint }),
      ...(place === undefined ? {} : { place }),
    });
  }
  return new LakesteadError('ACTIVITY_FAILED', `the activity '${name}' failed: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
    data: { activity: name },
  });
}
