import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { type Clock, LakesteadError, systemClock } from '#core';

import { activityTable } from './activity-table.ts';
import { definitionTable } from './definition-table.ts';
import { migrate } from './migrations.ts';
import { runTable } from './run-table.ts';
import type { State } from './state.ts';

/**
 * Opens (makes, migrates) `.lakestead/state.db` of the project in `projectDir`. Several processes may have it open; only
 * the project's owner writes.
 *
 * @throws {LakesteadError} `STATE_NEWER` when a newer Lakestead wrote it, `STATE_UNREADABLE` when it is no database,
 * `DISK_FULL`
 */
export function openState(projectDir: string, options: { readonly clock?: Clock } = {}): State {
  const clock = options.clock ?? systemClock;
  const folder = join(projectDir, '.lakestead');
  const file = join(folder, 'state.db');
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    database = new DatabaseSync(file, { timeout: 10_000 });
    // FULL: what a call acknowledged survives a power cut, in WAL too.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    migrate(database, file);
  } catch (error) {
    database?.close();
    throw classifySqliteError(error, file);
  }
  const opened = database;
  const guarded = <T extends object>(table: T): T => guard(table, file);
  const selectSetting = opened.prepare('SELECT value FROM settings WHERE name = ?');
  const saveSetting = opened.prepare('INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value');
  return {
    runs: guarded(runTable(opened, clock)),
    activities: guarded(activityTable(opened, clock)),
    definitions: guarded(definitionTable(opened, clock)),
    settings: guarded({
      get: (name: string) => {
        const value = selectSetting.get(name)?.['value'];
        return value === undefined ? undefined : String(value);
      },
      set: (name: string, value: string) => void saveSetting.run(name, value),
    }),
    [Symbol.dispose]: () => opened.close(),
  };
}

/** The same functions, whose errors of SQLite are ours. */
function guard<T extends object>(table: T, file: string): T {
  const wrapped = Object.entries(table).map(([name, call]: [string, (...args: unknown[]) => unknown]) => [
    name,
    (...args: unknown[]) => {
      try {
        return call(...args);
      } catch (error) {
        throw classifySqliteError(error, file);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T; // the same names with the same signatures
}

function classifySqliteError(error: unknown, file: string): LakesteadError {
  if (error instanceof LakesteadError) return error;
  const result = error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0;
  const message = error instanceof Error ? error.message : String(error);
  // The low byte is the primary result code: 13 full, 11 corrupt, 26 not a database, 14 cannot open, 8 read-only.
  switch (result & 0xff) {
    case 13:
      return new LakesteadError('DISK_FULL', `no room to write ${file}`, {
        cause: error,
        hint: 'free some room, then run the same command again',
      });
    case 8:
    case 11:
    case 14:
    case 26:
      return new LakesteadError('STATE_UNREADABLE', `${file} cannot be used: ${message}`, {
        cause: error,
        hint: 'it must be a writable file that Lakestead wrote; moved away, a new one begins without the history of runs and without stored views and procedures',
      });
    default:
      return new LakesteadError('INTERNAL', `${file}: ${message}`, { cause: error });
  }
}
