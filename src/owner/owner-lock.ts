import { DatabaseSync } from 'node:sqlite';

/**
 * The right to own a project: an exclusive lock on a small SQLite file. The operating system drops it when the process
 * ends, however it ends, so a killed owner leaves nothing to clean up.
 *
 * @returns undefined when another process has it
 */
export function tryLock(file: string): Disposable | undefined {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Error && /locked|busy/i.test(error.message)) return undefined;
    throw error;
  }
  return { [Symbol.dispose]: () => database.close() };
}
