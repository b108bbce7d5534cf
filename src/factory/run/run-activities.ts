import { LakesteadError } from '#core';

import type { ActivityView } from '../expression/index.ts';
import type { Activity } from '../load/factory.ts';
import { findCycle } from '../load/inner-activities.ts';
import type { ActivityScope } from './activity-scope.ts';
import { activityError, decide, failedLeaves, type Outcome } from './outcome.ts';
import { runActivity } from './run-activity.ts';
import type { ActivityRun } from './run-types.ts';

type RanActivities = {
  /** In the order of their end. */
  readonly runs: readonly ActivityRun[];
  /** What expressions behind the list see, of the activities before it too. */
  readonly views: Readonly<Record<string, ActivityView>>;
  readonly error: LakesteadError | undefined;
};

/** Runs a list of activities as its dependencies say. An activity that fails is a result. */
export async function runActivities(activities: readonly Activity[], scope: ActivityScope): Promise<RanActivities> {
  const cycle = findCycle(activities);
  if (cycle !== undefined) throw new LakesteadError('FACTORY_INVALID', `the activities ${cycle.join(' -> ')} wait for each other`);
  const outcomes = new Map<string, Outcome>();
  const views: Record<string, ActivityView> = { ...scope.activities };
  const errors = new Map<string, unknown>();
  const runs: ActivityRun[] = [];
  const running = new Map<string, Promise<void>>();
  const waiting = new Set(activities);
  const finish = (activity: Activity, outcome: Outcome, view: ActivityView) => {
    outcomes.set(activity.name.toLowerCase(), outcome);
    views[activity.name] = view;
  };
  for (;;) {
    let moved = true;
    while (moved) {
      moved = false;
      for (const activity of waiting) {
        const decision = decide(activity, outcomes);
        if (decision === 'wait') continue;
        waiting.delete(activity);
        moved = true;
        if (scope.signal.aborted || decision === 'skip') {
          runs.push(skipped(activity, scope));
          finish(activity, 'Skipped', { status: 'Skipped' });
        } else if (activity.inactiveAs !== undefined) {
          runs.push({ ...skipped(activity, scope), status: 'Inactive' });
          finish(activity, activity.inactiveAs, { status: 'Inactive' });
        } else {
          const work = runActivity(activity, { ...scope, activities: views }).then((result) => {
            runs.push(...result.runs);
            if (result.error !== undefined) errors.set(activity.name, result.error);
            finish(activity, result.outcome, result.view);
            running.delete(activity.name);
          });
          running.set(activity.name, work);
        }
      }
    }
    if (running.size === 0) break;
    await Promise.race(running.values());
  }
  for (const activity of waiting) {
    const missing = activity.dependsOn.find(
      ({ activity: name }) => !activities.some((one) => one.name.toLowerCase() === name.toLowerCase()),
    );
    throw new LakesteadError('FACTORY_INVALID', `the activity '${activity.name}' depends on '${missing?.activity}', which is not there`, {
      place: activity.place,
    });
  }
  if (scope.signal.aborted) {
    const reason: unknown = scope.signal.reason;
    const [first] = [...errors.values()];
    return {
      runs,
      views,
      error:
        reason instanceof LakesteadError
          ? reason
          : first instanceof LakesteadError
            ? first
            : new LakesteadError('CANCELLED', 'the run was cancelled'),
    };
  }
  const [failed] = failedLeaves(activities, outcomes);
  return {
    runs,
    views,
    error:
      failed === undefined
        ? undefined
        : activityError(failed, errors.get(failed) ?? new LakesteadError('ACTIVITY_FAILED', `the activity '${failed}' failed`)),
  };
}

function skipped(activity: Activity, { state, iteration }: ActivityScope): ActivityRun {
  return {
    name: activity.name,
    type: activity.type,
    status: 'Skipped',
    startedAt: state.clock.now().toISOString(),
    durationMs: 0,
    ...(iteration === undefined ? {} : { iteration }),
  };
}
