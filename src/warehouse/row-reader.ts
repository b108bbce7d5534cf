import type { Batch } from '#engine';

/**
 * Rows on their way to the client, counted. An error ends the rows, and belongs to the batch: {@link RowReader.finish}
 * throws it, so that a CATCH block of the batch can take it.
 */
export class RowReader implements AsyncIterable<Batch> {
  readonly #batches: AsyncIterator<Batch>;
  #rowCount = 0n;
  #isDone = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(batches: AsyncIterator<Batch>) {
    this.#batches = batches;
  }

  [Symbol.asyncIterator](): AsyncIterator<Batch> {
    return { next: async () => await this.#next() };
  }

  async #next(): Promise<IteratorResult<Batch, undefined>> {
    if (this.#isDone) return { done: true, value: undefined };
    try {
      const step = await this.#batches.next();
      if (step.done !== true) {
        this.#rowCount += BigInt(step.value.rowCount);
        return step;
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#isDone = true;
    return { done: true, value: undefined };
  }

  /** Reads what the client left: @@ROWCOUNT counts it. Gives the number of all rows. */
  async finish(): Promise<bigint> {
    while (!this.#isDone) await this.#next();
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#rowCount;
  }
}
