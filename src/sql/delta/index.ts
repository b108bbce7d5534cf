export { parseDeltaStatement } from './parse-statement.ts';
export { type ColumnType, parseColumnType } from './parse-type.ts';
export { sparkExpression, toSparkText } from './spark-expression.ts';
export { replaceDefaults } from './value-defaults.ts';
export type { ColumnDefinition, DeltaStatement, Fragment, Name } from './statement.ts';
