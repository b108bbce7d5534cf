import { z } from 'zod';

import { LakesteadError } from '#core';

const stringMap = z.record(z.string(), z.string().nullable());
// Writers leave a field out or write null for it: both mean that it is not there.
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

const protocolSchema = z.object({
  minReaderVersion: z.int().nonnegative(),
  minWriterVersion: z.int().nonnegative(),
  readerFeatures: optional(z.array(z.string())),
  writerFeatures: optional(z.array(z.string())),
});

const metadataSchema = z.object({
  id: z.string(),
  name: optional(z.string()),
  description: optional(z.string()),
  format: z.object({ provider: z.string(), options: optional(stringMap) }),
  // Spark takes a table without a schema for one without columns.
  schemaString: z
    .string()
    .nullish()
    .transform((value) => value ?? '{"type":"struct","fields":[]}'),
  partitionColumns: z.array(z.string()),
  configuration: z.record(z.string(), z.string().nullable()).nullish().transform((value) => value ?? {}), // prettier-ignore
  createdTime: optional(z.number()),
});

const deletionVectorSchema = z.object({
  storageType: z.string(),
  pathOrInlineDv: z.string(),
  offset: optional(z.int()),
  sizeInBytes: z.int(),
  cardinality: z.int().nonnegative(),
});

const addSchema = z.object({
  path: z.string().min(1),
  partitionValues: stringMap.nullish().transform((value) => value ?? {}),
  size: z.int().nonnegative(),
  modificationTime: z.number(),
  dataChange: z.boolean(),
  stats: optional(z.string()),
  tags: optional(stringMap),
  deletionVector: optional(deletionVectorSchema),
  baseRowId: optional(z.int()),
  defaultRowCommitVersion: optional(z.int()),
  clusteringProvider: optional(z.string()),
});

const removeSchema = z.object({
  path: z.string().min(1),
  deletionTimestamp: optional(z.number()),
  dataChange: z.boolean().nullish().transform((value) => value ?? true), // prettier-ignore
  extendedFileMetadata: optional(z.boolean()),
  partitionValues: optional(stringMap),
  size: optional(z.int()),
  stats: optional(z.string()),
  tags: optional(stringMap),
  deletionVector: optional(deletionVectorSchema),
  baseRowId: optional(z.int()),
  defaultRowCommitVersion: optional(z.int()),
});

const txnSchema = z.object({ appId: z.string(), version: z.int(), lastUpdated: optional(z.number()) });
const domainMetadataSchema = z.object({ domain: z.string(), configuration: z.string(), removed: z.boolean() });
const cdcSchema = z.object({
  path: z.string().min(1),
  partitionValues: stringMap,
  size: z.int(),
  dataChange: z.boolean(),
  tags: optional(stringMap),
});
// Other writers put anything here; only what we read is named, the rest is kept.
const commitInfoSchema = z.looseObject({
  timestamp: optional(z.number()),
  inCommitTimestamp: optional(z.number()),
  operation: optional(z.string()),
  operationParameters: optional(z.record(z.string(), z.unknown())),
  operationMetrics: optional(z.record(z.string(), z.unknown())),
  readVersion: optional(z.number()),
  isolationLevel: optional(z.string()),
  isBlindAppend: optional(z.boolean()),
  engineInfo: optional(z.string()),
  userMetadata: optional(z.string()),
  txnId: optional(z.string()),
});

const sidecarSchema = z.object({ path: z.string().min(1), sizeInBytes: z.int(), modificationTime: optional(z.number()) });

const actionSchema = z.object({
  protocol: protocolSchema.nullish(),
  metaData: metadataSchema.nullish(),
  add: addSchema.nullish(),
  remove: removeSchema.nullish(),
  txn: txnSchema.nullish(),
  domainMetadata: domainMetadataSchema.nullish(),
  cdc: cdcSchema.nullish(),
  commitInfo: commitInfoSchema.nullish(),
  sidecar: sidecarSchema.nullish(),
});

/** Which readers and writers the table needs. Feature names are kept as they are. */
export type Protocol = z.infer<typeof protocolSchema>;
/** The table's identity, schema and properties. */
export type Metadata = z.infer<typeof metadataSchema>;
/** A data file that is in the table. `path` is percent-encoded as in the log; `size` is in bytes. */
export type AddFile = z.infer<typeof addSchema>;
/** A data file that no longer is in the table. */
export type RemoveFile = z.infer<typeof removeSchema>;
/** Where the deleted rows of a file are listed. */
export type DeletionVectorDescriptor = z.infer<typeof deletionVectorSchema>;
/** How far an application came. */
export type Txn = z.infer<typeof txnSchema>;
/** A named configuration of a feature. */
export type DomainMetadata = z.infer<typeof domainMetadataSchema>;
/** Who committed, and what. */
export type CommitInfo = z.infer<typeof commitInfoSchema>;
/** One line of a log file: one of the fields is set. Actions of kinds that we do not know have none. */
export type Action = z.infer<typeof actionSchema>;

/**
 * The actions of a commit, in order.
 *
 * @param text newline-delimited JSON
 * @param logPath where it comes from, for messages
 * @throws {LakesteadError} `DELTA_CORRUPT` naming the file and the line
 */
export function parseCommit(text: string, logPath: string): readonly Action[] {
  const actions: Action[] = [];
  text.split('\n').forEach((line, index) => {
    if (line.trim() !== '') actions.push(parseAction(line, `${logPath}, line ${index + 1}`));
  });
  return actions;
}

/** One action from its JSON text; `where` is for messages. Throws `DELTA_CORRUPT`. */
export function parseAction(line: string, where: string): Action {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (cause) {
    throw new LakesteadError('DELTA_CORRUPT', `${where} is no JSON`, {
      cause,
      hint: 'the file was changed or cut after it was written: restore it from a copy',
    });
  }
  const result = actionSchema.safeParse(json);
  if (result.success) return result.data;
  throw new LakesteadError('DELTA_CORRUPT', `${where} is no action of a Delta log: ${z.prettifyError(result.error)}`, {
    cause: result.error,
    hint: 'its writer did not keep to the protocol, or the file was changed: restore it from a copy',
  });
}

/** The text of a commit: the inverse of {@link parseCommit}. */
export function formatCommit(actions: readonly Action[]): string {
  return `${actions.map((action) => JSON.stringify(action)).join('\n')}\n`;
}
