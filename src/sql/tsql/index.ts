export type * from './ast.ts';
export { bindChange } from './bind-change.ts';
export type { BoundQuery } from './bind-context.ts';
export { bindQuery } from './bind-query.ts';
export { roundTemporal } from './convert-temporal.ts';
export { type Batch, placeOf, splitBatches, syntaxError } from './lexer.ts';
export { parseBatch } from './parse-statement.ts';
export { readRaised } from './raise.ts';
export { type BindScope, type BoundColumn, filePathColumn, type Relation, type TargetTable, type TypedValue } from './scope.ts';
export {
  describeColumnType,
  engineType,
  formatType,
  lakeType,
  makeType,
  parseType,
  type SqlServerType,
  type SqlServerTypeName,
  systemType,
  typeNames,
} from './types.ts';
