import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { threadId } from 'node:worker_threads';

import type { FileSystem } from './file-system.ts';

/** The hidden folder at a store's root in which files are written before they get their names. Never listed. */
export const stagingName = '.lakestead-staging';

const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
const started = Math.round(performance.timeOrigin).toString(36);
/** What of another machine, or of a thread that cannot be asked, is older than this is a leftover. */
const leftoverAgeMs = 7 * 24 * 3600 * 1000;

/** The folder of this thread inside the staging folder. Its name says whose it is. */
export const ownStagingName = `${host}-${process.pid}-${threadId}-${started}`;

/**
 * Removes what processes that ended left in the staging folder of `root`. What a living process on this machine, or
 * lately any process of another machine, has there is kept.
 */
export async function sweepStaging(fileSystem: FileSystem, root: string, now: Date): Promise<void> {
  const folder = `${root}/${stagingName}`;
  let entries;
  try {
    entries = await fileSystem.entries(folder);
  } catch {
    return; // no staging folder, or not ours to read: nothing to sweep
  }
  for (const { name } of entries) {
    try {
      const { modifiedAt } = await fileSystem.stat(`${folder}/${name}`);
      if (isLeftover(name, now.getTime() - modifiedAt.getTime())) await fileSystem.removeTree(`${folder}/${name}`);
    } catch {
      // Another process swept it at the same time, or its owner may remove it and we may not: it hides nothing and is tried again at the next opening.
    }
  }
}

function isLeftover(name: string, ageMs: number): boolean {
  const [, owner, pid, thread, start] = /^([0-9a-f]{8})-(\d+)-(\d+)-([0-9a-z]+)$/.exec(name) ?? [];
  if (owner !== host) return ageMs > leftoverAgeMs;
  // In a container every process may have the same id: then the time of start tells them apart.
  if (Number(pid) === process.pid) return Number(thread) === threadId ? start !== started : ageMs > leftoverAgeMs;
  return !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
