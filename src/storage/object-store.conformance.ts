import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import type { ObjectStore } from './object-store.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (found: Uint8Array) => new TextDecoder().decode(found);

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/**
 * What every object store must do: run by each implementation.
 *
 * @param open gives an empty store, and what closes it
 */
export function describeObjectStore(name: string, open: () => Promise<{ readonly store: ObjectStore } & AsyncDisposable>): void {
  describe(`${name} is an object store`, () => {
    test('what was put is there, and a second put replaces it', async () => {
      await using opened = await open();
      const { store } = opened;
      await store.put('a/b.txt', bytes('one'));
      await store.put('a/b.txt', bytes('two'));
      expect(text(await store.get('a/b.txt'))).toBe('two');
      const info = await store.find('a/b.txt');
      expect(info).toMatchObject({ path: 'a/b.txt', sizeBytes: 3 });
      expect(Math.abs((info?.modifiedAt.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    });

    test('a range gives just its bytes, as far as there are any', async () => {
      await using opened = await open();
      const { store } = opened;
      await store.put('r', bytes('0123456789'));
      expect(text(await store.get('r', { start: 2, end: 5 }))).toBe('234');
      expect(text(await store.get('r', { start: 8, end: 50 }))).toBe('89');
      expect(text(await store.get('r', { start: 4, end: 4 }))).toBe('');
    });

    test('a missing object is STORAGE_NOT_FOUND to get and copy, undefined to find, and nothing to delete', async () => {
      await using opened = await open();
      const { store } = opened;
      await expect(store.get('nothing/here')).rejects.toMatchObject({ code: 'STORAGE_NOT_FOUND' });
      await expect(store.copy('nothing/here', 'there')).rejects.toMatchObject({ code: 'STORAGE_NOT_FOUND' });
      expect(await store.find('nothing/here')).toBeUndefined();
      await store.delete('nothing/here');
      await store.put('nothing', bytes('x'));
      expect(await store.find('nothing/here')).toBeUndefined();
      await store.delete('nothing');
      expect(await store.find('nothing')).toBeUndefined();
    });

    test('putIfAbsent never replaces', async () => {
      await using opened = await open();
      const { store } = opened;
      await store.putIfAbsent('log/0.json', bytes('first'));
      await expect(store.putIfAbsent('log/0.json', bytes('second'))).rejects.toMatchObject({ code: 'STORAGE_EXISTS' });
      expect(text(await store.get('log/0.json'))).toBe('first');
      expect((await collect(store.list(''))).map(({ path }) => path)).toEqual(['log/0.json']);
    });

    test('of writers at the same time exactly one gets the name', async () => {
      await using opened = await open();
      const { store } = opened;
      const results = await Promise.allSettled(
        Array.from({ length: 16 }, async (_, writer) => await store.putIfAbsent('key', bytes(String(writer)))),
      );
      const winners = results.flatMap((result, writer) => (result.status === 'fulfilled' ? [String(writer)] : []));
      expect(winners).toHaveLength(1);
      expect(text(await store.get('key'))).toBe(winners[0]);
    });

    test('list gives every object below a folder in the order of UTF-8 bytes, and starts after any path', async () => {
      await using opened = await open();
      const { store } = opened;
      // Where units of UTF-16 order differently than bytes of UTF-8, and "-" before "/".
      const paths = ['a-b/1', 'a/1', 'a/2', 'a/z/1', 'a0', 'b', '\u{FF5E}', '\u{1F600}'];
      for (const path of paths.toReversed()) await store.put(path, bytes(path));
      expect((await collect(store.list(''))).map(({ path }) => path)).toEqual(paths);
      expect((await collect(store.list('a'))).map(({ path }) => path)).toEqual(['a/1', 'a/2', 'a/z/1']);
      expect((await collect(store.list('a/'))).map(({ path }) => path)).toEqual(['a/1', 'a/2', 'a/z/1']);
      expect(await collect(store.list('nowhere'))).toEqual([]);
      for (const after of [...paths, 'a', 'a/', 'a/1x', '', 'zzz']) {
        const expected = paths.filter((path) => Buffer.compare(Buffer.from(path), Buffer.from(after)) > 0);
        expect((await collect(store.list('', { after }))).map(({ path }) => path)).toEqual(expected);
      }
    });

    test('entries are the direct content of a folder', async () => {
      await using opened = await open();
      const { store } = opened;
      await store.put('bronze/SalesLT/Address/Address.parquet', bytes('x'));
      await store.put('bronze/SalesLT/readme.txt', bytes('x'));
      expect(await store.entries('bronze/SalesLT')).toEqual([
        { name: 'Address', kind: 'folder' },
        { name: 'readme.txt', kind: 'file' },
      ]);
      expect(await store.entries('')).toEqual([{ name: 'bronze', kind: 'folder' }]);
      expect(await store.entries('silver')).toBeUndefined();
    });

    test('a folder goes with all that is below it, and nothing else', async () => {
      await using opened = await open();
      const { store } = opened;
      for (const path of ['a/1', 'a/b/2', 'ab/3', 'a.txt']) await store.put(path, bytes('x'));
      await store.deleteFolder('a');
      expect((await collect(store.list(''))).map(({ path }) => path)).toEqual(['a.txt', 'ab/3']);
      expect(await store.entries('a')).toBeUndefined();
      await store.deleteFolder('a');
      await expect(store.deleteFolder('..')).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
      await expect(store.deleteFolder('')).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    });

    test('names with blanks, Unicode, percent signs, quotes and case are names like others', async () => {
      await using opened = await open();
      const { store } = opened;
      const names = [
        'with blank/x y',
        'ünï/\u{1F600}',
        'percent/%20',
        'percent/100%',
        "quote/it's",
        'p=a%2Fb/c',
        '..dots/...',
        'case/A',
        'hash/#1&?*[x]',
      ];
      if (process.platform === 'linux') names.push('case/a'); // elsewhere file systems take both for one
      for (const path of names) await store.put(path, bytes(path));
      for (const path of names) expect(text(await store.get(path))).toBe(path);
      expect((await collect(store.list(''))).map(({ path }) => path).toSorted()).toEqual(names.toSorted());
    });

    test('a path that leaves the store is refused everywhere', async () => {
      await using opened = await open();
      const { store } = opened;
      for (const path of ['../x', 'a/../../x', '/etc/passwd', 'a//b', 'a/./b', 'a\0b', '', 'a/', 'C:/x']) {
        await expect(store.get(path)).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
        await expect(store.put(path, bytes('x'))).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
        await expect(store.putIfAbsent(path, bytes('x'))).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
        await expect(store.stage(path)).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
        await expect(store.delete(path)).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
      }
      await expect(store.entries('a/..')).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
      await expect(collect(store.list('..'))).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    });

    test('a call with a signal that has aborted does nothing and is CANCELLED', async () => {
      await using opened = await open();
      const { store } = opened;
      await store.put('x', bytes('1'));
      const signal = AbortSignal.abort();
      const calls: Promise<unknown>[] = [
        store.get('x', undefined, { signal }),
        store.find('x', { signal }),
        store.put('x', bytes('2'), { signal }),
        store.putIfAbsent('y', bytes('2'), { signal }),
        store.copy('x', 'y', { signal }),
        store.delete('x', { signal }),
        store.entries('', { signal }),
        store.readable('x', { signal }),
        collect(store.list('', { signal })),
      ];
      for (const result of await Promise.allSettled(calls))
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'CANCELLED' } });
      expect(text(await store.get('x'))).toBe('1');
      expect(await store.find('y')).toBeUndefined();
    });

    test('a copy is a new object', async () => {
      await using opened = await open();
      const { store } = opened;
      await store.put('from', bytes('content'));
      await store.put('to/x', bytes('old'));
      await store.copy('from', 'to/x');
      await store.put('from', bytes('changed'));
      expect(text(await store.get('to/x'))).toBe('content');
    });

    test('a staged file appears when it is published, not before, and not at all when it is discarded', async () => {
      await using opened = await open();
      const { store } = opened;
      const staged = await store.stage('t/part.parquet');
      writeFileSync(staged.localPath, 'rows');
      expect(await collect(store.list(''))).toEqual([]);
      expect(await store.entries('')).toEqual((await store.entries(''))?.filter(({ name: entry }) => entry !== '.lakestead-staging'));
      expect(await staged.publish()).toEqual({ sizeBytes: 4 });
      expect(await readFile(await store.readable('t/part.parquet'), 'utf8')).toBe('rows');
      const second = await store.stage('t/part.parquet');
      writeFileSync(second.localPath, 'other');
      await expect(second.publish({ ifAbsent: true })).rejects.toMatchObject({ code: 'STORAGE_EXISTS' });
      const third = await store.stage('t/third');
      writeFileSync(third.localPath, 'third');
      await third.discard();
      expect((await collect(store.list(''))).map(({ path }) => path)).toEqual(['t/part.parquet']);
      expect(text(await store.get('t/part.parquet'))).toBe('rows');
    });

    test('files of a staged folder appear under the paths they are given', async () => {
      await using opened = await open();
      const { store } = opened;
      const staged = await store.stageFolder();
      writeFileSync(join(staged.localPath, 'one'), '1');
      writeFileSync(join(staged.localPath, 'two'), '2');
      expect(await collect(store.list(''))).toEqual([]);
      await staged.publish([
        { from: 'one', path: 't/p=1/one' },
        { from: 'two', path: 't/p=2/two' },
      ]);
      await staged.discard();
      expect((await collect(store.list('t'))).map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual([
        ['t/p=1/one', 1],
        ['t/p=2/two', 1],
      ]);
    });
  });
}
