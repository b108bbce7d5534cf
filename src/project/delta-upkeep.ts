import {
  type CheckResult,
  checkTable,
  type CommitResult,
  convertTable,
  type DeltaType,
  openTable,
  type OptimizeResult,
  repairTable,
  type RepairResult,
  type RestoreResult,
  sql,
  type VacuumResult,
} from '#delta';
import { openDuckdbEngine } from '#engine';
import { unsafeSql } from '#sql';

import { typeOf } from './column-definition.ts';
import { openDeltaPlace } from './delta-place.ts';

/** An upkeep of the table in a folder of this machine or at a URL, by the user who may read and write it. */
export type UpkeepRequest = { readonly path: string } & (
  | { readonly verb: 'check'; readonly repair?: boolean | undefined }
  | {
      readonly verb: 'optimize';
      readonly where?: string | undefined;
      readonly zorderBy?: readonly string[] | undefined;
      readonly purge?: boolean | undefined;
      readonly full?: boolean | undefined;
    }
  | {
      readonly verb: 'vacuum';
      readonly retainHours?: number | undefined;
      readonly dryRun?: boolean | undefined;
      readonly lite?: boolean | undefined;
      readonly force?: boolean | undefined;
    }
  | { readonly verb: 'restore'; readonly version?: number | undefined; readonly timestamp?: Date | undefined }
  | { readonly verb: 'clone'; readonly target: string; readonly version?: number | undefined; readonly timestamp?: Date | undefined }
  | {
      readonly verb: 'convert';
      readonly partitionBy?: Readonly<Record<string, string>> | undefined;
      readonly withStatistics?: boolean | undefined;
    }
);

/** What an upkeep did. */
export type UpkeepResult =
  | CheckResult
  | RepairResult
  | OptimizeResult
  | VacuumResult
  | RestoreResult
  | CommitResult
  | { readonly version: number };

/** `delta check|optimize|vacuum|restore|clone|convert`: needs no project. */
export async function keepUp(request: UpkeepRequest, { signal }: { readonly signal: AbortSignal }): Promise<UpkeepResult> {
  await using engine = await openDuckdbEngine();
  await using lease = await engine.lease({ signal });
  await using place = await openDeltaPlace(request.path);
  const { store, path } = await place.resolve();
  const location = { store, path, engine };
  switch (request.verb) {
    case 'check':
      return request.repair === true ? await repairTable(location, { lease, signal }) : await checkTable(location, { lease, signal });
    case 'convert': {
      const types = Object.entries(request.partitionBy ?? {}).map(([name, type]): [string, DeltaType] => [name, typeOf(type)]);
      const { withStatistics } = request;
      const table = await convertTable(location, { partitionTypes: Object.fromEntries(types), withStatistics, lease, signal });
      return { version: (await table.snapshot({ lease, signal })).version };
    }
    default:
  }
  const table = await openTable(location, { signal });
  switch (request.verb) {
    case 'optimize': {
      const { where, zorderBy, purge, full } = request;
      // The user's own SQL, who reads with their own rights.
      const condition = where === undefined ? undefined : sql`${unsafeSql(`${where}\n`)}`;
      return await table.optimize({ where: condition, whereText: where, zorderBy, purge, isFull: full, lease, signal });
    }
    case 'vacuum':
      return await table.vacuum({ ...request, lease, signal });
    case 'restore':
      return await table.restore({ version: request.version, timestamp: request.timestamp, lease, signal });
    case 'clone': {
      await using other = await openDeltaPlace(request.target);
      const to = await other.resolve();
      const target = { store: to.store, path: to.path, engine };
      return await table.clone({ target, version: request.version, timestamp: request.timestamp, lease, signal });
    }
  }
}
