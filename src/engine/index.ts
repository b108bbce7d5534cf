export { connectEngine, type ConnectOptions } from './connect-engine.ts';
export { type EngineOptions, openDuckdbEngine } from './duckdb-engine.ts';
export type {
  Batch,
  Column,
  Engine,
  Lease,
  ResultStream,
  Row,
  StatementOptions,
  StatementProgress,
  StatementShape,
  TableName,
  Vector,
  VectorBatch,
  VectorStream,
} from './engine.ts';
export { formatJson, formatText } from './format-value.ts';
export { type EngineSettings, serveEngine } from './serve-engine.ts';
