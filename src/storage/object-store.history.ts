import fc from 'fast-check';
import { expect, test } from 'vitest';

import { LakesteadError } from '#core';

import { compareUtf8 } from './object-path.ts';
import type { ObjectStore } from './object-store.ts';

const paths = ['a', 'b/x', 'b/y', 'b/z/1', 'b-c', 'd/é', 'e/%41'];
const client = fc.nat(2);
const path = fc.constantFrom(...paths);
const content = fc.uint8Array({ maxLength: 40 });
const operation = fc.oneof(
  fc.record({ kind: fc.constantFrom('put' as const, 'putIfAbsent' as const), client, path, content }),
  fc.record({ kind: fc.constant('get' as const), client, path, start: fc.nat(45), length: fc.nat(45) }),
  fc.record({ kind: fc.constantFrom('find' as const, 'delete' as const), client, path }),
  fc.record({ kind: fc.constant('copy' as const), client, path, from: path }),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
const listing = fc.record({
  kind: fc.constant('list' as const),
  client,
  prefix: fc.constantFrom('', 'b', 'd', 'none'),
  after: fc.option(path),
});
/** Operations of a batch run at the same time. */
const batch = fc.oneof({ weight: 3, arbitrary: fc.array(operation, { minLength: 1, maxLength: 5 }) }, { weight: 1, arbitrary: listing });

/**
 * Plays random histories of three clients of one store against a map. What runs at the same time touches different
 * paths, so that there is one right answer; only `putIfAbsent` may race for one.
 */
export function describeRandomHistory(
  name: string,
  open: () => Promise<{ readonly clients: readonly ObjectStore[] } & AsyncDisposable>,
  runs: number,
): void {
  test(`${name}: every answer of a random history is that of a map`, { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { maxLength: 25 }), async (history) => {
        await using opened = await open();
        const model = new Map<string, Uint8Array>();
        for (const step of history) {
          const store = (index: number) => opened.clients[index % opened.clients.length] ?? opened.clients[0];
          if (Array.isArray(step)) {
            const together = withoutClashes(step);
            const answers = await Promise.all(together.map(async (one) => await perform(store(one.client), one)));
            expect(answers).toEqual(expected(model, together, answers));
          } else {
            const found: unknown[] = [];
            for await (const info of store(step.client)?.list(step.prefix, { after: step.after ?? undefined }) ?? [])
              found.push([info.path, info.sizeBytes]);
            expect(found).toEqual(expectedList(model, step.prefix, step.after));
          }
        }
        for (const [one, bytes] of model) expect([...((await opened.clients[0]?.get(one)) ?? [])]).toEqual([...bytes]);
      }),
      { numRuns: runs },
    );
  });
}

function withoutClashes(batched: readonly Operation[]): readonly Operation[] {
  const touched = new Map<string, Operation['kind']>();
  return batched.filter((one) => {
    const names = one.kind === 'copy' ? [one.path, one.from] : [one.path];
    const isFree = names.every((name) => !touched.has(name) || (one.kind === 'putIfAbsent' && touched.get(name) === 'putIfAbsent'));
    if (isFree) for (const name of names) touched.set(name, one.kind);
    return isFree && !(one.kind === 'copy' && one.path === one.from);
  });
}

async function perform(store: ObjectStore | undefined, one: Operation): Promise<unknown> {
  if (store === undefined) throw new Error('no client');
  try {
    switch (one.kind) {
      case 'get':
        return [...(await store.get(one.path, { start: one.start, end: one.start + one.length }))];
      case 'find':
        return (await store.find(one.path))?.sizeBytes ?? 'absent';
      case 'put':
      case 'putIfAbsent':
        await store[one.kind](one.path, one.content);
        return 'done';
      case 'delete':
        await store.delete(one.path);
        return 'done';
      case 'copy':
        await store.copy(one.from, one.path);
        return 'done';
    }
  } catch (error) {
    if (error instanceof LakesteadError) return error.code;
    throw error;
  }
}

/** What the map says, which it is changed to. Of several that race for a name the one that answered `done` is taken. */
function expected(model: Map<string, Uint8Array>, together: readonly Operation[], answers: readonly unknown[]): unknown[] {
  return together.map((one, index) => {
    const there = model.get(one.path);
    switch (one.kind) {
      case 'get':
        return there === undefined ? 'STORAGE_NOT_FOUND' : Array.from(there.subarray(one.start, one.start + one.length));
      case 'find':
        return there?.length ?? 'absent';
      case 'put':
        model.set(one.path, one.content);
        return 'done';
      case 'putIfAbsent': {
        if (there !== undefined) return 'STORAGE_EXISTS';
        const winner = together.findIndex((other, at) => other.kind === 'putIfAbsent' && other.path === one.path && answers[at] === 'done');
        if (winner !== index) return winner < 0 ? 'done' : 'STORAGE_EXISTS'; // without a winner the first should have been it
        model.set(one.path, one.content);
        return 'done';
      }
      case 'delete':
        model.delete(one.path);
        return 'done';
      case 'copy': {
        const source = model.get(one.from);
        if (source === undefined) return 'STORAGE_NOT_FOUND';
        model.set(one.path, source);
        return 'done';
      }
    }
  });
}

function expectedList(model: ReadonlyMap<string, Uint8Array>, prefix: string, after: string | null): unknown[] {
  return [...model]
    .filter(([one]) => (prefix === '' || one.startsWith(`${prefix}/`)) && (after === null || compareUtf8(one, after) > 0))
    .toSorted(([a], [b]) => compareUtf8(a, b))
    .map(([one, { length }]) => [one, length]);
}
