import { createHash } from 'node:crypto';

import { render, sql, type Sql, unsafeSql } from '#sql';

/** Longer SQL is not written twice. */
const longest = 120;

/**
 * Builds an expression that needs a value in several places. A short one is written out each time; a long one is a
 * parameter of a lambda, as REPLACE in REPLACE in REPLACE would otherwise double with every level.
 */
export function once(value: Sql, build: (value: Sql) => Sql): Sql {
  const { text, values } = render(value);
  if (text.length <= longest) return build(value);
  // The same value has the same name: equal expressions stay equal, which GROUP BY depends on.
  const digest = createHash('sha256')
    .update(`${text}\u0000${values.map(String).join('\u0000')}`)
    .digest('hex');
  const name = unsafeSql(`once_${digest.slice(0, 12)}`);
  return sql`list_transform([${value}], lambda ${name}: ${build(name)})[1]`;
}
