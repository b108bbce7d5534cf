import type { ErrorCode } from './error-codes.ts';

/** Where in a text the mistake is. Lines and columns count from 1; `column` counts UTF-16 units. */
export type SourcePlace = {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
};

/** What every error may add to its message. */
export type ErrorDetails = {
  /** The error that led here. */
  readonly cause?: unknown;
  /** One sentence that says what to do next. */
  readonly hint?: string;
  /** Where in a user's file the mistake is. */
  readonly place?: SourcePlace;
  /** True when the same call may work later without any change. */
  readonly retryable?: boolean;
  /** Facts for programs: names, numbers, never secrets. */
  readonly data?: Readonly<Record<string, unknown>>;
};

/**
 * The error of this product. `code` is public API: stable, and each has a page in `docs/errors/`.
 * The message says what happened, to what, and what state things are in now; the hint says what to do.
 */
export class LakesteadError extends Error {
  override readonly name = 'LakesteadError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly place: SourcePlace | undefined;
  readonly retryable: boolean;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.place = details.place;
    this.retryable = details.retryable ?? false;
    this.data = details.data ?? {};
  }
}

/** The machine-readable form of an error, as `--json` prints it and as it crosses a process boundary. */
export type ErrorDocument = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly place?: SourcePlace;
  readonly retryable?: true;
  readonly data?: Readonly<Record<string, unknown>>;
};

/** What went wrong as plain data. Anything that is not a {@link LakesteadError} is a bug of ours: code `INTERNAL`. */
export function describeError(error: unknown): ErrorDocument {
  if (error instanceof LakesteadError) {
    return {
      code: error.code,
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      ...(error.place === undefined ? {} : { place: error.place }),
      ...(error.retryable ? { retryable: true } : {}),
      ...(Object.keys(error.data).length === 0 ? {} : { data: error.data }),
    };
  }
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) };
}

/** The error that a document describes: the inverse of {@link describeError}. */
export function reviveError(document: ErrorDocument): LakesteadError {
  const { code, message, ...details } = document;
  return new LakesteadError(code, message, details);
}

/** Marks a branch that the types rule out, so that a new kind breaks the build and not a user's night. */
export function assertNever(value: never): never {
  throw new LakesteadError('INTERNAL', `unexpected value ${JSON.stringify(value)}`);
}
