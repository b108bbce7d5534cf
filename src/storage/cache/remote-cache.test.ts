import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { LakesteadError } from '#core';
import { type ByteRange, RemoteCache } from '#storage';

import { countBytes, joinRanges, splitRanges, subtractRanges } from './byte-ranges.ts';
import type { RemoteObject } from './remote-file.ts';

let dir: string;
let run: (query: string) => Promise<unknown[][]>;
let wide: Buffer;
let close: () => void;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lakestead-cache-test-'));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  run = async (query) => (await connection.runAndReadAll(query)).getRows();
  close = () => {
    connection.closeSync();
    instance.closeSync();
  };
  const columns = Array.from({ length: 40 }, (_, index) => `hash(range * 41 + ${index}) AS c${index}`);
  await run(
    `COPY (SELECT range AS id, {'a': hash(range), 'b': [range, range + 1]} AS nested, ${columns.join(', ')} FROM range(40000))
     TO '${join(dir, 'wide.parquet')}' (FORMAT parquet, ROW_GROUP_SIZE 10000)`,
  );
  wide = readFileSync(join(dir, 'wide.parquet'));
});
afterAll(() => {
  close();
  rmSync(dir, { recursive: true });
});

/** An object of a store, with every range that was read of it. */
function remote(content: Buffer, key = 'wide 1', delayMs = 0): RemoteObject & { readonly ranges: ByteRange[] } {
  const ranges: ByteRange[] = [];
  return {
    key,
    sizeBytes: content.length,
    ranges,
    read: async (range) => {
      ranges.push(range);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      return content.subarray(range.start, range.end);
    },
  };
}

const openCache = async (limitBytes?: number) => await RemoteCache.open({ folder: join(dir, 'cache'), limitBytes });

/** How many bytes DuckDB says the chunks of some columns have. */
async function chunkBytes(columns: readonly string[]): Promise<number> {
  const [row] = await run(
    `SELECT sum(total_compressed_size)::DOUBLE FROM parquet_metadata('${join(dir, 'wide.parquet')}')
     WHERE split_part(path_in_schema, ',', 1) IN (${columns.map((name) => `'${name}'`).join(', ')})`,
  );
  return Number(row?.[0]);
}

test('two columns of a wide file: only their chunks and the footer are fetched, and DuckDB reads them right', async () => {
  await using cache = await openCache();
  const object = remote(wide);
  const path = await cache.readable(object, { columns: ['c3', 'C27'] });
  const query = (file: string) =>
    `SELECT count(*), sum(c3 % 1000)::VARCHAR, max(c27)::VARCHAR FROM read_parquet('${file}') WHERE c3 % 3 = 0`;
  expect(await run(query(path))).toEqual(await run(query(join(dir, 'wide.parquet'))));
  const fetched = countBytes(joinRanges(object.ranges));
  expect(fetched).toBe(countBytes(object.ranges)); // nothing twice
  const needed = await chunkBytes(['c3', 'c27']);
  expect(fetched).toBeGreaterThanOrEqual(needed);
  expect(fetched).toBeLessThan(needed + 100_000); // footer, and what old writers leave out of sizes
  expect(fetched).toBeLessThan(wide.length / 10);
  expect(object.ranges.length).toBeLessThanOrEqual(2 + 8); // four row groups, two columns
  expect(statSync(path).size).toBe(wide.length);
  expect(cache.state).toMatchObject({ files: 1, bytes: fetched });
});

test('what is fetched later is read right too, though the engine keeps blocks of a file it has read', async () => {
  await using cache = await openCache();
  const object = remote(wide);
  for (const columns of [['c0'], ['c1'], ['nested'], ['c2', 'c39', 'id'], []]) {
    const path = await cache.readable(object, { columns });
    const select = columns.length === 0 ? 'count(*)' : columns.map((name) => `sum(hash(${name}) % 1000)::VARCHAR`).join(', ');
    expect(await run(`SELECT ${select} FROM read_parquet('${path}')`)).toEqual(
      await run(`SELECT ${select} FROM read_parquet('${join(dir, 'wide.parquet')}')`),
    );
  }
  expect(countBytes(joinRanges(object.ranges))).toBe(countBytes(object.ranges));
  const path = await cache.readable(object);
  expect(readFileSync(path).equals(wide)).toBe(true);
  expect(countBytes(object.ranges)).toBe(wide.length);
});

