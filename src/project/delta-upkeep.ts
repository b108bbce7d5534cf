import { basename, dirname } from 'node:path';

import { type CheckResult, checkTable, openTable, type OptimizeResult, type RestoreResult, sql, type VacuumResult } from '#delta';
import { openDuckdbEngine } from '#engine';
import { openLocalStore } from '#storage';
import { unsafeSql } from '#sql';

/** An upkeep of the table in a folder of this machine, by the user who may read and write it. */
export type UpkeepRequest = { readonly path: string } & (
  | { readonly verb: 'check' }
  | { readonly verb: 'optimize'; readonly where?: string | undefined; readonly zorderBy?: readonly string[] | undefined }
  | {
      readonly verb: 'vacuum';
      readonly retainHours?: number | undefined;
      readonly dryRun?: boolean | undefined;
      readonly force?: boolean | undefined;
    }
  | { readonly verb: 'restore'; readonly version?: number | undefined; readonly timestamp?: Date | undefined }
);

/** `delta check|optimize|vacuum|restore`: needs no project. */
export async function keepUp(
  request: UpkeepRequest,
  { signal }: { readonly signal: AbortSignal },
): Promise<CheckResult | OptimizeResult | VacuumResult | RestoreResult> {
  await using engine = await openDuckdbEngine();
  await using lease = await engine.lease({ signal });
  const location = { store: await openLocalStore(dirname(request.path)), path: basename(request.path), engine };
  if (request.verb === 'check') return await checkTable(location, { lease, signal });
  const table = await openTable(location, { signal });
  switch (request.verb) {
    case 'optimize': {
      const { where, zorderBy } = request;
      // The user's own SQL, who reads with their own rights.
      return await table.optimize({
        where: where === undefined ? undefined : sql`${unsafeSql(`${where}\n`)}`,
        whereText: where,
        zorderBy,
        lease,
        signal,
      });
    }
    case 'vacuum':
      return await table.vacuum({ ...request, lease, signal });
    case 'restore':
      return await table.restore({ version: request.version, timestamp: request.timestamp, lease, signal });
  }
}
