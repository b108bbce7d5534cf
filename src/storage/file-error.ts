import { type ErrorCode, LakesteadError } from '#core';

const codes: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'STORAGE_NOT_FOUND',
  ENOTDIR: 'STORAGE_NOT_FOUND',
  EEXIST: 'STORAGE_EXISTS',
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
};

const hints: Partial<Record<string, string>> = {
  ENOSPC: 'free some room, then run the same command again: nothing half-written is visible',
  EDQUOT: "the user's quota is used up: free some room, then run the same command again",
  EACCES: 'give this user the right to read and write there',
  EPERM: 'give this user the right to read and write there',
  EROFS: 'the file system is mounted read-only',
  EXDEV: 'folders inside a lake must be on one file system: map each mount as a storage account of its own in lakestead.yaml',
};

/** Node's code of a file system error (`ENOENT`), `undefined` for other errors. */
export function fileErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** True for an error that says that nothing is there. */
export function isMissing(error: unknown): boolean {
  const code = fileErrorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** A file system error as one of ours; an error that is ours already goes through. */
export function classifyFileError(error: unknown, what: string): LakesteadError {
  if (error instanceof LakesteadError) return error;
  const code = fileErrorCode(error);
  const hint = hints[code ?? ''];
  const said = error instanceof Error ? error.message : String(error);
  return new LakesteadError(codes[code ?? ''] ?? 'STORAGE_FAILED', `${what}: ${said}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}
