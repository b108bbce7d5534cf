import { describeError, type ErrorCode } from '#core';

/** An error as PostgreSQL sends it. `position` counts code points of the statement from 1. */
export type PgError = {
  readonly severity: 'ERROR' | 'FATAL' | 'WARNING' | 'NOTICE';
  readonly state: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly position?: number | undefined;
};

const states: Partial<Record<ErrorCode, string>> = {
  CANCELLED: '57014',
  TIMEOUT: '57014',
  SQL_SYNTAX: '42601',
  SQL_NAME_NOT_FOUND: '42P01',
  SQL_NOT_SUPPORTED: '0A000',
  SQL_TYPE: '42804',
  ENGINE_OUT_OF_MEMORY: '53200',
  DISK_FULL: '53100',
  DELTA_CONFLICT: '40001',
  DELTA_CONSTRAINT: '23514',
  DELTA_MERGE_AMBIGUOUS: '21000',
  DELTA_SCHEMA_MISMATCH: '42804',
  DELTA_UNSUPPORTED: '0A000',
  PROTOCOL_VIOLATION: '08P01',
  ACCESS_DENIED: '42501',
  STORAGE_FAILED: '58030',
  INTERNAL: 'XX000',
};

/** The engine's messages begin with the kind of what went wrong: what PostgreSQL calls that. */
const engineStates: readonly (readonly [RegExp, string])[] = [
  [/^(?:Parser|Syntax) Error/, '42601'],
  [/^Catalog Error: (?:Table|View) with name .* does not exist/s, '42P01'],
  [/^Catalog Error: .*Function with name .* does not exist/s, '42883'],
  [/^Catalog Error: Schema with name .* does not exist/s, '3F000'],
  [/^Catalog Error: Type with name .* does not exist/s, '42704'],
  [/^Catalog Error: (?:Table|View|Index|Sequence) with name .* already exists/s, '42P07'],
  [/^Catalog Error: Schema with name .* already exists/s, '42P06'],
  [/^Catalog Error: unrecognized configuration parameter/s, '42704'],
  [/^Catalog Error/, '42704'],
  [/^Binder Error: (?:Referenced column|Table .* does not have a column|Column .* not found)/s, '42703'],
  [/^Binder Error: (?:Referenced table|Table) /s, '42P01'],
  [/^Binder Error: Ambiguous reference to column/s, '42702'],
  [/^Binder Error: (?:No function matches|Could not choose)/s, '42883'],
  [/^Binder Error: .*must appear in the GROUP BY/s, '42803'],
  [/^Binder Error/, '42P10'],
  [/^Conversion Error: .*(?:out of range|overflow)/is, '22003'],
  [/^Conversion Error: .*(?:date|timestamp|time)/is, '22007'],
  [/^Conversion Error/, '22P02'],
  [/^Out of Range Error/, '22003'],
  [/^Constraint Error: (?:Duplicate key|PRIMARY KEY or UNIQUE)/is, '23505'],
  [/^Constraint Error: NOT NULL/is, '23502'],
  [/^Constraint Error: .*foreign key/is, '23503'],
  [/^Constraint Error: CHECK/is, '23514'],
  [/^Constraint Error/, '23000'],
  [/^TransactionContext Error: .*aborted/s, '25P02'],
  [/^TransactionContext Error/, '25000'],
  [/^Dependency Error/, '2BP01'],
  [/^Permission Error/, '42501'],
  [/^Not implemented Error/, '0A000'],
  [/^Mismatch Type Error/, '42804'],
  [/^Invalid Input Error/, '22023'],
  [/^Sequence Error/, '55000'],
];

/**
 * What went wrong, as PostgreSQL says it. `sqlstate` in an error's data says more than its code.
 *
 * @param text the statement, for the place of the mistake in it
 */
export function pgErrorOf(error: unknown, severity: PgError['severity'] = 'ERROR', text = ''): PgError {
  const { code, message, hint, place, data } = describeError(error);
  const given = data?.['sqlstate'];
  const position = data?.['position'] ?? positionIn(text, place?.line ?? data?.['engineLine'], place?.column ?? data?.['engineColumn']);
  return {
    severity,
    state: typeof given === 'string' ? given : (engineStates.find(([pattern]) => pattern.test(message))?.[1] ?? states[code] ?? 'XX000'),
    message: code === 'INTERNAL' ? 'an internal error; the server\'s log has what happened' : message,
    hint,
    position: typeof position === 'number' ? position : undefined,
  }; // prettier-ignore
}

/** A line and a column as how many code points of the text come before, and one. */
function positionIn(text: string, line: unknown, column: unknown): number | undefined {
  if (typeof line !== 'number' || typeof column !== 'number') return undefined;
  const before = text.split('\n').slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0); // prettier-ignore
  return Array.from(text.slice(0, before + column - 1)).length + 1;
}
