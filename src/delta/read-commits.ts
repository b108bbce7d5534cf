import { LakesteadError } from '#core';
import type { ObjectStore } from '#storage';

import { type Action, type DeletionVectorDescriptor, parseCommit } from './actions.ts';
import type { CommitFile } from './log-segment.ts';
import { deletionVectorId } from './replay.ts';

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
    slice.forEach((commit, index) => {
      const actions = parseCommit(texts[index] ?? '', commit.path);
      if (commit.path.endsWith('.compacted.json')) checkCompacted(actions, commit.path);
      found.push({ actions, path: commit.path, commit });
    });
  }
  return found;
}

/** A compaction has the last word on each file. One that both adds and removes a file says neither. */
function checkCompacted(actions: readonly Action[], path: string): void {
  const keyOf = (action: { readonly path: string; readonly deletionVector?: DeletionVectorDescriptor | undefined }) =>
    `${action.path}\0${deletionVectorId(action.deletionVector)}`;
  const removed = new Set(actions.flatMap(({ remove }) => (remove ? [keyOf(remove)] : [])));
  const both = actions.find(({ add }) => (add ? removed.has(keyOf(add)) : false));
  if (both === undefined) return;
  throw new LakesteadError(
    'DELTA_CORRUPT',
    `${path} both adds and removes the file ${both.add?.path ?? ''}: it does not say what the commits that it stands for came to`,
    {
      hint: 'restore the commits that it was made of, or read another version with --version',
    },
  );
}
