import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { describeError, type ErrorDocument } from '#core';
import { checkTable, describeTable, openTable, planToSql, type ScanOptions, type SnapshotOptions } from '#delta';
import { type Engine, openDuckdbEngine } from '#engine';
import { ident, isSql, join as joinSql, literal, type Sql, sql } from '#sql';
import { openLocalStore } from '#storage';

import { keepEvidence } from '../support/evidence.ts';
import { findSharedData } from '../support/shared-data.ts';

type Manifest = readonly {
  readonly name: string;
  readonly oracleRows?: number;
  readonly activeFiles?: number;
  readonly expected: { readonly versions?: readonly string[] } | null;
}[];

/** Tables that are refused, and how: every other table of the manifest must be read exactly. */
const refused: Readonly<Record<string, string>> = {
  'delta-io-kernel-resources/catalog-owned-preview': 'DELTA_UNSUPPORTED',
  // Its deletion vector is at `{{FOLDER_WITH_SPECIAL_CHAR}}`, which a test of Spark's replaces by a path of its machine.
  'delta-io-spark-resources/table-with-dv-special-char': 'STORAGE_NOT_FOUND',
  // Nothing but a checksum file is in its log.
  'kernel-rs-data/crc-malformed': 'DELTA_NOT_A_TABLE',
  'kernel-rs-golden/deltalog-invalid-protocol-version/delta': 'DELTA_UNSUPPORTED',
  'kernel-rs-golden/deltalog-state-reconstruction-from-checkpoint-missing-protocol/delta': 'DELTA_CORRUPT',
  'kernel-rs-golden/deltalog-state-reconstruction-without-protocol/delta': 'DELTA_CORRUPT',
  // These two have no schema: their logs are shown, and there is nothing to read.
  'kernel-rs-golden/deltalog-commit-info/delta': 'DELTA_UNSUPPORTED',
  'kernel-rs-golden/update-deleted-directory/delta': 'DELTA_UNSUPPORTED',
};

/** Tables whose data files are missing on purpose: what the log says is shown, a read names the missing file. */
const filesMissing: readonly string[] = [
  'delta-io-golden-extra/parquet-decimal-dictionaries-v1',
  'delta-rs/checkpoints',
  'delta-rs/latest_not_checkpointed',
  'delta-rs/spark-variant-stable-feature-checkpoint',
  'kernel-rs-data/app-txn-with-last-updated',
];

const data = findSharedData('delta');
// The manifest is part of the test data, whose README says what is in it.
const manifest = data === undefined ? [] : (JSON.parse(readFileSync(join(data, 'manifest.json'), 'utf8')) as Manifest);
let engine: Engine;
/** What became of each table, for the evidence. */
const seen: string[] = [];

beforeAll(async () => {
  engine = await openDuckdbEngine({ threads: 2 });
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  keepEvidence('delta-tables', { tables: seen.toSorted() });
});

async function relation(name: string, options: SnapshotOptions & ScanOptions = {}): Promise<Sql> {
  const store = await openLocalStore(join(data ?? '', name));
  const table = await openTable({ store, path: '', engine });
  return await planToSql((await table.snapshot(options)).scan(options), store);
}

async function count(query: Sql): Promise<number> {
  const [row] = await engine.withLease((lease) => lease.rows(sql`SELECT count(*)::DOUBLE AS n FROM (${query}) AS rows`));
  return Number(row?.['n']);
}

/** Rows that are in one of two relations and not in the other, by multiset. */
async function difference(left: Sql, right: Sql): Promise<number> {
  return (await count(sql`(${left}) EXCEPT ALL (${right})`)) + (await count(sql`(${right}) EXCEPT ALL (${left})`));
}

/** The files of an expected version, with columns in the order of our relation. */
async function expectedRelation(folder: string, actual: Sql): Promise<Sql> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.parquet') && !file.startsWith('.'));
  const source = sql`read_parquet(${literal(files.map((file) => join(folder, file)))})`;
  return await engine.withLease(async (lease) => {
    const { columns } = await lease.stream(sql`SELECT * FROM (${actual}) AS actual LIMIT 0`);
    return sql`SELECT ${joinSql(columns.map(({ name, type }) => cast(name, type)))} FROM ${source}`;
  });
}

