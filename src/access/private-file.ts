import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { LakesteadError } from '#core';

/**
 * The text of a file that only its owner may read; `undefined` when it is not there.
 *
 * @throws {LakesteadError} `VAULT_UNREADABLE` when others may read or write it
 */
export async function readPrivateFile(file: string): Promise<string | undefined> {
  try {
    // Windows keeps access lists instead; its folders of a user are closed to others already.
    const { mode } = await stat(file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new LakesteadError('VAULT_UNREADABLE', `${file} may be read by others: its mode is ${(mode & 0o777).toString(8)}`, {
        hint: `chmod 600 ${file}`,
      });
    }
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof LakesteadError) throw error;
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new LakesteadError('VAULT_UNREADABLE', `${file} cannot be read`, { cause: error, hint: 'it must be a file of this user' });
  }
}

/** Writes a file with mode 0600, whole and durable or not at all; `ifAbsent` leaves one that is there. */
export async function writePrivateFile(file: string, text: string, options: { readonly ifAbsent?: boolean } = {}): Promise<void> {
  const temporary = `${file}.${randomUUID()}.partial`;
  try {
    await mkdir(dirname(file), { recursive: true });
    {
      await using handle = await open(temporary, 'wx', 0o600);
      await handle.writeFile(text);
      await handle.sync();
    }
    if (options.ifAbsent === true) await linkIfAbsent(temporary, file);
    else await rename(temporary, file);
    await syncFolder(dirname(file));
  } catch (error) {
    if (errorCode(error) === 'ENOSPC') throw new LakesteadError('DISK_FULL', `no room to write ${file}: it is as it was`, { cause: error });
    throw new LakesteadError('STORAGE_FAILED', `${file} cannot be written: it is as it was`, {
      cause: error,
      hint: 'its folder must be writable',
    });
  } finally {
    await rm(temporary, { force: true });
  }
}

async function linkIfAbsent(temporary: string, file: string): Promise<void> {
  try {
    await link(temporary, file);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders; there the rename itself is in the file system's journal.
  if (process.platform === 'win32') return;
  await using handle = await open(folder, 'r');
  await handle.sync();
}

/**
 * Runs `work` while no other process does the same on `file`: a lock file beside it, with the holder's process id. That of
 * a process that is gone is taken over.
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const lock = `${file}.lock`;
  await mkdir(dirname(file), { recursive: true });
  const deadline = performance.now() + 15_000;
  for (;;) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx', mode: 0o600 });
      break;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') {
        throw new LakesteadError('STORAGE_FAILED', `${lock} cannot be made`, { cause: error, hint: 'its folder must be writable' });
      }
    }
    await removeAbandoned(lock);
    if (performance.now() > deadline) {
      throw new LakesteadError('TIMEOUT', `another process keeps ${lock}`, {
        hint: 'remove the lock file when no lakestead runs',
        retryable: true,
      });
    }
    await sleep(5 + Math.random() * 20, undefined, signal === undefined ? {} : { signal });
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function removeAbandoned(lock: string): Promise<void> {
  try {
    const holder = Number(await readFile(lock, 'utf8'));
    // An empty lock is one that is being written; only an old one is left over.
    if (holder === 0 && Date.now() - (await stat(lock)).mtimeMs < 10_000) return;
    if (holder !== 0 && isAlive(holder)) return;
    // Renamed first: of two that find it abandoned only one moves it, and no new lock is removed by mistake.
    const moved = `${lock}.${randomUUID()}`;
    await rename(lock, moved);
    if (Number(await readFile(moved, 'utf8')) === holder) await rm(moved, { force: true });
    else await rename(moved, lock);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error; // ENOENT: its holder, or another waiter, was quicker
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
