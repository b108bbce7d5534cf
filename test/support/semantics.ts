import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openGateway } from '#access';
import { openCatalog } from '#catalog';
import { LakesteadError } from '#core';
import { type Engine, formatText, openDuckdbEngine } from '#engine';
import type { SqlValue } from '#sql';
import { openLake } from '#storage';
import { formatType } from '#tsql';
import { type EmbeddedDatabase, openEmbeddedDatabase, openMemoryDefinitions, openWarehouse, type Session } from '#warehouse';

/** What a script came to: rows as text with `|` between values, the types of all columns, messages, counts, and how it failed. */
export type Answer = {
  readonly rows: readonly string[];
  readonly types: readonly string[];
  readonly messages: readonly string[];
  readonly counts: readonly number[];
  readonly error: LakesteadError | undefined;
};

/** A session of a fresh embedded database `db` for all tests of a file; gives the function that asks it. */
export function openSemantics(): (script: string) => Promise<Answer> {
  let dir: string;
  let engine: Engine;
  let database: EmbeddedDatabase;
  let session: Session;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'lakestead-semantics-'));
    engine = await openDuckdbEngine({ threads: 1 });
    const lake = openLake({ defaultRoot: dir });
    const catalog = openCatalog({ lake, engine });
    database = await openEmbeddedDatabase({ engine, file: join(dir, 'db.duckdb'), name: 'db' });
    const warehouse = openWarehouse({
      engine,
      gateway: openGateway({ engine, catalog, lake }),
      definitions: openMemoryDefinitions(),
      databases: [database],
    });
    session = await warehouse.session({ database: 'db' });
  });
  afterAll(async () => {
    await session[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });
  return async (script) => {
    const rows: string[] = [];
    const types: string[] = [];
    const messages: string[] = [];
    const counts: number[] = [];
    let failure: LakesteadError | undefined;
    try {
      for await (const result of session.execute(script)) {
        if (result.kind === 'message') messages.push(result.text);
        else if (result.kind === 'count') counts.push(result.rowCount);
        else {
          types.push(...result.columns.map(({ type }) => formatType(type)));
          for await (const batch of result.batches)
            for (let row = 0; row < batch.rowCount; row += 1)
              rows.push(batch.columns.map((column, index) => show(column[row], result.columns[index]?.type.name)).join('|'));
        }
      }
    } catch (error) {
      if (!(error instanceof LakesteadError)) throw error;
      failure = error;
    }
    return { rows, types, messages, counts, error: failure };
  };
}

/** A value as SQL Server's tools show it. */
function show(value: SqlValue | undefined, type: string | undefined): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (type === 'varbinary' || type === 'binary') return `0x${Buffer.from(formatText(value), 'base64').toString('hex').toUpperCase()}`;
  const text = formatText(value);
  return type !== undefined && /^(?:small)?date/.test(type) ? text.replace(/^(\d+-\d+-\d+)T/, '$1 ') : text;
}

/** An expression, what it is, and its type: a name alone stands for any length. A failure is `error <number>: <message>`. */
export type ExpressionCase = readonly [expression: string, value: string, type?: string];

/** Checks each expression in a `SELECT` of its own. */
export function testExpressions(ask: (script: string) => Promise<Answer>, title: string, cases: readonly ExpressionCase[]): void {
  describe(title, () => {
    test.for(cases.map((one) => ({ name: one[0], one })))('$name', async ({ one: [expression, value, type] }) => {
      const { rows, types, error } = await ask(`SELECT ${expression}`);
      const outcome = error === undefined ? rows : [describeError(error)];
      expect(outcome).toEqual([value]);
      if (type !== undefined) expect(type.includes('(') ? types : types.map((one) => one.replace(/\(.*/, ''))).toEqual([type]);
    });
  });
}

/** A claim, a script, and all its rows; a failure comes after them. */
export type ScriptCase = readonly [claim: string, script: string, rows: readonly string[]];

/** Checks the rows and messages of each script. */
export function testScripts(ask: (script: string) => Promise<Answer>, title: string, cases: readonly ScriptCase[]): void {
  describe(title, () => {
    test.for(cases.map((one) => ({ name: one[0], one })))('$name', async ({ one: [, script, expected] }) => {
      const { rows, messages, error } = await ask(script);
      expect([...rows, ...messages, ...(error === undefined ? [] : [describeError(error)])]).toEqual(expected);
    });
  });
}

/** `error 8134: Divide by zero ...`; what is refused shows its code and place. */
function describeError({ code, message, data }: LakesteadError): string {
  return typeof data['number'] === 'number' ? `error ${data['number']}: ${message}` : `${code} ${message}`;
}
