import type { Lease } from '#engine';
import { ident, join, literal, type Sql, sql, unsafeSql } from '#sql';
import { type Relation, type SqlServerType } from '#tsql';

/** A type of the engine as serverless SQL infers it, and how its values become that type's. */
type Inferred = { readonly type: SqlServerType; readonly convert?: (column: Sql) => Sql };

const textType: SqlServerType = { name: 'varchar', length: 8000 };

const fixed: Readonly<Record<string, Inferred>> = {
  VARCHAR: { type: textType },
  JSON: { type: textType, convert: (column) => sql`CAST(${column} AS VARCHAR)` },
  UUID: { type: { name: 'uniqueidentifier' }, convert: (column) => sql`upper(CAST(${column} AS VARCHAR))` },
  BOOLEAN: { type: { name: 'bit' } },
  TINYINT: { type: { name: 'smallint' }, convert: (column) => sql`CAST(${column} AS SMALLINT)` },
  UTINYINT: { type: { name: 'tinyint' } },
  SMALLINT: { type: { name: 'smallint' } },
  USMALLINT: { type: { name: 'int' }, convert: (column) => sql`CAST(${column} AS INTEGER)` },
  INTEGER: { type: { name: 'int' } },
  UINTEGER: { type: { name: 'bigint' }, convert: (column) => sql`CAST(${column} AS BIGINT)` },
  BIGINT: { type: { name: 'bigint' } },
  UBIGINT: { type: { name: 'decimal', precision: 20, scale: 0 }, convert: (column) => sql`CAST(${column} AS DECIMAL(20,0))` },
  HUGEINT: { type: { name: 'decimal', precision: 38, scale: 0 }, convert: (column) => sql`CAST(${column} AS DECIMAL(38,0))` },
  FLOAT: { type: { name: 'real' } },
  DOUBLE: { type: { name: 'float' } },
  DATE: { type: { name: 'date' } },
  TIME: { type: { name: 'time', scale: 6 } },
  TIMESTAMP: { type: { name: 'datetime2', scale: 7 } },
  TIMESTAMP_S: { type: { name: 'datetime2', scale: 7 }, convert: (column) => sql`CAST(${column} AS TIMESTAMP)` },
  TIMESTAMP_MS: { type: { name: 'datetime2', scale: 7 }, convert: (column) => sql`CAST(${column} AS TIMESTAMP)` },
  TIMESTAMP_NS: { type: { name: 'datetime2', scale: 7 }, convert: (column) => sql`CAST(${column} AS TIMESTAMP)` },
  // Delta's timestamp: serverless shows it as a datetime2 in UTC.
  'TIMESTAMP WITH TIME ZONE': { type: { name: 'datetime2', scale: 7 }, convert: (column) => sql`(${column} AT TIME ZONE 'UTC')` },
  BLOB: { type: { name: 'varbinary', length: 8000 } },
};

/** What a column of the engine is in a serverless database. Nested values become JSON text. */
function inferType(engineType: string): Inferred {
  const known = fixed[engineType];
  if (known !== undefined) return known;
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(engineType);
  if (decimal !== null) return { type: { name: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) } };
  return { type: textType, convert: (column) => sql`CAST(to_json(${column}) AS VARCHAR)` };
}

/** A SELECT of the engine as a relation with SQL Server's types. Runs nothing but the statement's preparation. */
export async function describeRelation(source: Sql, lease: Lease, signal?: AbortSignal): Promise<Relation> {
  const { columns } = await lease.stream(sql`SELECT * FROM (${source}) LIMIT 0`, { signal });
  const inferred = columns.map((column) => ({ name: column.name, ...inferType(column.type) }));
  const relation = { columns: inferred.map(({ name, type }) => ({ name, type, nullable: true })) };
  if (inferred.every(({ convert }) => convert === undefined)) return { ...relation, sql: source };
  const items = inferred.map(({ name, convert }) => (convert === undefined ? ident(name) : sql`${convert(ident(name))} AS ${ident(name)}`));
  return { ...relation, sql: sql`SELECT ${join(items)} FROM (${source})` };
}

/** The files of a source: `filePath` is the column that says which one a row is from, where somebody asks for it. */
export type SourceFiles = { readonly paths: readonly string[]; readonly filePath?: Sql | undefined };

const withFilePath = ({ filePath }: SourceFiles): Sql => (filePath === undefined ? sql`SELECT *` : sql`SELECT *, ${filePath}`);

/** The files of a folder of Parquet as a SELECT. */
export function selectParquet(files: SourceFiles): Sql {
  return sql`${withFilePath(files)} FROM read_parquet(${literal(files.paths)}, hive_partitioning = false)`;
}

/** What a CSV reader of serverless SQL is told. Terminators are characters, not `0x0b`. */
export type CsvFormat = {
  readonly fieldTerminator: string;
  readonly rowTerminator: string | undefined;
  readonly quote: string;
  readonly escape: string | undefined;
  readonly hasHeader: boolean;
  /** Lines before the first row, without the header. */
  readonly skip: number;
  /** Names of the columns when every value is to be text. */
  readonly textColumns: readonly string[] | undefined;
};

/** CSV files as a SELECT. */
export function selectCsv(files: SourceFiles, format: CsvFormat): Sql {
  const options = [
    sql`delim = ${literal(format.fieldTerminator)}`,
    sql`quote = ${literal(format.quote)}`,
    sql`escape = ${literal(format.escape ?? format.quote)}`,
    sql`header = ${literal(format.hasHeader)}`,
    sql`skip = ${literal(format.skip)}`,
    unsafeSql('hive_partitioning = false'),
    unsafeSql('max_line_size = 16777216'),
    unsafeSql("nullstr = ''"),
  ];
  if (format.textColumns !== undefined) {
    const columns = format.textColumns.map((name) => sql`${literal(name)}: 'VARCHAR'`);
    options.push(sql`columns = {${join(columns)}}`, unsafeSql('auto_detect = false, null_padding = true'));
  }
  return sql`${withFilePath(files)} FROM read_csv(${literal(files.paths)}, ${join(options)})`;
}

/** Each file as one row with one text column. */
export function selectWholeFiles(paths: readonly string[], column: string): Sql {
  return sql`SELECT content AS ${ident(column)} FROM read_text(${literal(paths)})`;
}
