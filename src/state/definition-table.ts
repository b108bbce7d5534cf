import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';

import type { Clock } from '#core';

import type { Definition, State } from './state.ts';

/** Views and procedures by their original text. Keys are lower case: SQL Server's names compare without it. */
export function definitionTable(database: DatabaseSync, clock: Clock): State['definitions'] {
  const one = database.prepare('SELECT * FROM definitions WHERE database_key = ? AND schema_key = ? AND name_key = ?');
  const list = database.prepare('SELECT * FROM definitions WHERE database_key = ? ORDER BY schema_key, name_key');
  const upsert = database.prepare(`
    INSERT INTO definitions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET kind = excluded.kind, text = excluded.text, modified = excluded.modified
    RETURNING *`);
  const remove = database.prepare('DELETE FROM definitions WHERE database_key = ? AND schema_key = ? AND name_key = ?');
  const keys = (...names: readonly string[]) => names.map((name) => name.toLowerCase());
  return {
    find: (databaseName, schema, name) => {
      const row = one.get(...keys(databaseName, schema, name));
      return row === undefined ? undefined : toDefinition(row);
    },
    list: (databaseName) => list.all(databaseName.toLowerCase()).map(toDefinition),
    save: (definition) => {
      const { database: databaseName, schema, name, kind, text } = definition;
      const now = clock.now().getTime();
      const row = upsert.get(...keys(databaseName, schema, name), databaseName, schema, name, kind, text, now, now);
      return toDefinition(row ?? {});
    },
    remove: (databaseName, schema, name) => Number(remove.run(...keys(databaseName, schema, name)).changes) > 0,
  };
}

function toDefinition(row: Record<string, SQLOutputValue>): Definition {
  return {
    database: String(row['database']),
    schema: String(row['schema']),
    name: String(row['name']),
    kind: row['kind'] === 'view' ? 'view' : 'procedure',
    text: String(row['text']),
    created: new Date(Number(row['created'])),
    modified: new Date(Number(row['modified'])),
  };
}