function cast(name: string, type: string): Sql {
  // A timestamp of the expected files is an instant even where its file does not say so.
  return type === 'TIMESTAMP WITH TIME ZONE' ? sql`CAST(${ident(name)} AS TIMESTAMPTZ)` : ident(name);
}

/** What a read ends with. */
async function failure(name: string): Promise<ErrorDocument> {
  const query = await relation(name).catch((reason: unknown) => reason);
  return describeError(isSql(query) ? await count(query).catch((reason: unknown) => reason) : query);
}

describe.skipIf(data === undefined)('tables written by other engines', () => {
  test.each([
    // Files without Parquet's annotation hold two blobs, in every nested place; null elements stay null.
    ['kernel-rs-data/unshredded-variant', 'id', 'v', '{"key":7}'],
    ['kernel-rs-data/unshredded-variant', 'id', 'array_of_variants', '[{"key":7}, NULL, {"key":7}, NULL, {"key":7}]'],
    ['kernel-rs-data/unshredded-variant', 'id', 'map_of_variants', '{7=\'{"key":7}\', nullKey=NULL}'],
    ['delta-rs/spark-shredded-variant-preview-delta', 'id', 'struct_of_variants', "{'v': '{\"key\":7}'}"],
    // Shredded: a part of each value is in columns of its own.
    ['delta-io-spark-resources/variant-stats-nested-no-checkpoint', 'i', 's', '{\'v\': \'{"name":"item_107","value":107}\'}'],
  ])('%s: of the row that %s counts as 7th, %s is %s', async (name, key, column, expected) => {
    const rows = await relation(name);
    const [row] = await engine.withLease((lease) =>
      lease.rows(sql`SELECT CAST(${ident(column)} AS VARCHAR) AS value FROM (${rows}) AS rows WHERE ${ident(key)} % 100 = 7`),
    );
    expect(row?.['value']).toBe(expected);
  });

  test.each(manifest.filter(({ name }) => name in refused).map(({ name }) => [name, refused[name]]))(
    '%s is refused with %s',
    async (name = '', code) => {
      const error = await failure(name);
      seen.push(`${name}: refused, ${error.code}`);
      expect(error).toMatchObject({ code });
    },
  );

  test.each(filesMissing)('%s shows its log, and a read names the missing file', async (name) => {
    const store = await openLocalStore(join(data ?? '', name));
    const table = await openTable({ store, path: '', engine });
    expect(describeTable(await table.snapshot()).files).toBeGreaterThan(0);
    const error = await failure(name);
    seen.push(`${name}: files missing, ${error.code}`);
    expect(error).toMatchObject({ code: 'STORAGE_FAILED', message: expect.stringMatching(/No files found.*parquet/) as string });
  });

  test.each(manifest.filter(({ name }) => !(name in refused) && !filesMissing.includes(name)))(
    '$name is read exactly',
    async ({ name, oracleRows, expected }) => {
      const rows = await count(await relation(name));
      // Where the manifest has no count, all files that the log once named are removed again.
      expect(rows).toBe(oracleRows ?? 0);
      const folder = join(data ?? '', dirname(name), 'expected');
      const versions = expected?.versions ?? (existsSync(folder) ? [''] : []);
      for (const version of versions) {
        const number = /^v(\d+)$/.exec(version)?.[1];
        const ours = await relation(name, number === undefined ? {} : { version: Number(number) });
        const content = [join(folder, version, 'table_content'), join(folder, version)].find((place) => existsSync(place)) ?? '';
        expect({ version, differences: await difference(ours, await expectedRelation(content, ours)) }).toEqual({
          version,
          differences: 0,
        });
      }
      seen.push(`${name}: read, ${rows} rows${versions.length === 0 ? ', counted by another replay' : ', equal to the expected rows'}`);
    },
  );

  // Tables of other engines, whose statistics we did not write: a check finds no fault that is not there.
  test('delta check finds fault with those alone whose files or logs are damaged', { timeout: 120_000 }, async () => {
    const damaged: string[] = [];
    for (const { name } of manifest) {
      const location = { store: await openLocalStore(join(data ?? '', name)), path: '', engine };
      const findings = await engine.withLease(async (lease) => (await checkTable(location, { lease })).findings).catch(() => ['refused']);
      if (findings.length > 0) damaged.push(name);
    }
    expect(damaged.toSorted()).toEqual([...Object.keys(refused), ...filesMissing].toSorted());
  });
});
