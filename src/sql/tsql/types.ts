import { LakesteadError } from '#core';

/** A data type of SQL Server, its defaults filled in: `decimal` is decimal(18,0), `nvarchar` is nvarchar(1) in a column. */
export type SqlServerType = {
  readonly name: SqlServerTypeName;
  /** Characters (bytes for binary and varchar); 'max' for the large forms. Only of types that have one. */
  readonly length?: number | 'max';
  /** Digits, of decimal and float. */
  readonly precision?: number;
  /** Digits behind the point, of decimal; digits of the second, of time, datetime2 and datetimeoffset. */
  readonly scale?: number;
};

/** Ordered by SQL Server's precedence, highest first: an operation converts to the type that stands earlier. */
const precedence = [
  'sql_variant', 'xml', 'hierarchyid', 'datetimeoffset', 'datetime2', 'datetime', 'smalldatetime', 'date', 'time', 'float', 'real', 'decimal', 'money', 'smallmoney',
  'bigint', 'int', 'smallint', 'tinyint', 'bit', 'ntext', 'text', 'image', 'rowversion', 'uniqueidentifier', 'nvarchar', 'nchar', 'varchar', 'char', 'varbinary', 'binary',
] as const; // prettier-ignore

export type SqlServerTypeName = (typeof precedence)[number];

const synonyms: Readonly<Record<string, string>> = {
  integer: 'int', dec: 'decimal', numeric: 'decimal', timestamp: 'rowversion', sysname: 'nvarchar(128)', character: 'char', 'double precision': 'float',
}; // prettier-ignore

/** The rank of a type: lower converts to higher. */
export function rankOf(type: SqlServerType): number {
  return -precedence.indexOf(type.name);
}

/**
 * A type from its text: `decimal(19,4)`, `nvarchar(max)`, `datetime2`.
 *
 * @param defaultLength of character and binary types without one: 1 in a column or variable, 30 in CAST
 * @throws SQL_TYPE for a type that SQL Server does not have, or arguments out of range
 */
export function parseType(text: string, defaultLength = 1): SqlServerType {
  const match = /^\s*\[?([a-z_0-9 ]+?)\]?\s*(?:\(([^)]*)\))?\s*$/i.exec(text);
  const args = (match?.[2] ?? '')
    .split(',')
    .flatMap((part) => (part.trim() === '' ? [] : [part.trim().toLowerCase() === 'max' ? ('max' as const) : Number(part)]));
  return makeType(match?.[1] ?? text, args, defaultLength);
}

/** A type from its name and arguments, as a parser has them. */
export function makeType(name: string, args: readonly (number | 'max')[], defaultLength = 1): SqlServerType {
  const lower = name.toLowerCase();
  if (lower === 'sysname') return { name: 'nvarchar', length: 128 };
  const base = synonyms[lower] ?? lower;
  const known = precedence.find((one) => one === base);
  if (known === undefined)
    throw new LakesteadError('SQL_TYPE', `there is no data type ${name}`, { hint: 'user-defined types are not supported' });
  const [first, second] = args;
  const number = (value: number | 'max' | undefined, fallback: number, low: number, high: number): number => {
    if (value === undefined) return fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) return value;
    throw new LakesteadError('SQL_TYPE', `${value} is no length, precision or scale of ${known}: it goes from ${low} to ${high}`);
  };
  switch (known) {
    case 'decimal': {
      const precision = number(first, 18, 1, 38);
      return { name: known, precision, scale: number(second, 0, 0, precision) };
    }
    case 'float':
      // float(1) to float(24) is a real.
      return number(first, 53, 1, 53) <= 24 ? { name: 'real' } : { name: 'float' };
    case 'time':
    case 'datetime2':
    case 'datetimeoffset':
      return { name: known, scale: number(first, 7, 0, 7) };
    case 'nvarchar':
    case 'varchar':
    case 'varbinary':
      return { name: known, length: first === 'max' ? 'max' : number(first, defaultLength, 1, known === 'nvarchar' ? 4000 : 8000) };
    case 'nchar':
    case 'char':
    case 'binary':
      return { name: known, length: number(first, defaultLength, 1, known === 'nchar' ? 4000 : 8000) };
    default:
      if (args.length > 0) throw new LakesteadError('SQL_TYPE', `${known} takes no length`);
      return { name: known };
  }
}

