import { LakesteadError } from '#core';
import { type ObjectInfo, type ObjectStore, openMemoryStore, type StagedFile, type StagedFolder } from '#storage';

/** How often a call suffers what, from 0 to 1. */
export type FaultRates = {
  /** The request never arrives; the caller sees a time-out. */
  readonly lostRequest: number;
  /** The work is done, the answer lost. */
  readonly lostAnswer: number;
  /** The request arrives twice; the answer is the second one's. */
  readonly doubled: number;
  /** The caller sees a time-out; the work is done later, after other calls. */
  readonly late: number;
  /** The caller ends here: this call may or may not be done, and none after it. */
  readonly crash: number;
};

export const calm: FaultRates = { lostRequest: 0, lostAnswer: 0, doubled: 0, late: 0, crash: 0 };

/** What a client that crashed throws: nobody may catch it and go on. */
export class ClientCrash extends Error {
  override readonly name = 'ClientCrash';
}

/** One client's way to the store. */
type SimulatedClient = ObjectStore & { readonly hasCrashed: boolean };

/** A store in memory behind a network that plays tricks, all by one seed. */
export type SimulatedStore = AsyncDisposable & {
  /** What is really there. */
  readonly truth: ObjectStore;
  /** Calls that were made. */
  readonly calls: number;
  /** @param skewMs how far the times that this client sees are off */
  client(skewMs?: number): SimulatedClient;
  /** Waits until nothing is under way any more, late work too. */
  settle(): Promise<void>;
};

/** Numbers from 0 to 1 by a seed: mulberry32. */
export function randomBy(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Opens an empty store. Calls under way at the same time are done in an order that the seed decides. */
export function openSimulatedStore(seed: number, rates: FaultRates): SimulatedStore {
  const truth = openMemoryStore({ name: 'simulated' });
  const random = randomBy(seed);
  const waiting: (() => Promise<void>)[] = [];
  let pumping: Promise<void> | undefined;
  let calls = 0;

  const pump = async () => {
    while (waiting.length > 0) {
      const [next] = waiting.splice(Math.floor(random() * waiting.length), 1);
      await next?.();
      await new Promise(setImmediate); // whoever got an answer makes its next call: it joins the draw
    }
    pumping = undefined;
  };
  /** Does work at some time, after or before other work that waits. */
  const schedule = async <T>(work: () => Promise<T>): Promise<T> => {
    const done = Promise.withResolvers<T>();
    waiting.push(async () => {
      await work().then(done.resolve, done.reject);
    });
    pumping ??= pump();
    return await done.promise;
  };

  const makeClient = (skewMs: number): SimulatedClient => {
    let hasCrashed = false;
    const crash = () => {
      hasCrashed = true;
      return new ClientCrash('the client ended here');
    };
    const timeOut = (what: string) => new LakesteadError('STORAGE_UNREACHABLE', `${what}: no answer (simulated)`, { retryable: true });
    const call = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
      if (hasCrashed) throw crash();
      calls += 1;
      let chance = random();
      const suffers = (rate: number) => (chance -= rate) < 0;
      if (suffers(rates.lostRequest)) {
        await schedule(async () => await Promise.resolve());
        throw timeOut(what);
      }
      if (suffers(rates.late)) {
        await schedule(async () => await Promise.resolve());
        void schedule(work).catch(() => undefined); // nobody waits for its answer
        throw timeOut(what);
      }
      if (suffers(rates.crash)) {
        if (random() < 0.5) await schedule(work).catch(() => undefined); // its answer finds nobody
        throw crash();
      }
      const losesAnswer = suffers(rates.lostAnswer);
      const isDoubled = suffers(rates.doubled);
      if (isDoubled) await schedule(work).catch(() => undefined); // the caller sees the second answer only
      const answer = await schedule(work);
      if (losesAnswer) throw timeOut(what);
      return answer;
    };
    const skewed = (info: ObjectInfo): ObjectInfo => ({ ...info, modifiedAt: new Date(info.modifiedAt.getTime() + skewMs) });
    return {
      root: truth.root,
      get hasCrashed() {
        return hasCrashed;
      },
      get: async (path, range) => await call(`get ${path}`, async () => await truth.get(path, range)),
      find: async (path) =>
        await call(`find ${path}`, async () => {
          const found = await truth.find(path);
          return found && skewed(found);
        }),
      put: async (path, bytes) => await call(`put ${path}`, async () => await truth.put(path, bytes)),
      putIfAbsent: async (path, bytes) => await call(`putIfAbsent ${path}`, async () => await truth.putIfAbsent(path, bytes)),
      list: async function* (prefix, options) {
        yield* await call(`list ${prefix}`, async () => {
          const found: ObjectInfo[] = [];
          for await (const info of truth.list(prefix, options)) found.push(skewed(info));
          return found;
        });
      },
      entries: async (folder) => await call(`entries ${folder}`, async () => await truth.entries(folder)),
      delete: async (path) => await call(`delete ${path}`, async () => await truth.delete(path)),
      deleteFolder: async (path) => await call(`delete ${path}`, async () => await truth.deleteFolder(path)),
      copy: async (from, to) => await call(`copy ${from}`, async () => await truth.copy(from, to)),
      stage: async (path): Promise<StagedFile> => {
        const staged = await truth.stage(path);
        // Kept until discarded: a request that is sent twice reads the file twice.
        let published: Promise<{ readonly sizeBytes: number }> | undefined;
        return {
          ...staged,
          publish: async (options) => await call(`publish ${path}`, async () => await (published ??= staged.publish(options))),
        };
      },
      stageFolder: async (): Promise<StagedFolder> => {
        const staged = await truth.stageFolder();
        return { ...staged, publish: async (files) => await call('publish files', async () => await staged.publish(files)) };
      },
      readable: async (path) => await call(`read ${path}`, async () => await truth.readable(path)),
    };
  };
  return {
    truth,
    get calls() {
      return calls;
    },
    client: (skewMs = 0) => makeClient(skewMs),
    settle: async () => {
      await pumping; // nobody makes calls any more, so what is under way ends with it
    },
    [Symbol.asyncDispose]: async () => await truth[Symbol.asyncDispose](),
  };
}
