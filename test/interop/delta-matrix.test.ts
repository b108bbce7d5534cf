import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { askDeltaPath } from '#project';

import type { PythonSession } from '../services/python-session.ts';
import { temporaryFolder } from '../support/cli.ts';
import { peers, set } from '../support/delta-peers.ts';

/** The rows of the reference's first table: what it says of each feature. */
const rows = readFileSync(new URL('../../docs/reference/delta-features.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => /^\| \w+ \| .*\| (?:yes|no) \| (?:yes|no) \|/.test(line))
  .map((line) => {
    const [, feature = '', askedBy = '', , reads = '', writes = ''] = line.split('|').map((cell) => cell.trim());
    return { feature, askedBy: askedBy.replaceAll('`', ''), reads: reads === 'yes', writes: writes === 'yes' };
  });

const deltaRs = peers.find(({ peer }) => peer.name === 'delta-rs');

describe.skipIf(deltaRs?.isThere !== true)('the matrix of features says what is so', { timeout: 120_000 }, () => {
  const temporary = temporaryFolder();
  let session: PythonSession;
  beforeAll(async () => {
    const started = await deltaRs?.peer.start();
    if (started === undefined) throw new Error('delta-rs does not start');
    session = started;
  });
  afterAll(async () => {
    await session[Symbol.asyncDispose]();
    temporary[Symbol.dispose]();
  });

  async function ask(path: string, query: string): Promise<unknown> {
    let text = '';
    const emit = (event: { readonly kind: string; readonly text?: string }) => {
      if (event.kind === 'text') text += event.text ?? '';
    };
    await askDeltaPath({ path, query, format: 'json', output: undefined }, { signal: new AbortController().signal, emit });
    return JSON.parse(text);
  }

  /** The statements that make a table with a feature, whose columns are `id` and `p`, with rows 1, 3 and 4. */
  function statements(feature: string, askedBy: string): readonly string[] {
    const isProperty = askedBy.startsWith("'");
    const isColumn = /^(?:n|twice) /.test(askedBy);
    const more = { checkpointInterval: "'delta.checkpointInterval' = '2'", deletionVectors: "'delta.enableDeletionVectors' = 'true'" };
    const properties =
      feature === 'checkpointProtection'
        ? more.deletionVectors
        : isProperty
          ? `${askedBy}, ${more.checkpointInterval}`
          : more.checkpointInterval;
    const change = feature === 'appendOnly' ? [] : ['DELETE FROM t WHERE id = 2'];
    const first = feature === 'appendOnly' ? "(1, 'a'), (3, 'c')" : "(1, 'a'), (2, 'b'), (3, 'c')";
    const after = {
      checkpointProtection: ['ALTER TABLE t DROP FEATURE deletionVectors'],
      checkConstraints: [askedBy],
      typeWidening: ['ALTER TABLE t ALTER COLUMN id TYPE BIGINT'],
    };
    return [
      `CREATE TABLE t (id INT, p STRING${isColumn ? `, ${askedBy}` : ''}) USING DELTA ${feature === 'clustering' ? askedBy : ''} TBLPROPERTIES (${properties})`,
      `INSERT INTO t (id, p) VALUES ${first}`,
      ...change,
      ...(Object.entries(after).find(([name]) => name === feature)?.[1] ?? []),
      "INSERT INTO t (id, p) VALUES (4, 'd')",
    ];
  }

  test('it has all features that are written', () => {
    expect(rows).toHaveLength(18);
  });

  for (const { feature, askedBy, reads, writes } of rows) {
    test(`${feature}: written and read here, ${reads ? 'read' : 'refused'} by delta-rs, ${writes ? 'written' : 'not written'} by it`, async () => {
      const path = join(temporary.path, feature);
      for (const statement of statements(feature, askedBy)) await ask(path, statement);
      const [detail] = (await ask(path, 'DESCRIBE DETAIL t')) as readonly { readonly tableFeatures: readonly string[] }[];
      expect(detail?.tableFeatures).toContain(feature);
      const ids = async () => ((await ask(path, 'SELECT id FROM t ORDER BY id')) as readonly { readonly id: number }[]).map(({ id }) => id);
      expect(await ids()).toEqual([1, 3, 4]);
      const read = session.run(`${set('table', path)}
import deltalake, pyarrow
found = pyarrow.table(deltalake.QueryBuilder().register("t", deltalake.DeltaTable(table)).execute("SELECT id FROM t ORDER BY id").read_all())
result = found.column("id").to_pylist()`);
      if (reads) expect(await read).toEqual([1, 3, 4]);
      else await expect(read).rejects.toThrow(/Unsupported|not yet supported/);
      const width = feature === 'typeWidening' ? 64 : 32;
      const extra = {
        generatedColumns: ', "twice": pyarrow.array([18], pyarrow.int64())',
        timestampNtz: ', "n": pyarrow.array([None], pyarrow.timestamp("us"))',
      };
      const write = session.run(`${set('table', path)}
import deltalake, pyarrow
deltalake.write_deltalake(table, pyarrow.table({"id": pyarrow.array([9], pyarrow.int${width}()), "p": ["z"]${Object.entries(extra).find(([name]) => name === feature)?.[1] ?? ''}}), mode="append")
result = None`);
      if (!writes) await expect(write).rejects.toThrow(/Unsupported|not yet supported|dentity/);
      else {
        await write;
        expect(await ids()).toEqual([1, 3, 4, 9]);
      }
    });
  }
});