/** `decimal(19,4)`, `nvarchar(max)`, `datetime2(7)`. */
export function formatType(type: SqlServerType): string {
  if (type.precision !== undefined) return `${type.name}(${type.precision},${type.scale})`;
  if (type.length !== undefined) return `${type.name}(${type.length})`;
  return type.scale === undefined ? type.name : `${type.name}(${type.scale})`;
}

/** DuckDB's type of a column of the embedded SQL Server. */
export function engineType(type: SqlServerType): string {
  switch (type.name) {
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'money':
      return 'DECIMAL(19,4)';
    case 'smallmoney':
      return 'DECIMAL(10,4)';
    case 'bigint':
      return 'BIGINT';
    case 'int':
      return 'INTEGER';
    case 'smallint':
      return 'SMALLINT';
    case 'tinyint':
      return 'UTINYINT';
    case 'bit':
      return 'BOOLEAN';
    case 'float':
      return 'DOUBLE';
    case 'real':
      return 'FLOAT';
    case 'date':
      return 'DATE';
    case 'time':
      return (type.scale ?? 7) <= 6 ? 'TIME' : 'VARCHAR';
    case 'datetime':
    case 'smalldatetime':
    case 'datetime2':
      return 'TIMESTAMP';
    case 'varbinary':
    case 'binary':
    case 'image':
    case 'rowversion':
      return 'BLOB';
    case 'sql_variant':
      throw new LakesteadError('SQL_NOT_SUPPORTED', 'sql_variant is not supported');
    default:
      return 'VARCHAR';
  }
}

/** DuckDB's type of the same values in the lake (Parquet, Delta): tinyint is never negative there, time is text. */
export function lakeType(type: SqlServerType): string {
  if (type.name === 'tinyint') return 'SMALLINT';
  return type.name === 'time' ? 'VARCHAR' : engineType(type);
}

/** True for char, varchar, text and their national forms. */
export function isText(type: SqlServerType): boolean {
  return ['nvarchar', 'nchar', 'varchar', 'char', 'ntext', 'text', 'xml', 'hierarchyid'].includes(type.name);
}

/** True for the integers, bit, decimal, money and floats. */
export function isNumeric(type: SqlServerType): boolean {
  return ['float', 'real', 'decimal', 'money', 'smallmoney', 'bigint', 'int', 'smallint', 'tinyint', 'bit'].includes(type.name);
}

export function isInteger(type: SqlServerType): boolean {
  return ['bigint', 'int', 'smallint', 'tinyint', 'bit'].includes(type.name);
}

export function isBinary(type: SqlServerType): boolean {
  return ['varbinary', 'binary', 'image', 'rowversion'].includes(type.name);
}

/** True for date, time and their combinations. */
export function isTemporal(type: SqlServerType): boolean {
  return ['datetimeoffset', 'datetime2', 'datetime', 'smalldatetime', 'date', 'time'].includes(type.name);
}

/** Precision and scale of a number as decimal: int is (10,0), money (19,4). Floats have none. */
export function decimalShape(type: SqlServerType): { readonly precision: number; readonly scale: number } {
  switch (type.name) {
    case 'decimal':
      return { precision: type.precision ?? 18, scale: type.scale ?? 0 };
    case 'money':
      return { precision: 19, scale: 4 };
    case 'smallmoney':
      return { precision: 10, scale: 4 };
    case 'bigint':
      return { precision: 19, scale: 0 };
    case 'int':
      return { precision: 10, scale: 0 };
    case 'smallint':
      return { precision: 5, scale: 0 };
    case 'tinyint':
      return { precision: 3, scale: 0 };
    case 'bit':
      return { precision: 1, scale: 0 };
    default:
      return { precision: 38, scale: 6 };
  }
}

