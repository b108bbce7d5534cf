/** A column's type as PostgreSQL names it. */
export type PgType = {
  readonly oid: number;
  /** Bytes of a value, -1 where they differ. */
  readonly size: number;
  /** What a type's parameters come to (precision and scale), -1 for none. */
  readonly modifier: number;
  /** Of an array: the type of its elements, and the engine's name of that. */
  readonly element?: { readonly oid: number; readonly duckdb: string };
};

/** The types that have a PostgreSQL type of the same meaning, by the engine's name: [oid, size, oid of the array]. */
const types: Readonly<Record<string, readonly [oid: number, size: number, array: number]>> = {
  BOOLEAN: [16, 1, 1000],
  TINYINT: [21, 2, 1005],
  SMALLINT: [21, 2, 1005],
  INTEGER: [23, 4, 1007],
  BIGINT: [20, 8, 1016],
  UTINYINT: [21, 2, 1005],
  USMALLINT: [23, 4, 1007],
  UINTEGER: [20, 8, 1016],
  UBIGINT: [1700, -1, 1231],
  HUGEINT: [1700, -1, 1231],
  UHUGEINT: [1700, -1, 1231],
  BIGNUM: [1700, -1, 1231],
  FLOAT: [700, 4, 1021],
  DOUBLE: [701, 8, 1022],
  DECIMAL: [1700, -1, 1231],
  VARCHAR: [25, -1, 1009],
  BLOB: [17, -1, 1001],
  DATE: [1082, 4, 1182],
  TIME: [1083, 8, 1183],
  'TIME WITH TIME ZONE': [1266, 12, 1270],
  TIMESTAMP: [1114, 8, 1115],
  TIMESTAMP_S: [1114, 8, 1115],
  TIMESTAMP_MS: [1114, 8, 1115],
  TIMESTAMP_NS: [1114, 8, 1115],
  'TIMESTAMP WITH TIME ZONE': [1184, 8, 1185],
  INTERVAL: [1186, 16, 1187],
  UUID: [2950, 16, 2951],
  BIT: [1562, -1, 1563],
  JSON: [114, -1, 199],
};

const text: PgType = { oid: 25, size: -1, modifier: -1 };

/** The name of a type of the engine without its parameters: `DECIMAL` of `DECIMAL(18,3)`; enums are texts. */
export function baseName(type: string): string {
  if (type.endsWith(']')) return 'LIST';
  const name = /^[^(]+/.exec(type)?.[0] ?? type;
  return name === 'ENUM' ? 'VARCHAR' : name;
}

/** The PostgreSQL type of a column of the engine. What has none (structs, maps, unions, lists of lists of those) is text. */
export function pgTypeOf(type: string): PgType {
  if (type.endsWith(']')) {
    // Arrays of PostgreSQL have one type however deep they are.
    const duckdb = type.replace(/(?:\[\d*\])+$/, '');
    const found = types[baseName(duckdb)];
    return found === undefined ? text : { oid: found[2], size: -1, modifier: -1, element: { oid: found[0], duckdb } };
  }
  const found = types[baseName(type)];
  if (found === undefined) return text;
  const [, digits, scale] = /^DECIMAL\((\d+),(\d+)\)$/.exec(type) ?? [];
  const modifier = digits === undefined ? -1 : ((Number(digits) << 16) | Number(scale)) + 4;
  return { oid: found[0], size: found[1], modifier };
}

/** What a parameter of a PostgreSQL type is cast to. */
const parameterTypes: ReadonlyMap<number, string> = new Map([
  [16, 'BOOLEAN'], [17, 'BLOB'], [20, 'BIGINT'], [21, 'SMALLINT'], [23, 'INTEGER'], [25, 'VARCHAR'], [26, 'UINTEGER'], [19, 'VARCHAR'], [1042, 'VARCHAR'],
  [1043, 'VARCHAR'], [114, 'JSON'], [3802, 'JSON'], [700, 'FLOAT'], [701, 'DOUBLE'], [1700, 'DECIMAL'], [1082, 'DATE'], [1083, 'TIME'],
  [1266, 'TIME WITH TIME ZONE'], [1114, 'TIMESTAMP'], [1184, 'TIMESTAMP WITH TIME ZONE'], [1186, 'INTERVAL'], [2950, 'UUID'], [1562, 'BIT'], [1560, 'BIT'],
  ...Object.entries(types).filter(([name]) => !/^(?:TINYINT|U|HUGEINT|BIGNUM|TIMESTAMP_)/.test(name) || name === 'UUID').map(([name, [, , array]]): [number, string] => [array, `${name}[]`]),
]); // prettier-ignore

/** The engine's type for a parameter that a client gave a type; `undefined` for one that is not known here. */
export function duckdbTypeOf(oid: number): string | undefined {
  return parameterTypes.get(oid);
}
