import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { openGateway } from '#access';
import { openCatalog } from '#catalog';
import { openDuckdbEngine } from '#engine';
import { sql } from '#sql';
import { openLake } from '#storage';
import { openEmbeddedDatabase, openMemoryDefinitions, openWarehouse, replaceTable, type Session } from '#warehouse';

async function read(session: Session, script: string): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  for await (const result of session.execute(script)) {
    if (result.kind !== 'rows') continue;
    for await (const batch of result.batches)
      for (let row = 0; row < batch.rowCount; row += 1) rows.push(batch.columns.map((column) => column[row]));
  }
  return rows;
}

test('a session makes tables, fills them and finds them in the catalog views', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'lakestead-catalog-'));
  try {
    await using engine = await openDuckdbEngine({ threads: 1 });
    const lake = openLake({ defaultRoot: dir, accounts: new Map() });
    const catalog = openCatalog({ lake, engine });
    const definitions = openMemoryDefinitions();
    await using database = await openEmbeddedDatabase({ engine, file: join(dir, 'shop.duckdb'), name: 'shop', definitions });
    await using warehouse = openWarehouse({
      engine,
      gateway: openGateway({ engine, catalog, lake }),
      definitions,
      databases: [database],
    });
    await using session = await warehouse.session({ database: 'shop' });
    await read(
      session,
      `CREATE SCHEMA Sales
GO
CREATE TABLE Sales.Item (Id int IDENTITY(1,1) PRIMARY KEY, Name nvarchar(20) NOT NULL, Price money NULL)
INSERT INTO Sales.Item (Name, Price) VALUES (N'a', 1.5), (N'b', NULL)
GO
CREATE VIEW Sales.Cheap AS SELECT Id FROM Sales.Item WHERE Price < 2
GO
CREATE PROCEDURE Sales.Go_on AS SELECT 1 AS one`,
    );
    expect(await read(session, 'SELECT Id, Name FROM sales.ITEM ORDER BY Id')).toEqual([[1, 'a'], [2, 'b']]); // prettier-ignore
    // Tables that are looked up at the same time: several in one list, in conditions, of other kinds.
    expect(
      await read(session, `SELECT (SELECT COUNT(*) FROM Sales.Item) AS a, (SELECT MAX(Name) FROM Sales.Item) AS b, (SELECT COUNT(*) FROM Sales.Cheap) AS c
        WHERE EXISTS (SELECT 1 FROM Sales.Item WHERE Id IN (SELECT Id FROM Sales.Cheap)) AND 2 = (SELECT COUNT(*) FROM Sales.Item)`),
    ).toEqual([[2, 'b', 1]]); // prettier-ignore
    // The query that programs ask for the list of tables to copy.
    expect(
      await read(
        session,
        `SELECT s.name AS SchemaName, t.name AS TableName FROM sys.tables t INNER JOIN sys.schemas s ON t.schema_id = s.schema_id WHERE s.name = 'Sales'`,
      ),
    ).toEqual([['Sales', 'Item']]);
    expect(
      await read(session, `SELECT c.name, t.name FROM sys.columns c JOIN sys.types t ON t.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID('Sales.Item') ORDER BY c.column_id`),
    ).toEqual([['Id', 'int'], ['Name', 'nvarchar'], ['Price', 'money']]); // prettier-ignore
    expect(await read(session, `SELECT name FROM sys.objects WHERE type IN ('V', 'P') ORDER BY name`)).toEqual([['Cheap'], ['Go_on']]);
    expect(
      await read(session, `SELECT i.name, c.name FROM sys.indexes i JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id WHERE i.is_primary_key = 1`),
    ).toEqual([['PK_Item', 'Id']]); // prettier-ignore
    const columns = [
      { name: 'a', type: { name: 'int' }, nullable: false },
      { name: 'twice', type: { name: 'int' }, nullable: true, computed: 'a * 2' },
    ] as const;
    const table = { schema: 'dbo', name: 'Pair', columns, primaryKey: [] };
    await engine.withLease((lease) => replaceTable({ lease, database: 'shop', table, rows: sql`SELECT 1, 2` }));
    const pairs = async (change: string) => await read(session, `${change}; SELECT a, twice FROM Pair ORDER BY a`);
    expect(await pairs('UPDATE Pair SET a += 2')).toEqual([[3, 6]]);
    expect(await pairs("INSERT INTO Pair (a) VALUES (2), ('4')")).toEqual([[2, 4], [3, 6], [4, 8]]); // prettier-ignore
    expect(await pairs('INSERT INTO Pair SELECT a + 10 FROM Pair WHERE a = 2')).toEqual([[2, 4], [3, 6], [4, 8], [12, 24]]); // prettier-ignore
    expect(await pairs('UPDATE p SET a = q.a * 10 FROM Pair p JOIN Pair q ON q.a = p.a WHERE p.a = 4')).toEqual([[2, 4], [3, 6], [12, 24], [40, 80]]); // prettier-ignore
    for (const change of ['UPDATE Pair SET twice = 2', 'INSERT INTO Pair (a, twice) VALUES (2, 3)'])
      await expect(read(session, change)).rejects.toThrow(/"twice" cannot be modified because it is either a computed column/);
    await read(session, 'DROP TABLE Pair; DROP TABLE Sales.Item');
    expect(await read(session, 'SELECT TABLE_NAME, TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES')).toEqual([['Cheap', 'VIEW']]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