/** What INFORMATION_SCHEMA.COLUMNS says of a type. `null` where SQL Server says NULL. */
export function describeColumnType(type: SqlServerType): {
  readonly dataType: string;
  readonly characterMaximumLength: number | null;
  readonly characterOctetLength: number | null;
  readonly numericPrecision: number | null;
  readonly numericScale: number | null;
  readonly datetimePrecision: number | null;
} {
  const dataType = type.name === 'rowversion' ? 'timestamp' : type.name;
  const length = type.length === 'max' ? -1 : (type.length ?? null);
  const isNational = type.name.startsWith('n') && isText(type);
  const isSized = type.length !== undefined;
  const large = { text: 2_147_483_647, ntext: 1_073_741_823, image: 2_147_483_647, xml: -1 } as Readonly<Record<string, number>>;
  const maximum = isSized ? length : (large[type.name] ?? (type.name === 'hierarchyid' ? 892 : null));
  const octets = maximum === null ? null : maximum === -1 ? -1 : isNational ? Math.min(maximum * 2, 2_147_483_646) : maximum;
  const isExact = isNumeric(type) && type.name !== 'bit' && type.name !== 'float' && type.name !== 'real';
  const datetime: Readonly<Record<string, number>> = { date: 0, datetime: 3, smalldatetime: 0 };
  return {
    dataType,
    characterMaximumLength: maximum,
    characterOctetLength: octets,
    numericPrecision: isExact ? decimalShape(type).precision : type.name === 'float' ? 53 : type.name === 'real' ? 24 : null,
    numericScale: isExact ? decimalShape(type).scale : null,
    datetimePrecision: isTemporal(type) ? (type.scale ?? datetime[type.name] ?? null) : null,
  };
}

/** The ids of `sys.types` (system_type_id), with bytes, precision and scale as sys.columns has them. */
export function systemType(type: SqlServerType): {
  readonly id: number;
  readonly maxLength: number;
  readonly precision: number;
  readonly scale: number;
} {
  const ids: Readonly<Record<SqlServerTypeName, number>> = {
    image: 34, text: 35, uniqueidentifier: 36, date: 40, time: 41, datetime2: 42, datetimeoffset: 43, tinyint: 48, smallint: 52, int: 56, smalldatetime: 58, real: 59, money: 60, datetime: 61, float: 62, sql_variant: 98, ntext: 99, bit: 104, decimal: 106, smallmoney: 122, bigint: 127, hierarchyid: 240, varbinary: 165, varchar: 167, binary: 173, char: 175, rowversion: 189, nvarchar: 231, nchar: 239, xml: 241,
  }; // prettier-ignore
  const bytes: Readonly<Record<string, number>> = {
    image: 16, text: 16, ntext: 16, uniqueidentifier: 16, date: 3, tinyint: 1, smallint: 2, int: 4, smalldatetime: 4, real: 4, money: 8, datetime: 8, float: 8, bit: 1, smallmoney: 4, bigint: 8, rowversion: 8, xml: -1, hierarchyid: 892, sql_variant: 8016,
  }; // prettier-ignore
  const { scale = 0 } = type;
  const temporal = { time: [3, 8], datetime2: [6, 19], datetimeoffset: [8, 26] } as Readonly<Record<string, readonly [number, number]>>;
  const shape = temporal[type.name];
  if (shape !== undefined) {
    const step = scale <= 2 ? 0 : scale <= 4 ? 1 : 2;
    return { id: ids[type.name], maxLength: shape[0] + step, precision: shape[1] + (scale === 0 ? 0 : scale + 1), scale };
  }
  if (type.name === 'decimal') {
    const precision = type.precision ?? 18;
    return { id: 106, maxLength: precision <= 9 ? 5 : precision <= 19 ? 9 : precision <= 28 ? 13 : 17, precision, scale };
  }
  if (type.length !== undefined) {
    const maxLength = type.length === 'max' ? -1 : type.length * (type.name.startsWith('n') ? 2 : 1);
    return { id: ids[type.name], maxLength, precision: 0, scale: 0 };
  }
  const numeric = isNumeric(type) ? decimalShape(type) : { precision: 0, scale: 0 };
  const fixed = { float: [53, 0], real: [24, 0], bit: [1, 0], date: [10, 0], datetime: [23, 3], smalldatetime: [16, 0] } as Readonly<
    Record<string, readonly [number, number]>
  >;
  const [precision, itsScale] = fixed[type.name] ?? [numeric.precision, numeric.scale];
  return { id: ids[type.name], maxLength: bytes[type.name] ?? 0, precision, scale: itsScale };
}

/** The names of all types, for sys.types. */
export const typeNames: readonly SqlServerTypeName[] = precedence;