test('a filter on a column with Bloom filters and dictionaries finds its rows', async () => {
  const file = join(dir, 'bloom.parquet');
  await run(`COPY (SELECT 'v' || (range % 500) AS k, hash(range) AS h, range AS id FROM range(50000)) TO '${file}' (FORMAT parquet)`);
  const [bloom] = await run(`SELECT count(bloom_filter_offset) FROM parquet_metadata('${file}')`);
  expect(Number(bloom?.[0])).toBeGreaterThan(0);
  await using cache = await openCache();
  const path = await cache.readable(remote(readFileSync(file), 'bloom 1'), { columns: ['k'] });
  expect(await run(`SELECT count(*)::INTEGER FROM read_parquet('${path}') WHERE k = 'v17'`)).toEqual([[100]]);
  expect(await run(`SELECT count(*)::INTEGER FROM read_parquet('${path}') WHERE k = 'absent'`)).toEqual([[0]]);
});

test('a Bloom filter whose length the writer left out is fetched whole, however large', async () => {
  const file = join(dir, 'bloom.parquet');
  const rows = 1_500_000;
  await run(
    `COPY (SELECT range * 7 AS a, range AS b FROM range(${rows})) TO '${file}'
     (FORMAT parquet, ROW_GROUP_SIZE ${rows}, DICTIONARY_SIZE_LIMIT ${rows * 2}, STRING_DICTIONARY_PAGE_SIZE_LIMIT 100000000)`,
  );
  const [found] = await run(
    `SELECT bloom_filter_offset::DOUBLE, bloom_filter_length::DOUBLE FROM parquet_metadata('${file}') WHERE path_in_schema = 'a'`,
  );
  const [offset = 0, length = 0] = (found ?? []).map(Number);
  expect(length).toBeGreaterThan(1 << 20);
  // Field 15 (bloom_filter_length) becomes field 16, which no reader knows: 0x15 and 0x25 are one and two fields further.
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]);
  const content = readFileSync(file);
  const at = content.lastIndexOf(Buffer.from([...varint(offset * 2), 0x15, ...varint(length * 2)]));
  expect(at).toBeGreaterThan(0);
  content[at + varint(offset * 2).length] = 0x25;
  await using cache = await openCache();
  const path = await cache.readable(remote(content, 'bloom'), { columns: ['a'] });
  const wanted = Array.from({ length: 60 }, (_, index) => index * 171_717 * 7).filter((value) => value < rows * 7);
  for (const value of wanted)
    expect([value, await run(`SELECT count(*)::INTEGER FROM read_parquet('${path}') WHERE a = ${value}`)]).toEqual([value, [[1]]]);
});

test('many small files leave no file open, and one that was taken away is not made up again', async () => {
  const opened = () => readdirSync('/proc/self/fd').length;
  await using cache = await openCache();
  const before = process.platform === 'linux' ? opened() : 0;
  let path = '';
  for (let index = 0; index < 300; index += 1) path = await cache.readable(remote(Buffer.from('0123456789'), `small ${index}`));
  if (process.platform === 'linux') expect(opened()).toBeLessThan(before + 20);
  rmSync(path);
  await expect(cache.readable(remote(Buffer.from('0123456789'), 'small 299'))).rejects.toMatchObject({ code: 'STORAGE_NOT_FOUND' });
});

test('readers at the same time fetch a chunk once', async () => {
  await using cache = await openCache();
  const object = remote(wide, 'wide 1', 5);
  const paths = await Promise.all(
    Array.from({ length: 8 }, async (_, index) => await cache.readable(object, { columns: index % 2 === 0 ? ['c1', 'c5'] : ['c5', 'c9'] })),
  );
  expect(new Set(paths).size).toBe(1);
  expect(countBytes(joinRanges(object.ranges))).toBe(countBytes(object.ranges));
});

