/** The time as an argument, so that tests can hold it still. */
export type Clock = {
  /** The instant now. */
  now(): Date;
  /** Milliseconds that only ever grow: for durations. */
  elapsedMs(): number;
};

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  elapsedMs: () => performance.now(),
};
