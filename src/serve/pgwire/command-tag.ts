import type { Statement } from './split-statements.ts';

/** `SELECT 3`, `INSERT 0 3`, `CREATE TABLE`: what was done, in PostgreSQL's words. */
export function tagOf({ words }: Statement, count: number, engineKind: string): string {
  const [first = '', second = ''] = words;
  switch (first) {
    case 'INSERT':
      return `INSERT 0 ${count}`;
    case 'UPDATE':
    case 'DELETE':
    case 'MERGE':
    case 'COPY':
      return `${first} ${count}`;
    case 'WITH':
    case 'SELECT':
    case 'VALUES':
    case 'TABLE':
    case 'FROM':
      return engineKind === 'INSERT'
        ? `INSERT 0 ${count}`
        : ['UPDATE', 'DELETE'].includes(engineKind)
          ? `${engineKind} ${count}`
          : `SELECT ${count}`;
    case 'CREATE':
    case 'DROP':
    case 'ALTER': {
      const kind =
        words
          .slice(1)
          .find(
            (word) =>
              !['OR', 'REPLACE', 'TEMP', 'TEMPORARY', 'UNIQUE', 'PERSISTENT', 'MATERIALIZED', 'LOCAL', 'GLOBAL', 'UNLOGGED'].includes(word),
          ) ?? second;
      return `${first} ${kind}`;
    }
    case 'TRUNCATE':
      return 'TRUNCATE TABLE';
    case 'EXPLAIN':
      return 'EXPLAIN';
    case '':
      return `SELECT ${count}`;
    default:
      return engineKind === 'SELECT' ? `SELECT ${count}` : first;
  }
}
