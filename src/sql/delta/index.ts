export { parseDeltaStatement } from './parse-statement.ts';
export { type ColumnType, parseColumnType } from './parse-type.ts';
export type { ColumnDefinition, DeltaStatement, Fragment, Name } from './statement.ts';
