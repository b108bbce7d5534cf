/** Lets so many hold it at a time; more wait in order. */
export class Limiter {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(atATime: number) {
    this.#free = atATime;
  }

  /**
   * Waits for a place; whoever got one gives it back with {@link release}.
   *
   * @param cancelled makes the error for a wait that its signal ended, or that had ended before it began
   */
  async acquire(signal: AbortSignal | undefined, cancelled: () => Error): Promise<void> {
    if (signal?.aborted === true) throw cancelled();
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const grant = () => {
        signal?.removeEventListener('abort', abandon);
        resolve();
      };
      const abandon = () => {
        this.#waiting.splice(this.#waiting.indexOf(grant), 1);
        reject(cancelled());
      };
      this.#waiting.push(grant);
      signal?.addEventListener('abort', abandon, { once: true });
    });
  }

  /** Gives a place back, to the one that waits longest. */
  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
