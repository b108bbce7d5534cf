import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DuckDBInstance, type DuckDBValue } from '@duckdb/node-api';

/** A DuckDB of the test's own, with nothing of the product in it: the second answer to a question. */
export type SecondOpinion = AsyncDisposable & {
  rows(query: string): Promise<Record<string, DuckDBValue>[]>;
  /** Attaches a copy of a database file, read-only: the product's own process may have the file open. */
  attachCopy(file: string, name: string): Promise<void>;
  /** Rows that are in only one of two queries, by multiset: 0 when they are equal. */
  countDifferences(left: string, right: string): Promise<number>;
};

export async function openSecondOpinion(): Promise<SecondOpinion> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  const folders: string[] = [];
  const rows = async (query: string) => (await connection.runAndReadAll(query)).getRowObjects();
  return {
    rows,
    attachCopy: async (file, name) => {
      const folder = mkdtempSync(join(tmpdir(), 'lakestead-copy-'));
      folders.push(folder);
      const copy = join(folder, 'copy.duckdb');
      cpSync(file, copy);
      await rows(`ATTACH '${copy}' AS ${name} (READ_ONLY)`);
    },
    countDifferences: async (left, right) => {
      const [row] = await rows(
        `SELECT ((SELECT count(*) FROM (${left} EXCEPT ALL ${right})) + (SELECT count(*) FROM (${right} EXCEPT ALL ${left})))::INTEGER AS n`,
      );
      return Number(row?.['n']);
    },
    [Symbol.asyncDispose]: async () => {
      connection.closeSync();
      instance.closeSync();
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The renaming that the seed's notebook does: an underscore before an upper-case letter whose predecessor is not one, none in front. */
export function goldName(name: string): string {
  return Array.from(name)
    .map((letter, index) => (index > 0 && /[A-Z]/.test(letter) && !/[A-Z]/.test(name[index - 1] ?? '') ? `_${letter}` : letter))
    .join('');
}
