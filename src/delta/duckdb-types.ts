import { LakesteadError } from '#core';

import { type DeltaType, describeType, type StructField, type StructType } from './schema.ts';

const toDuckdb: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  long: 'BIGINT',
  integer: 'INTEGER',
  short: 'SMALLINT',
  byte: 'TINYINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  binary: 'BLOB',
  date: 'DATE',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  timestamp_ntz: 'TIMESTAMP',
  // Read as JSON text, which every reader of ours takes.
  variant: 'JSON',
  // Spark's type of NULL: there are no values of it, and files leave it out.
  void: 'INTEGER',
};

const fromDuckdb: Readonly<Record<string, string>> = {
  VARCHAR: 'string',
  BIGINT: 'long',
  INTEGER: 'integer',
  SMALLINT: 'short',
  TINYINT: 'byte',
  FLOAT: 'float',
  DOUBLE: 'double',
  BOOLEAN: 'boolean',
  BLOB: 'binary',
  DATE: 'date',
  'TIMESTAMP WITH TIME ZONE': 'timestamp',
  // A new table has no timestamp_ntz, which old readers refuse: a timestamp without zone is taken as UTC.
  TIMESTAMP: 'timestamp',
  TIMESTAMP_S: 'timestamp',
  TIMESTAMP_MS: 'timestamp',
  JSON: 'string',
};

const refusals: Readonly<Record<string, string>> = {
  UTINYINT: 'cast it to SMALLINT',
  USMALLINT: 'cast it to INTEGER',
  UINTEGER: 'cast it to BIGINT',
  UBIGINT: 'cast it to DECIMAL(20,0)',
  HUGEINT: 'cast it to BIGINT or DECIMAL(38,0)',
  UHUGEINT: 'cast it to DECIMAL(38,0)',
  UUID: 'cast it to VARCHAR',
  TIME: 'cast it to VARCHAR',
  'TIME WITH TIME ZONE': 'cast it to VARCHAR',
  INTERVAL: 'cast it to VARCHAR, or to a number of seconds',
  BIT: 'cast it to VARCHAR',
  TIMESTAMP_NS: 'cast it to TIMESTAMP, which keeps microseconds',
  '"NULL"': 'give the column a type: CAST(NULL AS VARCHAR)',
  NULL: 'give the column a type: CAST(NULL AS VARCHAR)',
};

/**
 * DuckDB's text of a Delta type, with `name` of every struct field as `fieldName` says (the physical one under column mapping).
 *
 * @throws {LakesteadError} `DELTA_UNSUPPORTED` naming a type that is not read
 */
export function duckdbType(type: DeltaType, fieldName: (field: StructField) => string = (field) => field.name): string {
  return formatType(type, fieldName, toDuckdb);
}

/** As {@link duckdbType}, for a column that is written: `DELTA_UNSUPPORTED` for types that are only read. */
export function writtenType(type: DeltaType): string {
  return formatType(type, (field) => field.name, { ...toDuckdb, variant: undefined, void: undefined });
}

/** What a file holds of a type: as {@link duckdbType}, but variants as they are. */
export function fileType(type: DeltaType, fieldName: (field: StructField) => string): string {
  return formatType(type, fieldName, { ...toDuckdb, variant: 'VARIANT' });
}

type TypeNames = Readonly<Record<string, string | undefined>>;

