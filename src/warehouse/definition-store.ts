import type { DefinitionStore, StoredDefinition } from './types.ts';

/** Definitions that end with the process: for a warehouse without a project. */
export function openMemoryDefinitions(): DefinitionStore {
  const kept = new Map<string, StoredDefinition>();
  const key = (...names: readonly string[]) => JSON.stringify(names.map((name) => name.toLowerCase()));
  return {
    find: (database, schema, name) => kept.get(key(database, schema, name)),
    list: (database) => [...kept.values()].filter((one) => one.database.toLowerCase() === database.toLowerCase()),
    save: (definition) => {
      kept.set(key(definition.database, definition.schema, definition.name), definition);
      return definition;
    },
    remove: (database, schema, name) => kept.delete(key(database, schema, name)),
  };
}
