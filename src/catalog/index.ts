export type { Catalog, LakeTable, TableColumn, TableDescription } from './catalog.ts';
export { escapePattern, openCatalog, tableRelation, type TableRelation } from './open-catalog.ts';
