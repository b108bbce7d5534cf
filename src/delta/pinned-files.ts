import type { ObjectStore } from '#storage';

import type { ScanPlan } from './scan-plan.ts';

/** Plans whose files somebody in this process reads. */
const pinned = new WeakMap<ObjectStore, Set<ScanPlan>>();

/** Keeps a plan's files from a vacuum in this process for as long as the scope lasts. */
export function pinFiles(store: ObjectStore, plan: ScanPlan, scope: { defer(release: () => void): void }): void {
  const plans = pinned.get(store) ?? new Set();
  pinned.set(store, plans);
  plans.add(plan);
  scope.defer(() => plans.delete(plan));
}

/** The files of a table that are being read in this process. */
export function* pinnedFiles({ store, path }: { readonly store: ObjectStore; readonly path: string }): Generator<string> {
  for (const plan of pinned.get(store) ?? []) {
    if (plan.path === path) for (const file of plan.files) yield file.path;
  }
}
