export type { CommandContext, CommandEvent } from './command.ts';
export type {
  RunSummary,
  SourceLoadDocument,
  SqlDocument,
  StatusDocument,
  TableDocument,
  TableHistoryDocument,
  TableListDocument,
  TableSummary,
  ValidationFinding,
} from './documents.ts';
export { openProjectOwner, type ProjectOwner } from './open-project-owner.ts';
export type { RunDocument } from './run-command.ts';
export { isUrl } from './delta-place.ts';
export { askDeltaPath, type DeltaSqlRequest } from './delta-sql.ts';
export { keepUp, type UpkeepRequest } from './delta-upkeep.ts';
export { type DeltaPathRequest, readDeltaPath } from './table-commands.ts';
export { validateProject } from './validate-project.ts';
export type { ServeDocument } from './serve-command.ts';
