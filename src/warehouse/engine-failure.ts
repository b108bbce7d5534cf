import { LakesteadError } from '#core';
import { readRaised } from '#tsql';

type Known = { readonly number: number; readonly message: string };

/** What the engine calls the types that a value can overflow. */
const engineTypes: Readonly<Record<string, string>> = {
  INT8: 'tinyint', UINT8: 'tinyint', UTINYINT: 'tinyint', INT16: 'smallint', SMALLINT: 'smallint', INT32: 'int', INTEGER: 'int', INT64: 'bigint', BIGINT: 'bigint', INT128: 'numeric', FLOAT: 'real', DOUBLE: 'float',
}; // prettier-ignore
const nameOf = (engineType: string) => engineTypes[engineType] ?? (/^DECIMAL/i.test(engineType) ? 'numeric' : engineType.toLowerCase());
const overflow = (type: string): Known => ({
  number: 8115,
  message: `Arithmetic overflow error converting expression to data type ${type}.`,
});

/** Errors of DuckDB that are errors of SQL Server too, by their text. */
const known: readonly (readonly [RegExp, (match: RegExpExecArray) => Known])[] = [
  [/Overflow in (?:addition|subtraction|multiplication|division|negation)[^(]*? of (\w+)/i, ([, type = '']) => overflow(nameOf(type))],
  [/Overflow on abs/i, () => overflow('int')],
  [/out of range for the destination type (\w+)/i, ([, type = '']) => overflow(nameOf(type))],
  [/to type (\w+)[^ ]* failed: value is out of range/i, ([, type = '']) => overflow(nameOf(type))],
  [/Failed to cast decimal value .* to type (\w+)/i, ([, type = '']) => overflow(nameOf(type))],
  [/Could not cast value .* to (DECIMAL)/i, () => overflow('numeric')],
  [/(?:SUM|HUGEINT|INT128).*(?:out of range|overflow)/i, () => overflow('numeric')],
  [/date.*out of range|Overflow exception in date|timestamp.*out of range/i, () => ({ number: 517, message: "Adding a value to a 'datetime' column caused an overflow." })],
  [/NOT NULL constraint failed: ([^.]+)\.(.+)$/im, ([, table = '', column = '']) => ({ number: 515, message: `Cannot insert the value NULL into column '${column}', table '${table}'; column does not allow nulls.` })],
  [/PRIMARY KEY or UNIQUE constraint violation: duplicate key "(.*?)"|violates (?:primary key|unique) constraint/is, ([, key = '']) => ({ number: 2627, message: `Violation of PRIMARY KEY constraint. Cannot insert duplicate key in object. The duplicate key value is (${key}).` })],
  [/Current transaction is aborted/i, () => ({ number: 3930, message: 'The current transaction cannot be committed and cannot support operations that write to the log file. Roll back the transaction.' })],
  [/More than one row returned by a subquery/i, () => ({ number: 512, message: 'Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or when the subquery is used as an expression.' })],
]; // prettier-ignore

/** An error of the engine as SQL Server's: its number and its words, as far as SQL Server has the same error. */
export function explainFailure(error: LakesteadError): LakesteadError {
  if (error.data['number'] !== undefined || !['SQL_TYPE', 'ENGINE_FAILED'].includes(error.code)) return error;
  const raised = readRaised(error.message);
  const found = raised ?? findKnown(error.message);
  if (found === undefined) return error;
  return new LakesteadError('SQL_TYPE', found.message, {
    cause: error,
    data: { ...error.data, number: found.number, severity: 16, state: 1 },
    ...(error.place === undefined ? {} : { place: error.place }),
  });
}

function findKnown(message: string): Known | undefined {
  for (const [pattern, explain] of known) {
    const match = pattern.exec(message);
    if (match !== null) return explain(match);
  }
  return undefined;
}
