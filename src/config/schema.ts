import { z } from 'zod';

import { parseBytes } from './units.ts';

const text = z.string().min(1);
const memory = z
  .string()
  .regex(/^\d+(?:\.\d+)? ?[KkMmGgTt][Ii]?[Bb]$/, { error: 'must be a size with its unit, as in 512MB or 4GB' })
  .describe('A size with its unit: 512MB, 4GB');

const linkedService = z
  .strictObject({
    embedded: text.describe('A database of the embedded SQL Server, or a serverless one, by its name').optional(),
    type: text.describe("The linked service's type in Data Factory: SqlServer, PostgreSqlV2").optional(),
    typeProperties: z.record(z.string(), z.json()).describe('What replaces these typeProperties').optional(),
  })
  .superRefine((service, context) => {
    const isService = service.type !== undefined || service.typeProperties !== undefined;
    if (isService && service.embedded !== undefined) {
      context.addIssue({ code: 'custom', path: ['embedded'], message: 'cannot stand beside type or typeProperties' });
    } else if (!isService && service.embedded === undefined) {
      context.addIssue({ code: 'custom', path: [], message: 'needs embedded: <database>, or type and typeProperties' });
    }
  });

const database = z.strictObject({
  scripts: z.array(text).describe('T-SQL files run when the database opens: paths or patterns, relative to lakestead.yaml').default([]),
});

const duration = z
  .string()
  .regex(/^\d+ ?(?:ms|s|min)$/, { error: 'must be a time with its unit, as in 500ms, 30s or 2min' })
  .describe('A time: 500ms, 30s, 2min');

const azureStorage = z
  .strictObject({
    account: text.describe("The storage account; in storage: default the entry's own name").optional(),
    endpoint: text
      .describe('The address of its blob service, where that is not https://<account>.blob.core.windows.net: another cloud, Azurite')
      .optional(),
    container: text.describe('A container whose folders stand for the containers; without it they are those of the account').optional(),
    folder: text.describe('A folder of that container').optional(),
    accountKey: text.describe("The account's key: ${secret:name}").optional(),
    sasToken: text.describe('A shared access signature: ${secret:name}').optional(),
    connectionString: text.describe('A connection string: ${secret:name}').optional(),
    maxParallel: z.int().min(1).max(256).describe('Requests at a time; default 16').optional(),
    retry: z
      .strictObject({
        maxTries: z.int().min(1).max(100).describe('Attempts of a request in all; default 6').optional(),
        tryTimeout: duration.describe('How long one attempt may take; default 60s').optional(),
        minDelay: duration.describe('The wait after the first attempt, which doubles each time; default 200ms').optional(),
        maxDelay: duration.describe('The longest wait; default 20s').optional(),
      })
      .optional(),
  })
  .superRefine((storage, context) => {
    const given = (['accountKey', 'sasToken', 'connectionString'] as const).filter((key) => storage[key] !== undefined);
    if (given.length > 1) context.addIssue({ code: 'custom', path: [given[1] ?? ''], message: `cannot stand beside ${given[0] ?? ''}` });
    if (storage.folder !== undefined && storage.container === undefined)
      context.addIssue({ code: 'custom', path: ['folder'], message: 'needs container: the container it is in' });
  })
  .describe("An account of Azure Blob Storage or ADLS Gen2. Without key, token or connection string: Azure's own sign-in");

const environment = z
  .strictObject({
    lake: z
      .union([text, azureStorage])
      .describe("The lake's folder, whose subfolders are the containers (bronze, silver, gold), or an account of Azure"),
    storage: z
      .record(text, z.union([text, azureStorage]))
      .describe('Storage account -> folder whose subfolders are its containers, or how the account of Azure is opened')
      .default({}),
    vault: text.describe('The file of the local vault').default('.lakestead/vault.json'),
    notebooks: z
      .record(z.string().startsWith('/', { error: 'must start with /' }), text)
      .describe('Prefix of a workspace path -> folder')
      .default({}),
    linkedServices: z.record(text, linkedService).describe('What replaces a linked service of the factory here').default({}),
    databases: z.record(text, database).describe('The serverless databases').default({}),
  })
  .describe(
    'Where things are in one environment. ${env:NAME} and ${secret:name} stand for an environment variable and a secret of the vault',
  );

/** `lakestead.yaml` as it is written. Unknown keys are errors everywhere but in `typeProperties` and `globalParameters`. */
export const configSchema = z
  .strictObject({
    name: text.describe("The project's name"),
    factory: z.array(text).describe("Folders in Data Factory's or Synapse's Git layout").default([]),
    main: z.array(text).describe('Pipelines run in order as one run: name, or folder:name where names clash').default([]),
    engine: z
      .strictObject({
        memoryLimit: memory.describe('How much memory the engine may use: 512MB, 4GB').optional(),
        threads: z.int().min(1).max(1024).describe('Threads of the engine').optional(),
        remoteCacheLimit: memory
          .describe('How many bytes of remote files are kept on this machine, for the engine to read: 4GB')
          .optional(),
      })
      .default({}),
    notebookWorkers: z
      .strictObject({
        memoryLimit: memory
          .refine((size) => parseBytes(size) >= 16_000_000, { error: 'must be at least 16MB, which a worker takes to start' })
          .describe('How much memory the code of one notebook may take. Default 512MB')
          .optional(),
      })
      .describe("TypeScript notebooks run in workers of their own; their time limit is their activity's")
      .default({}),
    environment: text.describe('The environment that is used when none is asked for').optional(),
    environments: z
      .record(text, environment)
      .describe('At least one')
      .refine((all) => Object.keys(all).length > 0, { error: 'needs at least one environment' }),
    globalParameters: z.record(z.string(), z.json()).describe("Values that replace the factory's global parameters").default({}),
  })
  .describe('lakestead.yaml: one Lakestead project');

/** What {@link configSchema} gives: defaults filled in, references unresolved, paths as written. */
export type RawConfig = z.infer<typeof configSchema>;
export type RawAzureStorage = z.infer<typeof azureStorage>;
export type RawEnvironment = RawConfig['environments'][string];

/** The JSON Schema of `lakestead.yaml`, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: 'input' });
  return { $schema, $id: 'lakestead.schema.json', title: 'lakestead.yaml', ...rest };
}