function formatType(type: DeltaType, fieldName: (field: StructField) => string, names: TypeNames): string {
  if (typeof type === 'string') {
    const [, precision, scale] = /^decimal\((\d+),\s*(-?\d+)\)$/.exec(type) ?? [];
    if (precision !== undefined) {
      const [digits, fraction] = [Number(precision), Number(scale)];
      if (digits >= 1 && digits <= 38 && fraction >= 0 && fraction <= digits) return `DECIMAL(${precision},${scale})`;
      throw new LakesteadError(
        'DELTA_UNSUPPORTED',
        `there is no type ${type}: precision goes from 1 to 38, scale from 0 to the precision`,
        {
          data: { type },
        },
      );
    }
    if (type === 'decimal') return 'DECIMAL(10,0)';
    const found = names[type];
    if (found !== undefined) return found;
    throw new LakesteadError('DELTA_UNSUPPORTED', `columns of type ${type} are not ${type in toDuckdb ? 'written' : 'read'} yet`, {
      data: { type },
    });
  }
  switch (type.type) {
    case 'array':
      return `${formatType(type.elementType, fieldName, names)}[]`;
    case 'map':
      return `MAP(${formatType(type.keyType, fieldName, names)}, ${formatType(type.valueType, fieldName, names)})`;
    case 'struct':
      return `STRUCT(${type.fields.map((field) => `${quote(fieldName(field))} ${formatType(field.type, fieldName, names)}`).join(', ')})`;
  }
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * The Delta type that holds what DuckDB has under a type: enums and JSON become strings, timestamps without zone are
 * taken as UTC, arrays of fixed length become arrays.
 *
 * @param text DuckDB's own text of the type
 * @param column the column's name, for the message
 * @throws {LakesteadError} `DELTA_SCHEMA_MISMATCH` for a type that Delta does not have, with the cast to write
 */
export function deltaTypeOf(text: string, column: string): DeltaType {
  const parser = new TypeParser(text, column);
  return parser.parse();
}

/** The fields of a query's result as a schema: all may be null. */
export function schemaOfColumns(columns: readonly { readonly name: string; readonly type: string }[]): StructType {
  return { type: 'struct', fields: columns.map(({ name, type }) => newField(name, deltaTypeOf(type, name))) };
}

function newField(name: string, type: DeltaType): StructField {
  return { name, type, nullable: true, metadata: {} };
}

class TypeParser {
  readonly #text: string;
  readonly #column: string;
  #at = 0;

  constructor(text: string, column: string) {
    this.#text = text;
    this.#column = column;
  }

  parse(): DeltaType {
    const type = this.#type();
    if (this.#at < this.#text.length) throw this.#refuse(this.#text.slice(this.#at));
    return type;
  }

  #type(): DeltaType {
    let type = this.#base();
    for (let list = this.#take(/^\[\d*\]/); list !== undefined; list = this.#take(/^\[\d*\]/)) {
      type = { type: 'array', elementType: type, containsNull: true };
    }
    return type;
  }

  #base(): DeltaType {
    if (this.#take(/^STRUCT\(/) !== undefined) {
      const fields: StructField[] = [];
      do {
        const name = this.#name();
        this.#take(/^ /);
        fields.push(newField(name, this.#type()));
      } while (this.#take(/^, /) !== undefined);
      this.#close();
      return { type: 'struct', fields };
    }
    if (this.#take(/^MAP\(/) !== undefined) {
      const keyType = this.#type();
      this.#take(/^, /);
      const valueType = this.#type();
      this.#close();
      return { type: 'map', keyType, valueType, valueContainsNull: true };
    }
    if (this.#take(/^ENUM\((?:'(?:[^']|'')*'(?:, ?)?)*\)/) !== undefined) return 'string';
    const decimal = this.#take(/^DECIMAL\(\d+,\s?\d+\)/);
    if (decimal !== undefined) return decimal.toLowerCase().replace(' ', '');
    const name = this.#take(/^(?:TIMESTAMP WITH TIME ZONE|TIME WITH TIME ZONE|"NULL"|[A-Z_]+)/) ?? this.#text.slice(this.#at);
    const found = fromDuckdb[name];
    if (found === undefined) throw this.#refuse(name);
    return found;
  }

  #name(): string {
    const quoted = this.#take(/^"(?:[^"]|"")*"/);
    return quoted === undefined ? (this.#take(/^[^ ]+/) ?? '') : quoted.slice(1, -1).replaceAll('""', '"');
  }

  #close(): void {
    if (this.#take(/^\)/) === undefined) throw this.#refuse(this.#text);
  }

  #take(pattern: RegExp): string | undefined {
    const found = pattern.exec(this.#text.slice(this.#at))?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #refuse(type: string): LakesteadError {
    return new LakesteadError(
      'DELTA_SCHEMA_MISMATCH',
      `the column ${this.#column} has DuckDB's type ${type}, which Delta does not have; nothing was written`,
      {
        hint: refusals[type] ?? 'cast it in the query to a type that Delta has',
        data: { column: this.#column, type },
      },
    );
  }
}

const integers = ['byte', 'short', 'integer', 'long'];
const integerDigits: Readonly<Record<string, number>> = { byte: 3, short: 5, integer: 10, long: 19 };

/** True when every value of `from` is one of `to`, so that a write may cast it: `integer` to `long`, `decimal(5,2)` to `decimal(9,4)`. */
export function canWiden(from: DeltaType, to: DeltaType): boolean {
  if (typeof from !== 'string' || typeof to !== 'string') return isSameOrWiderNested(from, to);
  if (from === to) return true;
  // The engine's timestamps without a zone count as `timestamp` where a table does not say.
  if (from === 'timestamp' && to === 'timestamp_ntz') return true;
  const target = parseDecimal(to);
  const source = parseDecimal(from);
  if (target !== undefined && source !== undefined) {
    return target.scale >= source.scale && target.precision - target.scale >= source.precision - source.scale;
  }
  if (target !== undefined) return target.precision - target.scale >= (integerDigits[from] ?? Number.POSITIVE_INFINITY);
  if (integers.includes(from)) {
    if (to === 'double') return from !== 'long';
    return integers.indexOf(to) >= integers.indexOf(from);
  }
  return from === 'float' && to === 'double';
}

function isSameOrWiderNested(from: DeltaType, to: DeltaType): boolean {
  if (typeof from === 'string' || typeof to === 'string' || from.type !== to.type) return false;
  if (from.type === 'array' && to.type === 'array') return canWiden(from.elementType, to.elementType);
  if (from.type === 'map' && to.type === 'map') return canWiden(from.keyType, to.keyType) && canWiden(from.valueType, to.valueType);
  if (from.type !== 'struct' || to.type !== 'struct') return false;
  const targets = new Map(to.fields.map((field) => [field.name.toLowerCase(), field]));
  return (
    from.fields.every((field) => {
      const target = targets.get(field.name.toLowerCase());
      return target !== undefined && canWiden(field.type, target.type);
    }) && to.fields.every((field) => field.nullable || from.fields.some((source) => source.name.toLowerCase() === field.name.toLowerCase()))
  );
}

/** Precision and scale of a decimal type, `undefined` for other types. */
export function parseDecimal(type: DeltaType): { readonly precision: number; readonly scale: number } | undefined {
  if (typeof type !== 'string') return undefined;
  const [, precision, scale] = /^decimal\((\d+),\s*(-?\d+)\)$/.exec(type) ?? [];
  return precision === undefined ? undefined : { precision: Number(precision), scale: Number(scale) };
}

/** A sentence part for messages: `Total decimal(19,4)`. */
export function describeField(field: StructField): string {
  return `${field.name} ${describeType(field.type)}`;
}
