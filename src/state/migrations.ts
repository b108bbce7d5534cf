import type { DatabaseSync } from 'node:sqlite';

import { LakesteadError } from '#core';

/**
 * One entry a version, never changed after a release: the database of any older version is brought up by what follows.
 * Times are milliseconds since 1970; what ends in `_json` is JSON text.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE runs (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    pipeline TEXT NOT NULL,
    environment TEXT NOT NULL,
    status TEXT NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER,
    parameters_json TEXT,
    error_json TEXT,
    return_json TEXT,
    parent TEXT
  ) STRICT;
  CREATE INDEX runs_in_progress ON runs (status) WHERE status = 'InProgress';
  CREATE TABLE activity_runs (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL REFERENCES runs (id),
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    iteration TEXT,
    attempt INTEGER NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER,
    input_json TEXT,
    output_json TEXT,
    error_json TEXT
  ) STRICT;
  CREATE INDEX activity_runs_of_run ON activity_runs (run);
  CREATE INDEX activity_runs_in_progress ON activity_runs (status) WHERE status = 'InProgress';
  CREATE TABLE definitions (
    database_key TEXT NOT NULL,
    schema_key TEXT NOT NULL,
    name_key TEXT NOT NULL,
    database TEXT NOT NULL,
    schema TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('view', 'procedure')),
    text TEXT NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    PRIMARY KEY (database_key, schema_key, name_key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
];

/** The version that this program writes. */
const stateVersion = migrations.length;

/**
 * Brings a state database to {@link stateVersion}, all steps in one transaction.
 *
 * @throws {LakesteadError} `STATE_NEWER` for one that a newer Lakestead wrote
 */
export function migrate(database: DatabaseSync, file: string): void {
  const found = readVersion(database);
  if (found > stateVersion) {
    throw new LakesteadError(
      'STATE_NEWER',
      `${file} has version ${found}, and this Lakestead knows versions up to ${stateVersion}; nothing was changed`,
      {
        hint: 'use the Lakestead that wrote it, or a newer one',
        data: { file, found, known: stateVersion },
      },
    );
  }
  if (found === stateVersion) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    // Another process may have migrated while this one waited for the lock.
    for (const step of migrations.slice(readVersion(database))) database.exec(step);
    database.exec(`PRAGMA user_version = ${stateVersion}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

function readVersion(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}
