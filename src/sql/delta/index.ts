export { parseDeltaStatement } from './parse-statement.ts';
export { type ColumnType, parseColumnType } from './parse-type.ts';
export type { DeltaStatement, Fragment, Name, TableDefinition } from './statement.ts';
