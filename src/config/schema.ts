import { z } from 'zod';

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

const environment = z
  .strictObject({
    lake: text.describe("The lake's folder; its subfolders are the containers: bronze, silver, gold"),
    storage: z.record(text, text).describe('Storage account -> folder whose subfolders are its containers').default({}),
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
      })
      .default({}),
    notebookWorkers: z
      .strictObject({ memoryLimit: memory.describe('How much memory the code of one notebook may take. Default 512MB').optional() })
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
export type RawEnvironment = RawConfig['environments'][string];

/** The JSON Schema of `lakestead.yaml`, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: 'input' });
  return { $schema, $id: 'lakestead.schema.json', title: 'lakestead.yaml', ...rest };
}
