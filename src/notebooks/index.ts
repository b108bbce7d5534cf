export type { NotebookWriteMode, NotebookWriteOptions, NotebookWriteResult, RelationColumn } from './message.ts';
export type { Notebook, NotebookContext, NotebookHole, NotebookLake, NotebookRelation, NotebookSql, NotebookSqlTag } from './notebook.ts';
export { type NotebookLimits, type NotebookPort, type NotebookResult, type NotebookRunOptions, runNotebook } from './run-notebook.ts';
export { WorkerShelf } from './worker-shelf.ts';
