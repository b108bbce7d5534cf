import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';

import { type Clock, LakesteadError } from '#core';

import { fromJsonColumn, toJsonColumn } from './json-column.ts';
import type { Run, RunStatus, State } from './state.ts';

type Row = Record<string, SQLOutputValue>;

/** The runs of pipelines. */
export function runTable(database: DatabaseSync, clock: Clock): State['runs'] {
  const insert = database.prepare(
    "INSERT INTO runs (id, pipeline, environment, status, started, parameters_json, parent) VALUES (?, ?, ?, 'InProgress', ?, ?, ?)",
  );
  const update = database.prepare(
    "UPDATE runs SET status = ?, ended = ?, error_json = ?, return_json = ? WHERE id = ? AND status = 'InProgress'",
  );
  const one = database.prepare('SELECT * FROM runs WHERE id = ?');
  const list = database.prepare('SELECT * FROM runs WHERE ? OR parent IS NULL ORDER BY sequence DESC LIMIT ?');
  const abandoned = database.prepare("SELECT id FROM runs WHERE status = 'InProgress' ORDER BY sequence");
  const closeActivities = database.prepare(
    "UPDATE activity_runs SET status = 'Cancelled', ended = ?, error_json = ? WHERE status = 'InProgress'",
  );
  const closeRuns = database.prepare("UPDATE runs SET status = 'Failed', ended = ?, error_json = ? WHERE status = 'InProgress'");
  return {
    start: ({ id, pipeline, environment, parameters, parent }) => {
      insert.run(id, pipeline, environment, clock.now().getTime(), toJsonColumn(parameters), parent ?? null);
    },
    finish: (id, { status, error, returnValue }) => {
      const { changes } = update.run(status, clock.now().getTime(), toJsonColumn(error), toJsonColumn(returnValue), id);
      if (Number(changes) !== 1) throw new LakesteadError('INTERNAL', `run ${id} was ended twice, or never started`);
    },
    list: ({ limit = 100, children = false } = {}) => list.all(children ? 1 : 0, limit).map(toRun),
    get: (id) => {
      const row = one.get(id);
      return row === undefined ? undefined : toRun(row);
    },
    closeAbandoned: () => {
      const error = toJsonColumn({
        code: 'OWNER_STOPPED',
        message: 'the process that ran this ended before it finished; what it had committed is whole, the rest is not visible',
        hint: 'run the same command again',
      });
      const now = clock.now().getTime();
      database.exec('BEGIN IMMEDIATE');
      try {
        const ids = abandoned.all().map((row) => String(row['id']));
        closeActivities.run(now, error);
        closeRuns.run(now, error);
        database.exec('COMMIT');
        return ids;
      } catch (failure) {
        database.exec('ROLLBACK');
        throw failure;
      }
    },
  };
}

function toRun(row: Row): Run {
  const { ended, error_json: error, return_json: returned, parent } = row;
  return {
    id: String(row['id']),
    pipeline: String(row['pipeline']),
    environment: String(row['environment']),
    status: String(row['status']) as RunStatus, // only this file writes it
    started: new Date(Number(row['started'])),
    ...(ended === null ? {} : { ended: new Date(Number(ended)) }),
    parameters: fromJsonColumn(row['parameters_json']),
    ...(error === null ? {} : { error: fromJsonColumn(error) }),
    ...(returned === null ? {} : { returnValue: fromJsonColumn(returned) }),
    ...(parent === null ? {} : { parent: String(parent) }),
  };
}
