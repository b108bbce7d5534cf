/**
 * A real service for a test, or `undefined` after one loud line that says how to install it. Where `CI` is set an absent
 * service is an error instead: a continuous build may not pass by skipping.
 *
 * @param install the command that brings the service here, for the message
 */
export function requireOrSkip<T>(name: string, found: T | undefined, install: string): T | undefined {
  if (found !== undefined) return found;
  if (process.env.CI !== undefined && process.env.CI !== '' && process.env.CI !== 'false') {
    throw new Error(`${name} is not installed, and CI may not skip its tests: run "${install}"`);
  }
  process.stderr.write(`SKIPPED: tests against ${name}: not installed (run "${install}")\n`);
  return undefined;
}
