import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const example = fileURLToPath(new URL('../../examples/adventureworks', import.meta.url));

/** The procedure that the seed's pipeline calls: it was never exported, so this one is ours. */
const procedure = `
CREATE OR ALTER PROC [dbo].[CreateSQLServerlesView_gold] @ViewName nvarchar(100)
AS
BEGIN
    DECLARE @statement varchar(max)
    SET @statement = N'CREATE OR ALTER VIEW ' + @ViewName + N' AS
        SELECT * FROM OPENROWSET(
            BULK ''https://thameurdatalakegen2.dfs.core.windows.net/gold/SalesLT/' + @ViewName + N'/'',
            FORMAT = ''DELTA'') AS [result]'
    EXEC (@statement)
END
GO
`;

/** The part of lakestead.yaml that says what stands in for the SQL Server. */
const embeddedSource = 'onpremSqlServer: { embedded: AdventureWorksLT2017 }';

/**
 * A project around a factory that somebody else exported, which stays as it is: only `lakestead.yaml`, a procedure and
 * our notebooks are added.
 */
export function makeSeedProject(
  dir: string,
  factoryFolder: string,
  options: { readonly source?: string; readonly adfFolder?: string } = {},
): void {
  mkdirSync(join(dir, 'sql'), { recursive: true });
  cpSync(options.adfFolder ?? join(factoryFolder, 'ADF'), join(dir, 'factory/ADF'), { recursive: true });
  cpSync(join(factoryFolder, 'Synapse'), join(dir, 'factory/Synapse'), { recursive: true });
  cpSync(join(example, 'notebooks'), join(dir, 'notebooks'), { recursive: true });
  writeFileSync(join(dir, 'sql/create_view.sql'), procedure);
  writeFileSync(
    join(dir, 'lakestead.yaml'),
    `name: seed
factory: [factory/ADF, factory/Synapse]
main: [copy_all_tables, create view]
environment: local
environments:
  local:
    lake: ./lake
    storage: { thameurdatalakegen2: ./lake }
    notebooks: { /Shared: ./notebooks }
    linkedServices:
      ${options.source ?? embeddedSource}
      serverlessSQLDB: { embedded: gold_db }
    databases:
      gold_db: { scripts: [sql/*.sql] }
`,
  );
  if (readdirSync(dir).length === 0) throw new Error('the project was not made');
}
