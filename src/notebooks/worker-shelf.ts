import { Worker } from 'node:worker_threads';

/** Heap of a notebook's worker, where nothing else is said. */
export const defaultMemoryBytes = 512 * 1024 * 1024;

/**
 * Keeps one worker ready while notebooks are still to come: starting one takes longer than most notebooks of small
 * tables. Each serves one run of one notebook. Closing the shelf ends the one that nobody took.
 */
export class WorkerShelf implements Disposable {
  readonly #memoryBytes: number;
  /** How many notebooks are still expected. */
  #expected: number;
  #ready: Worker | undefined;

  /** @param expected how many notebooks will run; an empty shelf starts each worker when it is asked for */
  constructor(expected = 0, memoryBytes = defaultMemoryBytes) {
    this.#memoryBytes = memoryBytes;
    this.#expected = expected;
    this.#prepare();
  }

  /** A worker that waits for its {@link WorkerStart}, with at most `memoryBytes` of heap. Whoever takes it ends it. */
  take(memoryBytes = defaultMemoryBytes): Worker {
    const worker = memoryBytes === this.#memoryBytes ? this.#ready : undefined;
    if (worker === undefined) return startWorker(memoryBytes);
    worker.ref();
    this.#prepare();
    return worker;
  }

  #prepare(): void {
    const worker = this.#expected > 0 ? startWorker(this.#memoryBytes) : undefined;
    this.#ready = worker;
    this.#expected -= 1;
    // Waiting alone does not keep the process alive.
    worker?.unref();
    // One that dies while it waits is nobody's failure: the next notebook gets a fresh one, and says what that dies of.
    const forget = () => {
      if (this.#ready === worker) this.#ready = undefined;
    };
    worker?.on('error', forget).on('exit', forget);
  }

  [Symbol.dispose](): void {
    void this.#ready?.terminate();
    this.#ready = undefined;
    this.#expected = 0;
  }
}

function startWorker(memoryBytes: number): Worker {
  // The worker keeps this file's own extension: .ts in a checkout, .js in the installed package.
  const entry = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);
  return new Worker(entry, { resourceLimits: { maxOldGenerationSizeMb: memoryBytes / 1024 / 1024 }, stdout: true, stderr: true });
}
