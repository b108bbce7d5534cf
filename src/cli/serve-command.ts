import type { Command } from 'commander';

import { LakesteadError, silentLog } from '#core';
import type { ServeDocument } from '#project';
import { checkScratchHost, makeCertificate, openPgServer, scratchBackend } from '#serve';

import type { Action } from './command-line.ts';
import { parseCount, printJson, withProjectOptions } from './options.ts';
import { perform, type ProjectOptions } from './perform.ts';
import { exitCodes, type Terminal } from './terminal.ts';

type Options = ProjectOptions & { readonly pgPort: string; readonly scratch?: boolean };

export function addServeCommand(program: Command, terminal: Terminal, act: Action): void {
  withProjectOptions(program.command('serve'))
    .description("Serves the lake over PostgreSQL's protocol to programs of this machine, until Ctrl-C.")
    .option('--pg-port <N>', "the port of PostgreSQL's protocol; 0 for any that is free", '5432')
    .option('--scratch', 'no project: each connection gets a fresh database in memory; any user, no password')
    .action((options: Options) =>
      act(async () => {
        const pgPort = parseCount('pg-port', options.pgPort);
        if (pgPort > 65_535) throw new LakesteadError('USAGE', `--pg-port takes a number up to 65535, not ${pgPort}`);
        if (options.scratch === true) return await serveScratch(terminal, pgPort, options);
        await perform(terminal, options, 'serve', { pgPort }, (event) => {
          if (event.kind === 'ready') showReady(terminal, event['document'] as ServeDocument, options); // as the command emits it
        });
        return terminal.signal.aborted ? exitCodes.ok : undefined;
      }),
    );
}

async function serveScratch(terminal: Terminal, port: number, options: Options): Promise<number> {
  if (options.project !== undefined || options.env !== undefined) {
    throw new LakesteadError('USAGE', '--scratch serves no project: leave out --project and --env');
  }
  const host = '127.0.0.1';
  checkScratchHost(host);
  await using server = await openPgServer({ backend: scratchBackend(), host, port, tls: await makeCertificate(), log: silentLog });
  if (options.json === true) printJson(terminal, { pg: { host, port: server.port }, user: 'any', database: 'any' });
  else terminal.out(`PostgreSQL's protocol on ${host}:${server.port}: every connection is a database of its own that ends with it\n`);
  await new Promise<void>((resolve) => terminal.signal.addEventListener('abort', () => resolve(), { once: true }));
  return exitCodes.ok;
}

function showReady(terminal: Terminal, { pg, user, passwordFile, database, caFile }: ServeDocument, options: Options): void {
  if (options.json === true) return printJson(terminal, { pg, user, passwordFile, database, caFile });
  terminal.out(
    `the lake is served over PostgreSQL's protocol on ${pg.host}:${pg.port}\n\n  PGPASSWORD=$(cat ${passwordFile}) psql "host=${pg.host} port=${pg.port} user=${user} dbname=${database} sslmode=verify-full sslrootcert=${caFile}"\n\nCtrl-C ends it.\n`,
  );
}
