import { ident, join, literal, sql, type Sql, unsafeSql } from '#sql';
import { engineType, parseType, type Relation } from '#tsql';

import { type CatalogFacts, catalogRows, readCatalogFacts, type CatalogSource } from './catalog-rows.ts';
import type { DatabaseAccess } from './types.ts';

/** The value of a cell of a catalog view. */
export type CatalogCell = string | number | boolean | null;

type CatalogView = {
  readonly schema: string;
  readonly name: string;
  /** `name type` each; a `?` behind the type for a column that can be NULL. */
  readonly columns: readonly string[];
  readonly rows: (facts: CatalogFacts) => readonly (readonly CatalogCell[])[];
};

const objectColumns = [
  'name sysname', 'object_id int', 'principal_id int?', 'schema_id int', 'parent_object_id int', 'type char(2)?', 'type_desc nvarchar(60)?',
  'create_date datetime', 'modify_date datetime', 'is_ms_shipped bit', 'is_published bit', 'is_schema_published bit',
]; // prettier-ignore
const catalog = (prefix: string) => [`${prefix}_CATALOG nvarchar(128)?`, `${prefix}_SCHEMA nvarchar(128)?`, `${prefix}_NAME sysname`];

const views: readonly CatalogView[] = [
  { schema: 'sys', name: 'databases', columns: ['name sysname', 'database_id int', 'state tinyint?', 'state_desc nvarchar(60)?', 'collation_name sysname?', 'compatibility_level tinyint', 'is_read_only bit?'], rows: catalogRows.databases },
  { schema: 'sys', name: 'schemas', columns: ['name sysname', 'schema_id int', 'principal_id int?'], rows: catalogRows.schemas },
  { schema: 'sys', name: 'tables', columns: [...objectColumns, 'max_column_id_used int', 'temporal_type tinyint?', 'is_external bit'], rows: catalogRows.tables },
  { schema: 'sys', name: 'views', columns: [...objectColumns, 'with_check_option bit'], rows: catalogRows.views },
  { schema: 'sys', name: 'procedures', columns: [...objectColumns, 'is_auto_executed bit'], rows: catalogRows.procedures },
  { schema: 'sys', name: 'objects', columns: objectColumns, rows: catalogRows.objects },
  { schema: 'sys', name: 'sql_modules', columns: ['object_id int', 'definition nvarchar(max)?'], rows: catalogRows.modules },
  { schema: 'sys', name: 'columns', columns: ['object_id int', 'name sysname?', 'column_id int', 'system_type_id tinyint', 'user_type_id int', 'max_length smallint', 'precision tinyint', 'scale tinyint', 'collation_name sysname?', 'is_nullable bit?', 'is_identity bit', 'is_computed bit'], rows: catalogRows.columns },
  { schema: 'sys', name: 'types', columns: ['name sysname', 'system_type_id tinyint', 'user_type_id int', 'schema_id int', 'max_length smallint', 'precision tinyint', 'scale tinyint', 'collation_name sysname?', 'is_nullable bit?', 'is_user_defined bit'], rows: catalogRows.types },
  { schema: 'sys', name: 'indexes', columns: ['object_id int', 'name sysname?', 'index_id int', 'type tinyint', 'type_desc nvarchar(60)?', 'is_unique bit?', 'is_primary_key bit?', 'is_unique_constraint bit?', 'is_disabled bit?'], rows: catalogRows.indexes },
  { schema: 'sys', name: 'index_columns', columns: ['object_id int', 'index_id int', 'index_column_id int', 'column_id int', 'key_ordinal tinyint', 'is_descending_key bit?', 'is_included_column bit?'], rows: catalogRows.indexColumns },
  { schema: 'sys', name: 'key_constraints', columns: [...objectColumns, 'unique_index_id int?', 'is_system_named bit'], rows: catalogRows.keyConstraints },
  { schema: 'INFORMATION_SCHEMA', name: 'SCHEMATA', columns: ['CATALOG_NAME nvarchar(128)?', 'SCHEMA_NAME sysname', 'SCHEMA_OWNER nvarchar(128)?'], rows: catalogRows.schemata },
  { schema: 'INFORMATION_SCHEMA', name: 'TABLES', columns: [...catalog('TABLE'), 'TABLE_TYPE varchar(10)?'], rows: catalogRows.informationTables },
  { schema: 'INFORMATION_SCHEMA', name: 'VIEWS', columns: [...catalog('TABLE'), 'VIEW_DEFINITION nvarchar(4000)?', 'CHECK_OPTION varchar(7)?', 'IS_UPDATABLE varchar(2)'], rows: catalogRows.informationViews },
  { schema: 'INFORMATION_SCHEMA', name: 'ROUTINES', columns: [...catalog('SPECIFIC'), ...catalog('ROUTINE'), 'ROUTINE_TYPE nvarchar(20)?', 'ROUTINE_BODY nvarchar(30)?', 'ROUTINE_DEFINITION nvarchar(4000)?'], rows: catalogRows.routines },
  { schema: 'INFORMATION_SCHEMA', name: 'COLUMNS', columns: [...catalog('TABLE'), 'COLUMN_NAME sysname?', 'ORDINAL_POSITION int?', 'COLUMN_DEFAULT nvarchar(4000)?', 'IS_NULLABLE varchar(3)?', 'DATA_TYPE nvarchar(128)?', 'CHARACTER_MAXIMUM_LENGTH int?', 'CHARACTER_OCTET_LENGTH int?', 'NUMERIC_PRECISION tinyint?', 'NUMERIC_PRECISION_RADIX smallint?', 'NUMERIC_SCALE int?', 'DATETIME_PRECISION smallint?', 'CHARACTER_SET_NAME sysname?', 'COLLATION_NAME sysname?'], rows: catalogRows.informationColumns },
  { schema: 'INFORMATION_SCHEMA', name: 'TABLE_CONSTRAINTS', columns: [...catalog('CONSTRAINT'), ...catalog('TABLE'), 'CONSTRAINT_TYPE varchar(11)?', 'IS_DEFERRABLE varchar(2)', 'INITIALLY_DEFERRED varchar(2)'], rows: catalogRows.tableConstraints },
  { schema: 'INFORMATION_SCHEMA', name: 'KEY_COLUMN_USAGE', columns: [...catalog('CONSTRAINT'), ...catalog('TABLE'), 'COLUMN_NAME nvarchar(128)?', 'ORDINAL_POSITION int'], rows: catalogRows.keyColumnUsage },
]; // prettier-ignore

