import { LakesteadError } from '#core';
import { openDuckdbEngine } from '#engine';
import { sql } from '#sql';

import type { PgBackend } from './pgwire/index.ts';
import { engineSession } from './pgwire/engine-session.ts';

/** Gives every connection a fresh database in memory that ends with it: any user, any database, no password, no files. */
export function scratchBackend(
  options: { readonly memoryLimit?: string | undefined; readonly threads?: number | undefined } = {},
): PgBackend {
  return {
    isOpen: true,
    verifierOf: async () => undefined,
    open: async () => {
      const engine = await openDuckdbEngine({ ...options, maxLeases: 1 });
      const lease = await engine.lease();
      await lease.run(sql`SET enable_external_access = false`);
      return engineSession(lease, async () => {
        await lease[Symbol.asyncDispose]();
        await engine[Symbol.asyncDispose]();
      });
    },
  };
}

/** Scratch databases are for programs of this machine alone. */
export function checkScratchHost(host: string): void {
  if (['127.0.0.1', '::1', 'localhost'].includes(host)) return;
  throw new LakesteadError('USAGE', `--scratch listens on this machine only, not on ${host}`);
}
