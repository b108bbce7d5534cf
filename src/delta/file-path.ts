import { LakesteadError } from '#core';

/** A relative path that is its own encoding, as nearly all are: a table may have hundreds of thousands. */
const plainPath = /^(?!\/)[\w\-.~=/+@&$,!*'()]*$/;

/**
 * The object's path from the `path` of an action, which is a percent-encoded URI relative to the table, or an absolute
 * one. What carries a scheme or begins with `/` is given back as an absolute address, its escapes taken off.
 */
export function decodeFilePath(path: string, where: string): string {
  if (plainPath.test(path)) return path;
  try {
    // Two spellings of one local file: a remove must find the add.
    return decodeURIComponent(path).replace(/^file:\/+/, '/');
  } catch (cause) {
    throw new LakesteadError('DELTA_CORRUPT', `${where} names the file ${path}, whose percent signs are no escapes`, { cause });
  }
}

/** The `path` of an action for an object's path relative to the table: the inverse of {@link decodeFilePath}. */
export function encodeFilePath(path: string): string {
  if (plainPath.test(path)) return path;
  return path.split('/').map(encodePart).join('/');
}

function encodePart(part: string): string {
  // As Hadoop's URIs have it: what a URI's path allows stays, so that other readers compare the same text.
  return encodeURIComponent(part)
    .replaceAll('%3D', '=')
    .replaceAll('%2B', '+')
    .replaceAll('%40', '@')
    .replaceAll('%26', '&')
    .replaceAll('%24', '$')
    .replaceAll('%2C', ',')
    .replaceAll('%3A', ':');
}

/** True for a path that does not start at the table's folder. */
export function isAbsolutePath(path: string): boolean {
  return path.startsWith('/') || /^[a-z][a-z0-9+.-]*:\//i.test(path);
}

/** A path as DuckDB's file functions take it: there `*`, `?` and `[` make a pattern, and a class of one character stands for itself. */
export function escapeGlob(path: string): string {
  return path.replaceAll(/[*?[]/g, '[$&]');
}
