export { makeVerifier } from './scram.ts';
export { openPgServer, type PgServer } from './server.ts';
export type { ParameterValue, PgBackend, SqlSession } from './sql-session.ts';
