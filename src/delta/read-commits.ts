import type { ObjectStore } from '#storage';

import { type Action, parseCommit } from './actions.ts';
import type { CommitFile } from './log-segment.ts';

const readsAtOnce = 8;

/** Reads and checks commits, a few at a time, in order. */
export async function readCommits(
  store: ObjectStore,
  commits: readonly CommitFile[],
): Promise<readonly { readonly actions: readonly Action[]; readonly path: string; readonly commit: CommitFile }[]> {
  const decoder = new TextDecoder();
  const found: { actions: readonly Action[]; path: string; commit: CommitFile }[] = [];
  for (let start = 0; start < commits.length; start += readsAtOnce) {
    const slice = commits.slice(start, start + readsAtOnce);
    const texts = await Promise.all(slice.map(async ({ path }) => decoder.decode(await store.get(path))));
    slice.forEach((commit, index) => found.push({ actions: parseCommit(texts[index] ?? '', commit.path), path: commit.path, commit }));
  }
  return found;
}