test('what no reader holds makes room, what is held stays, and when nothing can go the read is refused', async () => {
  await using cache = await openCache(Math.floor(wide.length * 2.5));
  const held = new DisposableStack();
  const first = await cache.readable(remote(wide, 'first'), { scope: held });
  const second = new DisposableStack();
  const gone = await cache.readable(remote(wide, 'second'), { scope: second });
  second.dispose();
  await cache.readable(remote(wide, 'third'), { scope: held });
  expect(existsSync(gone)).toBe(false);
  expect(readFileSync(first).equals(wide)).toBe(true);
  expect(cache.state.bytes).toBe(wide.length * 2);
  await expect(cache.readable(remote(wide, 'fourth'))).rejects.toMatchObject({ code: 'STORAGE_CACHE_FULL', retryable: true });
  expect(cache.state.bytes).toBe(wide.length * 2);
  held.dispose();
  await cache.readable(remote(wide, 'fourth'));
  expect(existsSync(first)).toBe(false);
});

test('a read that failed gives its room back, and the next one fetches what is missing', async () => {
  await using cache = await openCache();
  let isBroken = true;
  const good = remote(wide, 'shaky');
  const object: RemoteObject = {
    ...good,
    read: async (range, signal) => {
      if (isBroken) throw new LakesteadError('STORAGE_UNREACHABLE', 'played');
      return await good.read(range, signal);
    },
  };
  await expect(cache.readable(object, { columns: ['c1'] })).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' });
  expect(cache.state.bytes).toBe(0);
  isBroken = false;
  const path = await cache.readable(object, { columns: ['c1'] });
  expect(await run(`SELECT count(c1)::INTEGER FROM read_parquet('${path}')`)).toEqual([[40_000]]);
});

test('a reader that is cancelled does not end another that waits for the same pieces', async () => {
  await using cache = await openCache();
  const slow = remote(wide, 'slow', 30);
  const object: RemoteObject = {
    ...slow,
    read: async (range, signal) => {
      const bytes = await slow.read(range);
      if (signal?.aborted === true) throw new LakesteadError('CANCELLED', 'played');
      return bytes;
    },
  };
  const controller = new AbortController();
  const first = cache.readable(object, { columns: ['c1'], signal: controller.signal });
  const second = cache.readable(object, { columns: ['c1'] });
  controller.abort();
  await expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(await run(`SELECT count(c1)::INTEGER FROM read_parquet('${await second}')`)).toEqual([[40_000]]);
});

test('what is no Parquet, or too short or damaged to be, is fetched whole or refused', async () => {
  await using cache = await openCache();
  for (const content of [Buffer.from('a,b\n1,2\n'), Buffer.from(''), Buffer.from('PAR1'), wide.subarray(0, 1000)]) {
    const path = await cache.readable(remote(content, `text ${content.length}`), { columns: ['a'] });
    expect(readFileSync(path).equals(content)).toBe(true);
  }
  const damaged = Buffer.from(wide);
  damaged.fill(0xff, damaged.length - 400, damaged.length - 200);
  await cache.readable(remote(damaged, 'damaged'), { columns: ['c1'] }).then(
    (path) => expect(path).toBeTypeOf('string'), // a hit in a text of the footer harms no offset
    (error: unknown) => expect(error).toMatchObject({ code: 'STORAGE_FAILED' }),
  );
});

describe('ranges', () => {
  const ranges = fc.array(
    fc.record({ start: fc.nat(60), length: fc.nat(9) }).map(({ start, length }) => ({ start, end: start + length })),
    { maxLength: 12 },
  );
  const bytesOf = (some: readonly ByteRange[]) =>
    new Set(some.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, index) => start + index)));

  test('joined, subtracted and split ranges hold just the bytes that sets of bytes would', () => {
    fc.assert(
      fc.property(ranges, ranges, fc.integer({ min: 1, max: 7 }), (a, b, size) => {
        const joined = joinRanges(a);
        expect(bytesOf(joined)).toEqual(new Set([...bytesOf(a)].toSorted((x, y) => x - y)));
        expect(countBytes(joined)).toBe(bytesOf(a).size);
        expect(bytesOf(subtractRanges(joined, joinRanges(b)))).toEqual(bytesOf(a).difference(bytesOf(b)));
        const split = splitRanges(joined, size);
        expect(countBytes(split)).toBe(countBytes(joined));
        expect(split.every(({ start, end }) => end - start <= size && end > start)).toBe(true);
        const wider = joinRanges(a, 3);
        expect(bytesOf(a).isSubsetOf(bytesOf(wider))).toBe(true);
      }),
    );
  });
});
