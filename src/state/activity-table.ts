import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';

import { type Clock, LakesteadError } from '#core';

import { fromJsonColumn, toJsonColumn } from './json-column.ts';
import type { ActivityRun, ActivityStatus, State } from './state.ts';

/** The activity runs of the runs. */
export function activityTable(database: DatabaseSync, clock: Clock): State['activities'] {
  const insert = database.prepare(
    "INSERT INTO activity_runs (run, name, type, status, iteration, attempt, started, input_json) VALUES (?, ?, ?, 'InProgress', ?, ?, ?, ?)",
  );
  const update = database.prepare(
    "UPDATE activity_runs SET status = ?, ended = ?, output_json = ?, error_json = ? WHERE id = ? AND status = 'InProgress'",
  );
  const list = database.prepare('SELECT * FROM activity_runs WHERE run = ? ORDER BY id');
  return {
    start: ({ run, name, type, iteration, attempt = 1, input }) => {
      const { lastInsertRowid } = insert.run(run, name, type, iteration ?? null, attempt, clock.now().getTime(), toJsonColumn(input));
      return Number(lastInsertRowid);
    },
    finish: (id, { status, output, error }) => {
      const { changes } = update.run(status, clock.now().getTime(), toJsonColumn(output), toJsonColumn(error), id);
      if (Number(changes) !== 1) throw new LakesteadError('INTERNAL', `activity run ${id} was ended twice, or never started`);
    },
    list: (run) => list.all(run).map(toActivityRun),
  };
}

function toActivityRun(row: Record<string, SQLOutputValue>): ActivityRun {
  const { ended, iteration, input_json: input, output_json: output, error_json: error } = row;
  return {
    id: Number(row['id']),
    run: String(row['run']),
    name: String(row['name']),
    type: String(row['type']),
    status: String(row['status']) as ActivityStatus, // only this folder writes it
    ...(iteration === null ? {} : { iteration: String(iteration) }),
    attempt: Number(row['attempt']),
    started: new Date(Number(row['started'])),
    ...(ended === null ? {} : { ended: new Date(Number(ended)) }),
    ...(input === null ? {} : { input: fromJsonColumn(input) }),
    ...(output === null ? {} : { output: fromJsonColumn(output) }),
    ...(error === null ? {} : { error: fromJsonColumn(error) }),
  };
}
