import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { Secret } from '#core';
import { maxJsonLength, openState } from '#state';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lakestead-state-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const file = () => join(dir, '.lakestead/state.db');
const start = { id: 'r1', pipeline: 'copy', environment: 'local', parameters: { day: '2024-01-01' } };

test('a run and its activities are there after the state was opened again', () => {
  {
    using state = openState(dir);
    state.runs.start(start);
    const id = state.activities.start({
      run: 'r1',
      name: 'Copy',
      type: 'Copy',
      iteration: '3',
      input: { source: 'x', password: new Secret('hush', 'test') },
    });
    state.activities.finish(id, { status: 'Succeeded', output: { rowsCopied: 12n, total: 12345678901234567890n } });
    state.runs.finish('r1', { status: 'Succeeded', returnValue: { a: 1 } });
  }
  using state = openState(dir);
  expect(state.runs.get('r1')).toMatchObject({ status: 'Succeeded', parameters: start.parameters, returnValue: { a: 1 } });
  expect(state.activities.list('r1')).toMatchObject([
    { name: 'Copy', iteration: '3', attempt: 1, input: { password: '***' }, output: { rowsCopied: 12, total: '12345678901234567890' } },
  ]);
});

test('runs come newest first, and those that a run started only when asked for', () => {
  using state = openState(dir);
  for (const id of ['a', 'b']) state.runs.start({ ...start, id });
  state.runs.start({ ...start, id: 'child', parent: 'b' });
  expect(state.runs.list().map((run) => run.id)).toEqual(['b', 'a']);
  expect(state.runs.list({ children: true, limit: 1 }).map((run) => run.id)).toEqual(['child']);
});

test('what a killed owner left in progress is closed with OWNER_STOPPED', () => {
  {
    using killed = openState(dir);
    killed.runs.start(start);
    killed.activities.start({ run: 'r1', name: 'Copy', type: 'Copy' });
    killed.runs.start({ ...start, id: 'done' });
    killed.runs.finish('done', { status: 'Succeeded' });
  }
  using state = openState(dir);
  expect(state.runs.closeAbandoned()).toEqual(['r1']);
  expect(state.runs.get('r1')).toMatchObject({ status: 'Failed', error: { code: 'OWNER_STOPPED' } });
  expect(state.activities.list('r1')).toMatchObject([{ status: 'Cancelled', error: { code: 'OWNER_STOPPED' } }]);
  expect(state.runs.get('done')?.status).toBe('Succeeded');
});

test('a run ends once', () => {
  using state = openState(dir);
  state.runs.start(start);
  state.runs.finish('r1', { status: 'Cancelled' });
  expect(() => state.runs.finish('r1', { status: 'Succeeded' })).toThrow(/ended twice/);
});

test('an output that is too long is kept as its beginning and its length', () => {
  using state = openState(dir);
  state.runs.start(start);
  const id = state.activities.start({ run: 'r1', name: 'Lookup', type: 'Lookup' });
  state.activities.finish(id, { status: 'Succeeded', output: { value: 'x'.repeat(maxJsonLength) } });
  expect(state.activities.list('r1')[0]?.output).toMatchObject({
    $cut: maxJsonLength + 12,
    $start: expect.stringMatching(/^\{"value":"x/),
  });
});

test('views and procedures are found without case, and keep when they were made', () => {
  using state = openState(dir);
  const view = { database: 'gold_db', schema: 'dbo', name: 'Address', kind: 'view', text: 'CREATE VIEW Address AS SELECT 1 AS a' } as const;
  const saved = state.definitions.save(view);
  state.definitions.save({ ...view, name: 'ADDRESS', text: 'ALTER VIEW ...' });
  expect(state.definitions.find('GOLD_DB', 'DBO', 'address')).toMatchObject({
    name: 'Address',
    text: 'ALTER VIEW ...',
    created: saved.created,
  });
  expect(state.definitions.list('gold_db')).toHaveLength(1);
  expect(state.definitions.remove('gold_db', 'dbo', 'address')).toBe(true);
  expect(state.definitions.remove('gold_db', 'dbo', 'address')).toBe(false);
});

test('the state of version 1 opens', () => {
  mkdirSync(join(dir, '.lakestead'));
  copyFileSync(fileURLToPath(new URL('../../test/fixtures/state/v1.db', import.meta.url)), file());
  using state = openState(dir);
  expect(state.runs.list()).toMatchObject([
    { id: 'r-v1', pipeline: 'copy_all_tables', status: 'Succeeded', parameters: { day: '2024-01-01' } },
  ]);
  expect(state.activities.list('r-v1')).toMatchObject([{ name: 'Copy', output: { rowsCopied: 847 } }]);
  expect(state.definitions.find('gold_db', 'dbo', 'address')?.kind).toBe('view');
  expect(state.settings.get('seed')).toBe('42');
});

test('a state that a newer Lakestead wrote is refused and left as it is', () => {
  openState(dir)[Symbol.dispose]();
  const database = new DatabaseSync(file());
  database.exec('PRAGMA user_version = 999');
  database.close();
  expect(() => openState(dir)).toThrow(expect.objectContaining({ code: 'STATE_NEWER', data: expect.objectContaining({ found: 999 }) }));
});

test('a file that is no database is refused by name', () => {
  mkdirSync(join(dir, '.lakestead'));
  writeFileSync(file(), 'this is no database, and long enough to be looked at as one'.repeat(20));
  expect(() => openState(dir)).toThrow(expect.objectContaining({ code: 'STATE_UNREADABLE' }));
});
