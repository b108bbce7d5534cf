import type { Action } from './actions.ts';
import { type CheckFinding, type CheckOptions, checkTable } from './check.ts';
import { addOf, newCommitInfo, removes } from './commit-actions.ts';
import { planToSql } from './relation.ts';
import { planScan } from './scan-plan.ts';
import { sql } from '#sql';
import type { TableLocation } from './snapshot.ts';
import { nothingStaged } from './stage.ts';
import { finish, loadForWrite } from './write.ts';

/** What a repair did: a version with it (none where nothing could be mended), and what is still wrong. */
export type RepairResult = {
  readonly version: number | undefined;
  readonly repaired: readonly CheckFinding[];
  readonly findings: readonly CheckFinding[];
};

/**
 * Mends by one commit what a check finds and the log can mend: files that are missing leave the table (their rows are lost), statistics
 * that would hide rows go. What needs a copy of a file is left, and said.
 *
 * @throws {LakesteadError} `DELTA_CONFLICT` when another writer changed the table meanwhile
 */
export async function repairTable(location: TableLocation, options: CheckOptions): Promise<RepairResult> {
  const { lease, signal } = options;
  const { findings } = await checkTable(location, options);
  const repaired = findings.filter(({ canRepair }) => canRepair === true);
  const left = findings.filter(({ canRepair }) => canRepair !== true);
  if (repaired.length === 0) return { version: undefined, repaired, findings: left };
  const snapshot = await loadForWrite(location, { lease, signal }, false);
  const missing = new Set(repaired.flatMap(({ kind, file }) => (kind === 'file' && file !== undefined ? [file] : [])));
  const wrong = new Set(repaired.flatMap(({ kind, file }) => (kind === 'statistics' && file !== undefined ? [file] : [])));
  const actions: Action[] = [...removes(snapshot, missing)];
  const plan = planScan(snapshot);
  for (const path of wrong) {
    const files = plan.files.filter((file) => file.path === path).map(({ path: whole, sizeBytes, partitionValues }) => ({ path: whole, sizeBytes, partitionValues })); // prettier-ignore
    const rows = await planToSql({ ...plan, files }, location.store, { scope: lease, signal });
    const [row] = await lease.rows(sql`SELECT count(*) AS n FROM (${rows}) AS counted`, { signal });
    const stats = `{"numRecords":${String(row?.['n'])}}`;
    actions.push({ add: { ...addOf(snapshot, snapshot.files.paths.indexOf(path)), stats, dataChange: false } });
  }
  const metrics = { numMissingFiles: missing.size, numRepairedStatistics: wrong.size };
  const commitInfo = newCommitInfo('FSCK', { dryRun: 'false' }, snapshot.version, false, metrics, {});
  const transaction = { readVersion: snapshot.version, actions, commitInfo, reads: 'table' as const };
  const { version } = await finish(location, nothingStaged, transaction, missing.size, snapshot, { lease, signal });
  return { version, repaired, findings: left };
}
