import { type ErrorCode, LakesteadError } from '#core';

// DuckDB for Node gives a message whose prefix is the kind of the error, and no code. Nobody but this file reads it.
const codes: readonly (readonly [RegExp, ErrorCode])[] = [
  [/^INTERRUPT Error|Interrupted!/i, 'CANCELLED'],
  [/No space left on device|ENOSPC/i, 'DISK_FULL'],
  [/^(?:IO|Out of Memory) Error:.*max_temp_directory_size/is, 'DISK_FULL'],
  [/^Out of Memory Error/i, 'ENGINE_OUT_OF_MEMORY'],
  [/^(?:Parser|Syntax) Error/i, 'SQL_SYNTAX'],
  [/^(?:Catalog) Error/i, 'SQL_NAME_NOT_FOUND'],
  [/^Binder Error:.*(?:not found|does not exist)/is, 'SQL_NAME_NOT_FOUND'],
  [/^(?:Conversion|Invalid Input|Out of Range|Mismatch Type|Binder) Error/i, 'SQL_TYPE'],
  [/^Not implemented Error/i, 'SQL_NOT_SUPPORTED'],
  [/^(?:IO|HTTP) Error/i, 'STORAGE_FAILED'],
];

const hints: Partial<Record<ErrorCode, string>> = {
  ENGINE_OUT_OF_MEMORY: 'raise engine.memoryLimit in lakestead.yaml, or lower engine.threads',
  DISK_FULL: 'free some room, then run the same command again: nothing half-written is visible',
};

/** An error of DuckDB as one of ours; an error that is ours already goes through. */
export function classifyDuckdbError(error: unknown, signal?: AbortSignal): LakesteadError {
  if (signal?.aborted) {
    return signal.reason instanceof LakesteadError
      ? signal.reason
      : new LakesteadError('CANCELLED', 'the statement was cancelled', { cause: error });
  }
  if (error instanceof LakesteadError) return error;
  const message = (error instanceof Error ? error.message : String(error)).replace(/^Failed to extract statements: /, '');
  const code = codes.find(([pattern]) => pattern.test(message))?.[1] ?? 'ENGINE_FAILED';
  const hint = hints[code];
  const at = placeIn(message);
  return new LakesteadError(code, message.replace(/\n\nLINE \d+:[\s\S]*$/, ''), {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
    ...(at === undefined ? {} : { data: { engineLine: at.line, engineColumn: at.column } }),
  });
}

/** Where in the text that the engine was given it saw the mistake, from 1; `undefined` where it shows but a part of a long line. */
function placeIn(message: string): { readonly line: number; readonly column: number } | undefined {
  const [, prefix = '', line, shown = '', blanks = ''] = /\n\n(LINE (\d+): )(.*)\n( *)\^/.exec(message) ?? [];
  if (line === undefined || shown.startsWith('...')) return undefined;
  return { line: Number(line), column: blanks.length - prefix.length + 1 };
}
