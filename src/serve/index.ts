export { makeCertificate, type Certificate } from './certificate.ts';
export { lakeBackend } from './lake-backend.ts';
export { makeVerifier, openPgServer, type PgServer } from './pgwire/index.ts';
export { checkScratchHost, scratchBackend } from './scratch.ts';