/** `sys` and `INFORMATION_SCHEMA` of a database, as relations of what is there at the time of the call. */
export function openCatalogViews(source: CatalogSource) {
  return async (schema: string, name: string, access: DatabaseAccess): Promise<Relation | undefined> => {
    const isSame = (left: string, right: string) => left.toLowerCase() === right.toLowerCase();
    const view = views.find((one) => isSame(one.schema, schema) && isSame(one.name, name));
    if (view === undefined) return undefined;
    // Only these two show the columns of views, and finding those out means binding every view.
    const withViewColumns = /^columns$/i.test(view.name);
    return toRelation(view, view.rows(await readCatalogFacts(source, access, withViewColumns)));
  };
}

function toRelation(view: CatalogView, rows: readonly (readonly CatalogCell[])[]): Relation {
  const columns = view.columns.map((column) => {
    const space = column.indexOf(' ');
    const typeText = column.slice(space + 1);
    return { name: column.slice(0, space), type: parseType(typeText.replace('?', '')), nullable: typeText.endsWith('?') };
  });
  const aliases = columns.map((_, index) => ident(`c${index}`));
  const list = columns.map(
    ({ name, type }, index) => sql`CAST(${aliases[index] ?? ident('')} AS ${unsafeSql(engineType(type))}) AS ${ident(name)}`,
  );
  const tuple = (cells: readonly CatalogCell[]): Sql => sql`(${join(cells.map((cell) => literal(cell)))})`;
  const tuples = rows.length === 0 ? [tuple(columns.map(() => null))] : rows.map(tuple);
  const where = rows.length === 0 ? sql` WHERE false` : sql``;
  return { columns, sql: sql`SELECT ${join(list)} FROM (VALUES ${join(tuples)}) AS v(${join(aliases)})${where}` };
}
