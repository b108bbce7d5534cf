import { findField, type StructType } from '#delta';
import { sparkExpression } from '#delta-sql';
import { render } from '#sql';

/** What DEFAULT in the place of a column's value stands for, as SQL of the engine. */
export function defaultText(schema: StructType, column: string | undefined): string {
  const found = column === undefined ? undefined : findField(schema, column)?.metadata['CURRENT_DEFAULT'];
  return typeof found === 'string' ? render(sparkExpression(found)).text : 'NULL';
}
