import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { describeError } from '#core';
import { type FileSystem, nodeFileSystem, type ObjectStore, openLocalStore } from '#storage';

import { UnsafeDisk } from '../../test/support/unsafe-disk.ts';

const isVerify = process.env['VERIFY'] === '1';
const bytes = (text: string) => new TextEncoder().encode(text);
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lakestead-local-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A worker process that was sent work, and its answer. */
async function inProcess<T>(message: object): Promise<T> {
  const child = fork(fileURLToPath(new URL('../../test/support/store-process.ts', import.meta.url)), {
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  return await new Promise<T>((resolve, reject) => {
    child.once('error', reject);
    child.once('message', (answer: T) => resolve(answer));
    child.once('exit', (code) => reject(new Error(`the process ended with ${String(code)}`)));
    child.send(message);
  });
}

test('of 8 processes that race for a name exactly one wins, every time', { timeout: 300_000 }, async () => {
  const rounds = isVerify ? 1000 : 50;
  const startAt = Date.now() + 1500;
  const wins = await Promise.all(
    Array.from({ length: 8 }, async (_, writer) => await inProcess<number[]>({ kind: 'race', root, rounds, writer, startAt })),
  );
  expect(wins.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: rounds }, (_, round) => round));
  const store = await openLocalStore(root);
  for (const [writer, rounds_] of wins.entries()) {
    for (const round of rounds_) expect(new TextDecoder().decode(await store.get(`race/${round}`))).toBe(String(writer));
  }
});

test('8 readers in other processes never see part of an object while it is replaced', { timeout: 120_000 }, async () => {
  const store = await openLocalStore(root);
  const size = 300_000;
  await store.put('object', new Uint8Array(size).fill(0));
  const reads = isVerify ? 2000 : 150;
  const over = new AbortController();
  const torn = Promise.all(Array.from({ length: 8 }, async () => await inProcess<number>({ kind: 'read', root, size, reads })));
  const ended = torn.finally(() => over.abort());
  for (let value = 1; !over.signal.aborted; value = (value + 1) % 256) await store.put('object', new Uint8Array(size).fill(value));
  expect(await ended).toEqual(Array.from({ length: 8 }, () => 0));
});

describe('a power cut', () => {
  const writes: Readonly<Record<string, (store: ObjectStore, disk: UnsafeDisk) => Promise<void>>> = {
    put: async (store) => await store.put('new/folder/object', bytes('content')),
    putIfAbsent: async (store) => await store.putIfAbsent('new/folder/object', bytes('content')),
    copy: async (store) => {
      await store.put('source', bytes('content'));
      await store.copy('source', 'new/folder/object');
    },
    'a staged file': async (store, disk) => {
      const staged = await store.stage('new/folder/object');
      await disk.fileSystem.create(staged.localPath, bytes('content'));
      await staged.publish();
    },
    'a staged folder': async (store, disk) => {
      const staged = await store.stageFolder();
      await disk.fileSystem.create(`${staged.localPath}/x`, bytes('content'));
      await staged.publish([{ from: 'x', path: 'new/folder/object' }]);
      await staged.discard();
    },
  };

  async function survives(
    write: (store: ObjectStore, disk: UnsafeDisk) => Promise<void>,
    skippedSync: number,
    warm = false,
  ): Promise<{ isThere: boolean; syncs: number }> {
    const disk = new UnsafeDisk();
    disk.skippedSync = warm ? 0 : skippedSync;
    const store = await openLocalStore('/lake', { fileSystem: disk.fileSystem });
    let before = 0;
    if (warm) {
      await store.put('new/folder/earlier', bytes('earlier'));
      before = disk.syncs;
      disk.skippedSync = skippedSync === 0 ? 0 : before + skippedSync;
    }
    await write(store, disk);
    const syncs = disk.syncs - before;
    disk.cutPower();
    const after = await openLocalStore('/lake', { fileSystem: disk.fileSystem });
    const found = await after.get('new/folder/object').catch(() => bytes(''));
    return { isThere: new TextDecoder().decode(found) === 'content', syncs };
  }

  for (const [name, write] of Object.entries(writes)) {
    test(`${name}: the object is there after every returned write, and each sync is needed for that`, async () => {
      const whole = await survives(write, 0);
      expect(whole.isThere).toBe(true);
      const needed = name === 'copy' ? [] : Array.from({ length: whole.syncs }, (_, index) => index + 1); // the source's syncs are another write's
      for (const skipped of needed) expect({ skipped, ...(await survives(write, skipped)) }).toMatchObject({ skipped, isThere: false });
    });

    test(`${name}: in a folder that is known two syncs are enough, and both are needed`, async () => {
      const whole = await survives(write, 0, true);
      expect(whole.isThere).toBe(true);
      if (name === 'copy') return;
      expect(whole.syncs).toBe(2);
      for (const skipped of [1, 2]) expect(await survives(write, skipped, true)).toMatchObject({ isThere: false });
    });
  }
});

