import type { StatementShape } from '#engine';

import { engineText, parameterText, utf8 } from './parameter.ts';
import { duckdbTypeOf, pgTypeOf } from './pg-type.ts';
import type { RowSource } from './row-source.ts';
import type { Statement } from './split-statements.ts';
import type { ParameterValue } from './sql-session.ts';

/** A statement that a client prepared, with the types that it gave its parameters (0 for none). */
export type Prepared = { readonly statement: Statement | undefined; readonly oids: readonly number[]; shape?: StatementShape };

/** A statement with its values, and as far as it ran its rows; a cursor is one too. */
export type Portal = {
  readonly statement: Statement | undefined;
  readonly values: ReadonlyMap<number, ParameterValue>;
  readonly formats: readonly number[];
  readonly shape: StatementShape | undefined;
  rows?: RowSource;
  /** Ends its rows: a client that cancels means the portal that it reads, whenever that began. */
  running?: AbortController;
  /** What was said at its end: a portal that is asked again says that there is no more. */
  isDone: boolean;
};

/** PostgreSQL's types of a statement's parameters: as the client said, else as the engine has it, else text. */
export function parameterOids({ oids, shape, statement }: Prepared): readonly number[] {
  const count = Math.max(oids.length, shape?.parameters.length ?? 0, ...(statement?.parameters.map(({ number }) => number) ?? []), 0);
  return Array.from({ length: count }, (_, index) => {
    const given = oids[index] ?? 0;
    if (given !== 0 && given !== 705) return given;
    const inferred = shape?.parameters[index] ?? 'UNKNOWN';
    return inferred === 'UNKNOWN' ? 25 : pgTypeOf(inferred).oid;
  });
}

/** A parameter as text, and what the text is cast to: what the client said it is, else what the statement wants. */
export function valueOf(value: Buffer | null, isBinary: boolean, prepared: Prepared, index: number): ParameterValue {
  const oid = parameterOids(prepared)[index] ?? 25;
  const inferred = prepared.shape?.parameters[index] ?? 'UNKNOWN';
  const given = prepared.oids[index] ?? 0;
  const byOid = given === 0 || given === 705 ? undefined : duckdbTypeOf(given);
  const text = value === null ? null : isBinary ? parameterText(value, oid) : utf8(value);
  const type = byOid ?? inferred;
  if (type === 'DECIMAL') return { text, type: decimalTypeOf(text) };
  return { text: text === null || (isBinary && !type.endsWith('[]')) ? text : isBinary ? text : engineText(text, type), type };
}

/** A decimal that holds the number: PostgreSQL's have any length. */
function decimalTypeOf(text: string | null): string {
  const [, whole = '', fraction = ''] = /^\s*[-+]?0*(\d*)(?:\.(\d*))?\s*$/.exec(text ?? '0') ?? ['', undefined];
  const isPlain = /^\s*[-+]?\d*\.?\d*\s*$/.test(text ?? '0');
  const digits = Math.max(1, whole.length + fraction.length);
  return isPlain && digits <= 38 ? `DECIMAL(${digits},${fraction.length})` : 'DOUBLE';
}
