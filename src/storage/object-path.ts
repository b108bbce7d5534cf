import { LakesteadError } from '#core';

/**
 * Checks a path of an object: parts joined by `/`, no part empty, `.` or `..`, no NUL.
 *
 * @throws {LakesteadError} `STORAGE_FAILED` naming the path
 */
export function checkObjectPath(path: string): string {
  const isRefused =
    path.includes('\0') || /^[A-Za-z]:[\\/]/.test(path) || path.split('/').some((part) => part === '' || part === '.' || part === '..');
  // Windows takes a backslash for a separator, so there a name with one would be another object.
  if (isRefused || (process.platform === 'win32' && path.includes('\\'))) {
    throw new LakesteadError(
      'STORAGE_FAILED',
      `${JSON.stringify(path)} is no path of an object: it must be relative, without "..", empty parts and NUL`,
    );
  }
  return path;
}

/** Checks a folder's path, where '' is the root and one trailing `/` is allowed; gives it without that. */
export function checkFolderPath(path: string): string {
  const bare = path.endsWith('/') ? path.slice(0, -1) : path;
  return bare === '' ? '' : checkObjectPath(bare);
}

/** Orders by UTF-8 bytes, as object stores do. JavaScript's own order differs beyond the BMP. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x === y) continue;
    // A surrogate stands for a code point above every other unit.
    const isXHigh = x >= 0xd800 && x <= 0xdfff;
    const isYHigh = y >= 0xd800 && y <= 0xdfff;
    if (isXHigh !== isYHigh) return isXHigh ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}
