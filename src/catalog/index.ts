export type { Catalog, LakeTable, TableColumn, TableDescription } from './catalog.ts';
