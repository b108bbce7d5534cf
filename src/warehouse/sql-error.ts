import { LakesteadError, type SourcePlace } from '#core';

/** What ERROR_NUMBER(), ERROR_MESSAGE() and their like say of an error. */
export type SqlErrorFacts = {
  readonly number: number;
  readonly severity: number;
  readonly state: number;
  readonly message: string;
  readonly line: number | undefined;
  readonly procedure: string | undefined;
};

/** An error of T-SQL itself, as RAISERROR, THROW and SQL Server's own checks make it. */
export function sqlError(
  facts: Omit<SqlErrorFacts, 'line' | 'procedure'> & { readonly place?: SourcePlace; readonly procedure?: string | undefined },
): LakesteadError {
  const { number, severity, state, message, place, procedure } = facts;
  return new LakesteadError('SQL_RAISED', message, {
    ...(place === undefined ? {} : { place }),
    data: { number, severity, state, ...(procedure === undefined ? {} : { procedure }) },
  });
}

/** Numbers that SQL Server gives to what other codes say. */
const numbers: Readonly<Record<string, number>> = { SQL_NAME_NOT_FOUND: 208, SQL_SYNTAX: 102, SQL_TYPE: 245 };

/** The facts of any error that a CATCH block may see. 50000 stands for what SQL Server has no number for. */
export function factsOf(error: LakesteadError): SqlErrorFacts {
  const { number, severity, state, procedure } = error.data;
  return {
    number: typeof number === 'number' ? number : numberOf(error),
    severity: typeof severity === 'number' ? severity : 16,
    state: typeof state === 'number' ? state : 1,
    message: error.message,
    line: error.place?.line,
    procedure: typeof procedure === 'string' ? procedure : undefined,
  };
}

function numberOf({ code, message }: LakesteadError): number {
  return /division by zero|divide by zero/i.test(message) ? 8134 : (numbers[code] ?? 50_000);
}

/**
 * True for an error that CATCH may handle. A form that is not supported never is: a handler would hide that the
 * statement was not run as SQL Server runs it.
 */
export function isCatchable(error: unknown): error is LakesteadError {
  return (
    error instanceof LakesteadError &&
    !['CANCELLED', 'TIMEOUT', 'INTERNAL', 'SQL_NOT_SUPPORTED', 'ENGINE_OUT_OF_MEMORY'].includes(error.code)
  );
}

/**
 * RAISERROR's message with its arguments: `%s`, `%d`, `%i`, `%u`, `%o`, `%x`, `%X`, with flags, width, precision and `*`;
 * `(null)` for NULL. Cut to 2,047 characters as SQL Server does.
 */
export function formatMessage(format: string, args: readonly (string | bigint | null)[]): string {
  const rest = [...args];
  const text = format.replaceAll(
    /%(?<flags>[-+0# ]*)(?<width>\d+|\*)?(?:\.(?<precision>\d+|\*))?(?:h|l|I64)?(?<kind>[sdiuoxX])|%%/g,
    (match, ...groups) => {
      if (match === '%%') return '%';
      // The last argument of a replacer is the object of named groups.
      const { flags, width, precision, kind } = groups.at(-1) as Record<string, string | undefined>;
      const size = width === '*' ? Number(rest.shift() ?? 0) : Number(width ?? 0);
      const limit = precision === '*' ? Number(rest.shift() ?? 0) : precision === undefined ? undefined : Number(precision);
      const value = rest.shift();
      const shown = value === null || value === undefined ? '(null)' : formatArgument(value, kind ?? 's', limit, flags ?? '');
      if (shown.length >= size) return shown;
      if (flags?.includes('-')) return shown.padEnd(size);
      return flags?.includes('0') && kind !== 's' ? shown.padStart(size, '0') : shown.padStart(size);
    },
  );
  return text.length > 2047 ? `${text.slice(0, 2044)}...` : text;
}

function formatArgument(value: string | bigint, kind: string, precision: number | undefined, flags: string): string {
  if (kind === 's') return precision === undefined ? String(value) : String(value).slice(0, precision);
  if (typeof value === 'string')
    throw sqlError({ number: 2786, severity: 16, state: 1, message: `the data type of a substitution parameter does not match %${kind}` });
  if (kind === 'd' || kind === 'i') return `${flags.includes('+') && value >= 0n ? '+' : ''}${value}`;
  const unsigned = BigInt.asUintN(32, value);
  if (kind === 'u') return String(unsigned);
  const digits = unsigned.toString(kind === 'o' ? 8 : 16);
  const shown = kind === 'X' ? digits.toUpperCase() : digits;
  return flags.includes('#') && kind !== 'o' ? `0${kind}${shown}` : shown;
}
