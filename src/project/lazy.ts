/** Makes a value when it is first asked for, once; a failure is tried again the next time. */
export type Lazy<T> = { get(): Promise<T>; readonly started: Promise<T> | undefined };

export function lazy<T>(make: () => Promise<T>): Lazy<T> {
  let started: Promise<T> | undefined;
  return {
    get: async () => {
      started ??= make();
      try {
        return await started;
      } catch (error) {
        started = undefined;
        throw error;
      }
    },
    get started() {
      return started;
    },
  };
}
