import type { Batch } from '#engine';

/**
 * Between the wire and who takes the rows: one batch waits at most. Whoever brings the next waits until it is taken, and
 * with it the socket and the server.
 */
export class RowChannel {
  #waiting: Batch | undefined;
  #ended = false;
  #error: unknown;
  #discards = false;
  #changed = Promise.withResolvers<void>();

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** Resolves when there is room for the next batch. */
  async put(batch: Batch): Promise<void> {
    while (this.#waiting !== undefined && !this.#discards) await this.#changed.promise;
    if (this.#discards) return;
    this.#waiting = batch;
    this.#notify();
  }

  /** No more batches come. With an error, taking the next throws it. */
  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#notify();
  }

  /** What comes from now on is dropped: nobody takes it any more. */
  discard(): void {
    this.#discards = true;
    this.#waiting = undefined;
    this.#notify();
  }

  /** The next batch, or undefined at the end. */
  async take(): Promise<Batch | undefined> {
    for (;;) {
      const batch = this.#waiting;
      if (batch !== undefined) {
        this.#waiting = undefined;
        this.#notify();
        return batch;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return undefined;
      await this.#changed.promise;
    }
  }
}
