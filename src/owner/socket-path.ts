import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

import { LakesteadError } from '#core';

/**
 * The local address of a project's owner: a named pipe on Windows, elsewhere a socket in a folder of this user only.
 * It is not in the project's own folder, because a socket's path may have 104 bytes and a project's may be longer.
 */
export function socketPath(projectDir: string): string {
  const { uid, username } = userInfo();
  const key = createHash('sha256').update(realpathSync(projectDir)).digest('hex').slice(0, 24);
  if (process.platform === 'win32') return `\\\\.\\pipe\\lakestead-${encodeURIComponent(username)}-${key}`;
  const folder = join(tmpdir(), `lakestead-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stats = lstatSync(folder);
  if (!stats.isDirectory() || stats.uid !== uid) {
    throw new LakesteadError('OWNER_UNREACHABLE', `${folder} belongs to another user`, { hint: 'set TMPDIR to a folder of your own' });
  }
  if ((stats.mode & 0o077) !== 0) chmodSync(folder, 0o700);
  return join(folder, `${key}.sock`);
}
