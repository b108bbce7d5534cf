export { type EngineOptions, openDuckdbEngine } from './duckdb-engine.ts';
export type { Batch, Column, Engine, Lease, ResultStream, Row, StatementOptions, TableName } from './engine.ts';
export { formatJson, formatText } from './format-value.ts';
