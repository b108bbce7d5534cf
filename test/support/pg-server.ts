import { silentLog } from '#core';
import { makeCertificate, openPgServer, type PgServer, scratchBackend } from '#serve';

let certificate: ReturnType<typeof makeCertificate> | undefined;

/** A server of PostgreSQL's protocol in this process, with a database in memory for each connection; with `password` SCRAM is asked for. */
export async function startScratch(
  options: { readonly verifier?: string; readonly requiresTls?: boolean; readonly limits?: object } = {},
): Promise<PgServer & { readonly ca: string }> {
  certificate ??= makeCertificate();
  const tls = await certificate;
  const { verifier, ...rest } = options;
  const scratch = scratchBackend({ threads: 2 });
  const backend =
    verifier === undefined
      ? scratch
      : { ...scratch, isOpen: false, verifierOf: async (user: string) => (user === 'ada' ? verifier : undefined) };
  const server = await openPgServer({ backend, host: '127.0.0.1', port: 0, tls, log: silentLog, ...rest });
  return { port: server.port, ca: tls.cert, [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose]() };
}
