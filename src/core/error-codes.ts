/**
 * Every error code with the sentence that `docs/errors/` opens its page with. Codes are public API: they are added,
 * never renamed. Keep the list sorted by area; a test compares it with the pages.
 */
export const errorCodes = {
  // core and command line
  INTERNAL: 'Lakestead met a state that its authors ruled out: a bug of ours.',
  CANCELLED: 'The work was cancelled before it finished.',
  TIMEOUT: 'The work took longer than its time limit.',
  USAGE: 'The command line is not one that Lakestead understands.',
  // config and secrets
  CONFIG_INVALID: 'lakestead.yaml or a file beside it does not say what it must.',
  CONFIG_NOT_FOUND: 'There is no lakestead.yaml here or in any folder above.',
  SECRET_NOT_FOUND: 'A secret that is referred to is not in the vault.',
  VAULT_UNREADABLE: 'The vault file cannot be opened with this key.',
  // state
  STATE_NEWER: 'The state database was written by a newer Lakestead.',
  STATE_UNREADABLE: 'The state database cannot be opened.',
  // engine and SQL
  ENGINE_FAILED: 'The engine refused or failed a statement.',
  ENGINE_OUT_OF_MEMORY: 'A statement needed more memory than memoryLimit allows.',
  SQL_SYNTAX: 'The statement cannot be parsed.',
  SQL_NAME_NOT_FOUND: 'The statement names a table, column, function or procedure that does not exist.',
  SQL_NOT_SUPPORTED: 'The statement uses a form that is not supported.',
  SQL_TYPE: 'The statement combines types that do not go together, or a value does not convert.',
  SQL_RAISED: 'The T-SQL itself raised an error: RAISERROR or THROW.',
  // storage and Delta
  DISK_FULL: 'The disk has no room for what had to be written.',
  STORAGE_NOT_FOUND: 'The object or folder is not there.',
  STORAGE_EXISTS: 'The object was there already, and may not be replaced.',
  STORAGE_UNMAPPED: 'An address of a storage account is not mapped in this environment.',
  STORAGE_DENIED: 'The storage account refused the credential, or it lacks the right.',
  STORAGE_UNREACHABLE: 'The storage account cannot be reached, or does not answer in time.',
  STORAGE_THROTTLED: 'The storage account is too busy to answer.',
  STORAGE_CACHE_FULL: 'The cache of remote files has no room for what must be read at the same time.',
  STORAGE_FAILED: 'The storage refused or failed an operation.',
  DELTA_NOT_A_TABLE: 'The folder is no Delta table.',
  DELTA_CORRUPT: 'The Delta log is damaged.',
  DELTA_CONFLICT: 'Another writer committed first.',
  DELTA_MERGE_AMBIGUOUS: 'Several rows of a merge would change the same row of the table.',
  DELTA_CONSTRAINT: 'A row breaks a rule of its table.',
  DELTA_UNSUPPORTED: 'The table needs a Delta feature that is not supported.',
  DELTA_SCHEMA_MISMATCH: 'What is written does not fit the schema of the table.',
  DELTA_VERSION_NOT_FOUND: 'The version or timestamp asked for is not in the table.',
  // factory
  FACTORY_INVALID: 'The JSON of a pipeline, dataset or linked service is not what Data Factory takes.',
  FACTORY_NOT_FOUND: 'A pipeline, dataset or linked service that is referred to does not exist.',
  FACTORY_UNSUPPORTED: 'An activity, property or type is not supported.',
  EXPRESSION_INVALID: 'A pipeline expression cannot be parsed.',
  EXPRESSION_FAILED: 'A pipeline expression failed when it was evaluated.',
  ACTIVITY_FAILED: 'An activity of the pipeline failed.',
  NOTEBOOK_FAILED: 'A notebook threw an error.',
  NOTEBOOK_NOT_FOUND: 'The notebook that an activity names is not in the project.',
  // connectors
  CONNECT_DNS: 'The name of the server cannot be resolved.',
  CONNECT_TCP: 'The server cannot be reached at that address and port.',
  CONNECT_TLS: 'The encrypted connection to the server cannot be made.',
  CONNECT_LOGIN: 'The server refused the user or the password.',
  CONNECT_DATABASE: 'The server does not have that database, or this user may not open it.',
  CONNECT_PERMISSION: 'The server refused the statement for lack of permission.',
  CONNECT_FAILED: 'The server failed the connection or a statement.',
  // serving
  ACCESS_DENIED: 'This user may not do that.',
  PROTOCOL_VIOLATION: 'A client sent what its protocol does not allow.',
  // owner
  OWNER_UNREACHABLE: 'The process that owns the project does not answer.',
  OWNER_STOPPED: 'The process that owned the project ended during the command.',
} as const;

/** A stable name of one kind of error. */
export type ErrorCode = keyof typeof errorCodes;