test('a full disk is DISK_FULL and leaves nothing, visible or hidden', async () => {
  const full: FileSystem = {
    ...nodeFileSystem,
    create: async (path, content) => {
      await nodeFileSystem.create(path, content.slice(0, 3));
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    },
  };
  const store = await openLocalStore(root, { fileSystem: full });
  await expect(store.put('x', bytes('content'))).rejects.toMatchObject({ code: 'DISK_FULL' });
  await expect(store.putIfAbsent('x', bytes('content'))).rejects.toMatchObject({ code: 'DISK_FULL' });
  expect(readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())).toEqual([]);
});

test('where the file system knows no links, putIfAbsent still lets one writer win', async () => {
  const withoutLinks: FileSystem = {
    ...nodeFileSystem,
    link: async () => await Promise.reject(Object.assign(new Error('EPERM'), { code: 'EPERM' })),
  };
  const stores = await Promise.all(Array.from({ length: 8 }, async () => await openLocalStore(root, { fileSystem: withoutLinks })));
  for (let round = 0; round < 10; round += 1) {
    const results = await Promise.allSettled(
      stores.map(async (store, writer) => await store.putIfAbsent(`k/${round}`, bytes(String(writer)))),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const losers = results.flatMap((result) => (result.status === 'rejected' ? [describeError(result.reason).code] : []));
    expect(losers).toEqual(Array.from({ length: 7 }, () => 'STORAGE_EXISTS'));
  }
});

test('opening removes what dead processes left, and keeps what living ones have', async () => {
  const store = await openLocalStore(root);
  const staged = await store.stage('mine');
  writeFileSync(staged.localPath, 'mine');
  const staging = join(root, '.lakestead-staging');
  const [own = ''] = readdirSync(staging);
  const [host = ''] = own.split('-');
  const old = new Date(Date.now() - 30 * 24 * 3600 * 1000);
  const make = (name: string, time?: Date) => {
    mkdirSync(join(staging, name));
    writeFileSync(join(staging, name, 'left'), 'x');
    if (time !== undefined) utimesSync(join(staging, name), time, time);
    return name;
  };
  const dead = [make(`${host}-999999999-0-abc`), make(`${host}-${process.pid}-0-earlier`), make('ffffffff-1-0-abc', old)];
  const kept = [own, make(`${host}-${process.ppid}-0-abc`), make('ffffffff-1-1-abc')];
  await openLocalStore(root);
  const left = readdirSync(staging);
  expect(left.toSorted()).toEqual(kept.toSorted());
  expect(left).not.toContain(dead[0]);
  await staged.publish();
  expect(new TextDecoder().decode(await store.get('mine'))).toBe('mine');
});

test('the hidden folder is neither listed nor to be written to', async () => {
  const store = await openLocalStore(root);
  await store.put('a', bytes('x'));
  expect(await store.entries('')).toEqual([{ name: 'a', kind: 'file' }]);
  await expect(store.put('.lakestead-staging/x', bytes('x'))).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
});

test('a folder that somebody removed meanwhile is made again', async () => {
  const store = await openLocalStore(root);
  await store.put('t/a', bytes('x'));
  rmSync(join(root, 't'), { recursive: true });
  await store.put('t/b', bytes('y'));
  expect(await store.entries('t')).toEqual([{ name: 'b', kind: 'file' }]);
  rmSync(root, { recursive: true });
  await store.putIfAbsent('t/c', bytes('z'));
  const staged = await store.stage('t/d');
  writeFileSync(staged.localPath, 'd');
  await staged.publish();
  expect((await store.entries('t'))?.map(({ name }) => name)).toEqual(['c', 'd']);
});
