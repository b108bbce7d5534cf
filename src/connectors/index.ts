export type {
  Connector,
  ProcedureParameter,
  ReadOptions,
  SourceCheck,
  SourceColumn,
  SourceQuery,
  SourceResult,
  SourceRows,
  SourceTable,
  TableWrite,
} from './connector.ts';
export { type ConnectorTarget, openConnector } from './open-connector.ts';
