import fc from 'fast-check';

import { LakesteadError } from '#core';
import type { ObjectStore } from '#storage';

import { ClientCrash, type FaultRates, type SimulatedStore } from './simulated-store.ts';

/** What a client believes of a step of its own. */
export type Belief = { readonly id: string; readonly outcome: 'committed' | 'refused' | 'unknown'; readonly version?: number };

/** How often each kind of trouble comes. */
const rate = fc.double({ min: 0, max: 0.15, noNaN: true });
export const rates: fc.Arbitrary<FaultRates> = fc.record({
  lostRequest: rate,
  lostAnswer: rate,
  doubled: rate,
  late: rate,
  crash: fc.double({ min: 0, max: 0.01, noNaN: true }),
});
export const seed = fc.nat();
const dayMs = 86_400_000;

/** Runs each client's steps, at the same time; a client that crashed is followed by a new one, as a process would be started again. */
export async function play<Step>(
  store: SimulatedStore,
  clients: readonly (readonly Step[])[],
  random: () => number,
  perform: (client: ObjectStore, step: Step, id: string) => Promise<number>,
): Promise<Belief[]> {
  const beliefs: Belief[] = [];
  await Promise.all(
    clients.map(async (steps, index) => {
      let client = store.client((random() - 0.5) * dayMs);
      for (const [turn, step] of steps.entries()) {
        const id = `${index}-${turn}`;
        try {
          beliefs.push({ id, outcome: 'committed', version: await perform(client, step, id) });
        } catch (error) {
          if (client.hasCrashed) client = store.client((random() - 0.5) * dayMs);
          else if (!(error instanceof LakesteadError) || error instanceof ClientCrash) throw error;
          beliefs.push({ id, outcome: error instanceof LakesteadError && error.code === 'DELTA_CONFLICT' ? 'refused' : 'unknown' });
        }
      }
    }),
  );
  await store.settle();
  return beliefs;
}
