/** Lakestead as a library: opens projects and performs what the command line performs. Delta tables: `lakestead/delta`; pipelines: `lakestead/factory`. */
export { LakesteadError, type ErrorCode, type ErrorDocument } from '#core';
export type { Notebook, NotebookContext, NotebookLake, NotebookRelation, NotebookSql, NotebookSqlTag } from '#notebooks';
export {
  openProjectOwner,
  type ProjectOwner,
  type RunDocument,
  type SqlDocument,
  type StatusDocument,
  validateProject,
  type ValidationFinding,
} from '#project';
