import { LakesteadError } from '#core';

import { parseDecimal } from './duckdb-types.ts';
import { isOn } from './properties.ts';
import { type DeltaType, describeType, type StructField } from './schema.ts';
import type { Snapshot } from './snapshot.ts';

const whole = ['byte', 'short', 'integer', 'long'];
const digits: Readonly<Record<string, number>> = { byte: 10, short: 10, integer: 10, long: 20 };

/** The changes of a primitive type that the protocol has: readers know how to read old files as the new type. */
function isWider(from: DeltaType, to: DeltaType): boolean {
  if (typeof from !== 'string' || typeof to !== 'string') return false;
  const [before, after] = [parseDecimal(from), parseDecimal(to)];
  if (after !== undefined) {
    const scale = before?.scale ?? 0;
    const integral = before === undefined ? digits[from] : before.precision - before.scale;
    return integral !== undefined && after.scale >= scale && after.precision - after.scale >= integral;
  }
  if (whole.includes(from)) return (from !== 'long' && to === 'double') || whole.indexOf(to) > whole.indexOf(from);
  return (from === 'float' && to === 'double') || (from === 'date' && to === 'timestamp_ntz');
}

/**
 * A column with a wider type, and the note of it that readers of older files want.
 *
 * @throws {LakesteadError} `DELTA_UNSUPPORTED` where widening is not on, or the type is no wider one
 */
export function widenColumn(field: StructField, to: DeltaType, { metadata, table }: Snapshot): StructField {
  if (describeType(field.type) === describeType(to)) return field;
  const refuse = (why: string, hint: string) =>
    new LakesteadError('DELTA_UNSUPPORTED', `${field.name} of ${table} cannot become ${describeType(to)}: ${why}; nothing was changed`, {
      hint,
      data: { features: ['typeWidening'] },
    });
  if (!isWider(field.type, to))
    throw refuse(
      `not every ${describeType(field.type)} is one, as far as readers are concerned`,
      'write the table anew with the column cast',
    );
  if (!isOn(metadata.configuration, 'delta.enableTypeWidening'))
    throw refuse('type widening is not on', "ALTER TABLE ... SET TBLPROPERTIES ('delta.enableTypeWidening' = 'true')");
  const before = field.metadata['delta.typeChanges'];
  const changes: readonly unknown[] = Array.isArray(before) ? before : [];
  return { ...field, type: to, metadata: { ...field.metadata, 'delta.typeChanges': [...changes, { toType: to, fromType: field.type }] } };
}
