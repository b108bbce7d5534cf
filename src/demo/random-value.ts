import { join, literal, sql, type Sql } from '#sql';

/** Values that depend on the seed, the table and the row only: the same whatever computes them, in whatever order. */
export type RandomValues = {
  /** 0 to `count` - 1, all as likely. `row` is the row's number, without it the query's `i`. */
  below(tag: string, count: number, row?: Sql): Sql;
  /** 0 to `count` - 1, the low ones far more often. */
  skewed(tag: string, count: number, row?: Sql): Sql;
  pick(tag: string, values: readonly string[]): Sql;
  /** NULL in `percent` of the rows. */
  sometimes(tag: string, percent: number, value: Sql): Sql;
  /** A uniqueidentifier in upper case. */
  guid(): Sql;
  /** Bytes without meaning: 16 times `times`. */
  bytes(tag: string, times: Sql): Sql;
};

/** The random values of one table. */
export function randomValues(seed: number, table: string): RandomValues {
  const row = sql`i`;
  const hash = (tag: string, of: Sql = row) => sql`hash(${literal(seed)}, ${literal(`${table}.${tag}`)}, CAST(${of} AS BIGINT))`;
  const digest = (tag: string) => sql`md5(${literal(`${seed}.${table}.${tag}.`)} || i)`;
  const below = (tag: string, count: number, of?: Sql) => sql`CAST(${hash(tag, of)} % ${literal(count)} AS INTEGER)`;
  return {
    below,
    skewed: (tag, count, of) => sql`CAST(floor(${literal(count)} * pow((${hash(tag, of)} % 1000000) / 1000000.0, 3)) AS INTEGER)`,
    pick: (tag, values) => choose(below(tag, values.length), values),
    sometimes: (tag, percent, value) => sql`CASE WHEN ${below(`${tag}?`, 100)} >= ${literal(percent)} THEN ${value} END`,
    guid: () => sql`upper(CAST(CAST(${digest('guid')} AS UUID) AS VARCHAR))`,
    bytes: (tag, times) => sql`from_hex(repeat(${digest(tag)}, ${times}))`,
  };
}

/** The value at a place, the first being 0. */
export function choose(index: Sql, values: readonly string[]): Sql {
  return sql`([${join(values.map((value) => literal(value)))}])[1 + CAST(${index} AS INTEGER)]`;
}
