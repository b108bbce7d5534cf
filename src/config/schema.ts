import { z } from 'zod';

const name = z.string().min(1);
const path = z.string().min(1);

/** What stands in for a linked service in one environment: an embedded database, or the service's JSON with other properties. */
const linkedServiceSchema = z.union([
  z.strictObject({
    embedded: name.describe('a database of the embedded SQL Server, or a serverless database'),
  }),
  z.strictObject({
    type: name.optional().describe("another type of linked service, in Data Factory's words"),
    typeProperties: z
      .record(z.string(), z.unknown())
      .describe('properties that replace those of the JSON; ${secret:name} and ${env:NAME} are taken'),
  }),
]);

const databaseSchema = z.strictObject({
  scripts: z.array(path).default([]).describe('T-SQL files run when the database opens; * matches within a folder'),
});

const environmentSchema = z.strictObject({
  lake: path.default('./lake').describe("the lake's folder; its subfolders are the containers (layers)"),
  storage: z.record(name, path).default({}).describe('storage account -> folder'),
  vault: path.default('.lakestead/vault.json').describe('the local vault'),
  notebooks: z.record(name, path).default({}).describe('workspace path prefix -> folder of notebooks'),
  linkedServices: z.record(name, linkedServiceSchema).default({}).describe('what stands in for linked services here'),
  databases: z.record(name, databaseSchema).default({}).describe('serverless and embedded databases'),
});

const engineSchema = z.strictObject({
  memoryLimit: z
    .string()
    .regex(/^\d+(\.\d+)?\s*(KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/i, 'must be a size such as 512MB or 2GB')
    .optional()
    .describe('how much memory the engine may use'),
  threads: z.int().min(1).max(256).optional().describe('threads of the engine'),
});

/** `lakestead.yaml` as it is written. */
export const configSchema = z.strictObject({
  $schema: z.string().optional(),
  name: name.describe('the name of the project'),
  factory: z
    .union([path.transform((one) => [one]), z.array(path)])
    .default([])
    .describe("folders in Data Factory's or Synapse's Git layout"),
  main: z
    .union([name.transform((one) => [one]), z.array(name)])
    .default([])
    .describe('pipelines run in order as one run; folder:pipeline where names clash'),
  engine: engineSchema.default({}),
  environment: name.optional().describe('the default environment; without it the first one'),
  environments: z.record(name, environmentSchema).refine((all) => Object.keys(all).length > 0, 'must name at least one environment'),
  globalParameters: z.record(z.string(), z.unknown()).default({}).describe("values that replace the factory's global parameters"),
});

/** `lakestead.yaml`, checked. */
export type ConfigDocument = z.infer<typeof configSchema>;
export type EnvironmentDocument = z.infer<typeof environmentSchema>;
export type LinkedServiceDocument = z.infer<typeof linkedServiceSchema>;
