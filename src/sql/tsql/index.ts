export type * from './ast.ts';
export { type Batch, placeOf, splitBatches, syntaxError } from './lexer.ts';
export { parseBatch } from './parse-statement.ts';
