import { setTimeout as sleep } from 'node:timers/promises';

import { describeError } from '#core';
import { openLocalStore } from '#storage';

// A process that a test starts: it races for names, or reads one object over and over.
type Work =
  | { readonly kind: 'race'; readonly root: string; readonly rounds: number; readonly writer: number; readonly startAt: number }
  | { readonly kind: 'read'; readonly root: string; readonly size: number; readonly reads: number };

async function race(work: Extract<Work, { kind: 'race' }>): Promise<number[]> {
  const store = await openLocalStore(work.root);
  await sleep(Math.max(0, work.startAt - Date.now()));
  const won: number[] = [];
  for (let round = 0; round < work.rounds; round += 1) {
    try {
      await store.putIfAbsent(`race/${round}`, Buffer.from(String(work.writer)));
      won.push(round);
    } catch (error) {
      if (describeError(error).code !== 'STORAGE_EXISTS') throw error;
    }
  }
  return won;
}

async function read(work: Extract<Work, { kind: 'read' }>): Promise<number> {
  const store = await openLocalStore(work.root);
  let torn = 0;
  for (let left = work.reads; left > 0; left -= 1) {
    const found = await store.get('object');
    if (found.length !== work.size || found.some((byte) => byte !== found[0])) torn += 1;
  }
  return torn;
}

process.once('message', (work: Work) => {
  (work.kind === 'race' ? race(work) : read(work)).then(
    (answer) => process.send?.(answer, () => process.exit(0)),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
