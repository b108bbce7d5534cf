export type {
  CompiledQuery,
  Database,
  DatabaseAccess,
  DefinitionStore,
  ExecuteOptions,
  ProcedureOutcome,
  ResultColumn,
  Session,
  SessionParameter,
  SessionResult,
  StoredDefinition,
  TableDefinition,
  Warehouse,
} from './types.ts';
export { openMemoryDefinitions } from './definition-store.ts';
export { type CatalogViews, openServerlessDatabase } from './serverless-database.ts';
export { openWarehouse, type WarehouseOptions } from './open-warehouse.ts';
export { describeRelation } from './lake-relation.ts';
export { type EmbeddedDatabase, type EmbeddedDatabaseOptions, openEmbeddedDatabase } from './embedded-database.ts';
export { openCatalogViews } from './catalog-views.ts';
export type { CatalogSource } from './catalog-rows.ts';
export type { ColumnDescription, DatabaseDescription, TableDescription } from './table-description.ts';
export { replaceTable } from './write-table.ts';
export { type LoadedTable, type LoadOptions, loadSource } from './source-load.ts';
