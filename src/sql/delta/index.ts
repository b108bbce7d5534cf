export { parseDeltaStatement } from './parse-statement.ts';
export type { DeltaStatement } from './statement.ts';
