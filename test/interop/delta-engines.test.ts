import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTable, tableToSql, type WriteMode, writeTable } from '#delta';
import { type Engine, openDuckdbEngine } from '#engine';
import { literal, type Sql, sql } from '#sql';
import { type ObjectStore, openLocalStore } from '#storage';

import type { PythonSession } from '../services/python-session.ts';
import { temporaryFolder } from '../support/cli.ts';
import { columns, countRows, difference, type Peer, peers, rows, set, spark } from '../support/delta-peers.ts';
import { count } from '../support/evidence.ts';

const temporary = temporaryFolder();
const isWhole = count(0, 1) === 1;
let engine: Engine;
let store: ObjectStore;
/** One process a peer for all tests: Spark takes eight seconds to start. */
const sessions = new Map<string, PythonSession>();

async function sessionOf({ name, start }: Peer): Promise<PythonSession> {
  const session = sessions.get(name) ?? (await start());
  if (session === undefined) throw new Error(`${name} does not start`);
  sessions.set(name, session);
  return session;
}

beforeAll(async () => {
  engine = await openDuckdbEngine({ threads: 2 });
  store = await openLocalStore(temporary.path);
});
afterAll(async () => {
  for (const session of sessions.values()) await session[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
  temporary[Symbol.dispose]();
});

const none = { missing: 0, extra: 0 };

for (const { peer, isThere } of peers) {
  describe.skipIf(!isThere)(`with ${peer.name}`, { timeout: 120_000 }, () => {
    let session: PythonSession;
    beforeAll(async () => {
      session = await sessionOf(peer);
    });

    const place = (name: string) => ({ store, path: `${peer.name}/${name}`, engine });

    async function theyRead(path: string, version?: number): Promise<Sql> {
      const file = join(temporary.path, `${path}.read.parquet`);
      await session.run(`${set('table', join(temporary.path, path))}${set('file', file)}${set('version', version ?? null)}${peer.read}`);
      // Spark writes a folder.
      return sql`${columns} FROM read_parquet(${literal(existsSync(join(file, '_SUCCESS')) ? `${file}/*.parquet` : file)})`;
    }

    async function theyWrite(path: string, query: Sql, mode: string, partitionBy: readonly string[] = []): Promise<void> {
      const file = join(temporary.path, `${path}.source.parquet`);
      await store.put(`${path}.source.parquet`, new Uint8Array()); // makes the folder
      await engine.withLease((lease) => lease.run(sql`COPY (${query}) TO ${literal(file)} (FORMAT parquet)`));
      await session.run(
        `${set('table', join(temporary.path, path))}${set('file', file)}${set('mode', mode)}${set('partition_by', partitionBy)}${peer.write}`,
      );
    }

    async function weWrite(name: string, query: Sql, mode: WriteMode, partitionBy?: readonly string[]): Promise<void> {
      await engine.withLease((lease) => writeTable({ ...place(name), query, lease, mode, partitionBy }));
    }

    test('a table that we wrote is read equal there', async () => {
      await weWrite('ours', rows(0, 500), 'overwrite');
      expect(await difference(engine, await theyRead(place('ours').path), sql`${columns} FROM (${rows(0, 500)})`)).toEqual(none);
    });

    test.runIf(peer.name !== 'Spark' || isWhole)(
      'our partitioned table, appended to and overwritten, is read equal there at every version',
      async () => {
        await weWrite('parts', rows(0, 100), 'overwrite', ['part', 'day']);
        await weWrite('parts', rows(100, 50), 'append');
        await weWrite('parts', rows(500, 70), 'overwrite');
        expect(await difference(engine, await theyRead(place('parts').path, 1), sql`${columns} FROM (${rows(0, 150)})`)).toEqual(none);
        expect(await difference(engine, await theyRead(place('parts').path), sql`${columns} FROM (${rows(500, 70)})`)).toEqual(none);
      },
    );

    test('our history is theirs', async () => {
      await weWrite('past', rows(0, 1), 'error');
      await weWrite('past', rows(1, 1), 'append');
      await weWrite('past', rows(2, 1), 'overwrite');
      expect(await session.run(`${set('table', join(temporary.path, place('past').path))}${peer.history}`)).toEqual([
        [2, 'WRITE', 'Overwrite'],
        [1, 'WRITE', 'Append'],
        [0, 'CREATE TABLE AS SELECT', 'ErrorIfExists'],
      ]);
    });

    test('our table partitioned by every type that names folders is read equal there', async () => {
      await weWrite('keys', rows(0, 20), 'overwrite', ['b', 's', 'i', 'l', 'money', 'part', 'yes', 'day', 'instant']);
      expect(await difference(engine, await theyRead(place('keys').path), sql`${columns} FROM (${rows(0, 20)})`)).toEqual(none);
    });

    test('our checkpoint is read there', async () => {
      for (let commit = 0; commit < 12; commit += 1) await weWrite('long', rows(commit * 10, 10), 'append');
      expect(await difference(engine, await theyRead(place('long').path), sql`${columns} FROM (${rows(0, 120)})`)).toEqual(none);
    });

    test('they append to our table, and we to theirs after them', async () => {
      await weWrite('turns', rows(0, 10), 'overwrite');
      await theyWrite(place('turns').path, rows(10, 10), 'append');
      await weWrite('turns', rows(20, 10), 'append');
      expect(await difference(engine, await tableToSql(place('turns')), rows(0, 30))).toEqual(none);
      expect(await difference(engine, await theyRead(place('turns').path), sql`${columns} FROM (${rows(0, 30)})`)).toEqual(none);
    });

    test('a table that they wrote, appended to and overwrote is read equal here at every version', async () => {
      await theyWrite(place('theirs').path, rows(0, 100), 'overwrite');
      await theyWrite(place('theirs').path, rows(100, 20), 'append');
      await theyWrite(place('theirs').path, rows(300, 30), 'overwrite');
      expect(await difference(engine, await tableToSql(place('theirs'), { version: 1 }), rows(0, 120))).toEqual(none);
      expect(await difference(engine, await tableToSql(place('theirs')), rows(300, 30))).toEqual(none);
    });

    test('a partitioned table that they wrote is read equal here, and pruned', async () => {
      await theyWrite(place('theirparts').path, rows(0, 60), 'overwrite', ['part', 'day']);
      expect(await difference(engine, await tableToSql(place('theirparts')), rows(0, 60))).toEqual(none);
      const filter = [{ column: 'part', op: 'is null' } as const];
      const table = await openTable(place('theirparts'));
      const plan = (await table.snapshot()).scan({ filter });
      expect(plan.skipped.byPartition).toBeGreaterThan(0);
      expect(
        await difference(engine, await tableToSql(place('theirparts'), { filter }), sql`SELECT * FROM (${rows(0, 60)}) WHERE part IS NULL`),
      ).toEqual(none);
    });

    // Spark takes a second for each commit.
    test.runIf(peer.name !== 'Spark' || isWhole)('many commits of theirs with a checkpoint are read equal here', async () => {
      for (let commit = 0; commit < 12; commit += 1) await theyWrite(place('theirlong').path, rows(commit * 5, 5), 'append');
      if (peer.name === 'delta-rs')
        await session.run(
          `${set('table', join(temporary.path, place('theirlong').path))}import deltalake\ndeltalake.DeltaTable(table).create_checkpoint()`,
        );
      const table = await openTable(place('theirlong'));
      expect((await table.snapshot()).checkpointVersion).toBeGreaterThan(0);
      expect(await difference(engine, await tableToSql(place('theirlong')), rows(0, 60))).toEqual(none);
      // Our checkpoint takes the place of theirs, and of the hint at it.
      await weWrite('theirlong', rows(60, 5), 'append');
      await table.checkpoint();
      expect(await difference(engine, await theyRead(place('theirlong').path), sql`${columns} FROM (${rows(0, 65)})`)).toEqual(none);
      await theyWrite(place('theirlong').path, rows(65, 5), 'append');
      expect(await difference(engine, await tableToSql(place('theirlong')), rows(0, 70))).toEqual(none);
    });
  });
}

/** Tables that Spark makes with what we only read: statements on `t`, each run in turn. */
const sparkTables: Readonly<Record<string, readonly string[]>> = {
  'columns renamed and dropped under column mapping by name': [
    `CREATE TABLE t (a INT, old STRUCT<x: INT, y: ARRAY<STRUCT<z: STRING, w: INT>>>, gone STRING, p STRING) USING DELTA PARTITIONED BY (p) TBLPROPERTIES ('delta.columnMapping.mode' = 'name')`,
    `INSERT INTO t VALUES (1, named_struct('x', 1, 'y', array(named_struct('z', 'one', 'w', 1))), 'g', 'p 1'), (2, NULL, 'g', NULL)`,
    `ALTER TABLE t RENAME COLUMN old TO new`,
    `ALTER TABLE t RENAME COLUMN new.y TO renamed`,
    `ALTER TABLE t RENAME COLUMN p TO part`,
    `ALTER TABLE t DROP COLUMN gone`,
    `ALTER TABLE t ADD COLUMN gone INT`,
    `INSERT INTO t VALUES (3, named_struct('x', 3, 'renamed', array(named_struct('z', 'three', 'w', 3), NULL)), 'p 3', 33)`,
  ],
  'column mapping by id': [
    `CREATE TABLE t (a INT, s STRUCT<x: INT, m: MAP<STRING, STRUCT<q: INT>>>, d DECIMAL(20,5), ts TIMESTAMP_NTZ) USING DELTA TBLPROPERTIES ('delta.columnMapping.mode' = 'id')`,
    `INSERT INTO t VALUES (1, named_struct('x', 5, 'm', map('k', named_struct('q', 9))), 12.5, TIMESTAMP_NTZ '1900-01-01 00:00:00.123456'), (NULL, NULL, NULL, NULL)`,
    `ALTER TABLE t RENAME COLUMN a TO b`,
    `INSERT INTO t VALUES (2, named_struct('x', 6, 'm', map()), -1, TIMESTAMP_NTZ '9999-12-31 23:59:59.999999')`,
  ],
  'deletion vectors of many rows, across checkpoints': [
    `CREATE TABLE t (id BIGINT, p INT) USING DELTA PARTITIONED BY (p) TBLPROPERTIES ('delta.enableDeletionVectors' = 'true', 'delta.checkpointInterval' = '2')`,
    `INSERT INTO t SELECT id, id % 2 FROM range(300000)`,
    `DELETE FROM t WHERE id % 3 = 0`,
    `DELETE FROM t WHERE id BETWEEN 1000 AND 90000`,
    `UPDATE t SET id = -id WHERE id % 50001 = 7`,
    `DELETE FROM t WHERE p = 1 AND id > 299000`,
  ],
  'types widened, also inside structs': [
    `CREATE TABLE t (a BYTE, s STRUCT<x: SHORT>, l ARRAY<INT>, d DECIMAL(5,2), f FLOAT, day DATE) USING DELTA TBLPROPERTIES ('delta.enableTypeWidening' = 'true', 'delta.feature.timestampNtz' = 'supported')`,
    `INSERT INTO t VALUES (1, named_struct('x', 300), array(1, 2), 1.25, 1.5, DATE '2020-02-29')`,
    `ALTER TABLE t ALTER COLUMN a TYPE INT`,
    `ALTER TABLE t ALTER COLUMN s.x TYPE INT`,
    `ALTER TABLE t ALTER COLUMN l.element TYPE BIGINT`,
    `ALTER TABLE t ALTER COLUMN d TYPE DECIMAL(10,4)`,
    `ALTER TABLE t ALTER COLUMN f TYPE DOUBLE`,
    `ALTER TABLE t ALTER COLUMN day TYPE TIMESTAMP_NTZ`,
    `INSERT INTO t VALUES (100000, named_struct('x', 100000), array(10000000000), 123456.7891, 1e300, TIMESTAMP_NTZ '2021-01-01 01:02:03')`,
  ],
  'v2 checkpoints': [
    `CREATE TABLE t (id BIGINT, p STRING) USING DELTA PARTITIONED BY (p) TBLPROPERTIES ('delta.checkpointPolicy' = 'v2', 'delta.checkpointInterval' = '2')`,
    ...Array.from({ length: 5 }, (_, index) => `INSERT INTO t SELECT id + ${index * 10}, 'p' || id % 3 FROM range(10)`),
    `DELETE FROM t WHERE id = 7`,
  ],
  'partition values of every type': [
    `CREATE TABLE t (id INT, b BYTE, l BIGINT, f FLOAT, d DOUBLE, c DECIMAL(10,3), s STRING, y BOOLEAN, day DATE, ts TIMESTAMP, bytes BINARY, ntz TIMESTAMP_NTZ) USING DELTA PARTITIONED BY (b, l, f, d, c, s, y, day, ts, bytes, ntz)`,
    `INSERT INTO t VALUES (1, -128, CAST('-9223372036854775808' AS BIGINT), FLOAT(0.1), 1e300D, -1234567.891, 'a/b c=%é', true, DATE '0001-01-01', TIMESTAMP '2020-01-01 01:02:03.000456', CAST('hello' AS BINARY), TIMESTAMP_NTZ '1999-12-31 23:59:59.5'),
      (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, 1, 2, FLOAT('NaN'), DOUBLE('-Infinity'), 0, ' lead', false, DATE '9999-12-31', TIMESTAMP '1600-05-05 00:00:00', CAST('é' AS BINARY), TIMESTAMP_NTZ '2020-06-01 00:00:00')`,
  ],
};

describe.skipIf(peers[1]?.isThere !== true)('a table that Spark made is read equal here', { timeout: 120_000 }, () => {
  let session: PythonSession;
  beforeAll(async () => {
    session = await sessionOf(spark);
  });

  // The others take long, and tables like them are among those of other engines that are read without Spark.
  const quick = ['columns renamed and dropped under column mapping by name', 'column mapping by id', 'partition values of every type'];
  test.each(Object.keys(sparkTables).filter((name) => isWhole || quick.includes(name)))('%s', async (name) => {
    const path = `features/${name}`;
    const table = join(temporary.path, path);
    const file = `${table}.read.parquet`;
    for (const statement of sparkTables[name] ?? [])
      await session.run(`spark.sql(${JSON.stringify(statement.replace(/\bt\b/, `delta.\`${table}\``))})`);
    await session.run(`spark.read.format("delta").load(${JSON.stringify(table)}).write.parquet(${JSON.stringify(file)})`);
    const theirs = sql`SELECT * FROM read_parquet(${literal(`${file}/*.parquet`)})`;
    expect(await countRows(engine, theirs)).toBeGreaterThan(0);
    expect(await difference(engine, await tableToSql({ store, path, engine }), theirs)).toEqual(none);
  });
});
