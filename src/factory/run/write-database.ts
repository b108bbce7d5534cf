import { LakesteadError } from '#core';
import type { TableWrite } from '#connectors';
import type { Lease } from '#engine';
import { sql } from '#sql';

import { isArray, isObject, type ValueObject } from '../expression/index.ts';
import { describe } from './read-source.ts';
import { refuseOthers } from './refuse-options.ts';
import { type BoundDataset, tableOf } from './resolve-dataset.ts';
import type { ActivityScope } from './activity-scope.ts';
import type { RowsToWrite, Written } from './write-files.ts';

/** Writes the rows into a table of a database by `insert` or `upsert`: all of them in one transaction, or none. */
export async function writeDatabase(
  sink: ValueObject,
  dataset: BoundDataset,
  { query, onProgress }: Pick<RowsToWrite, 'query' | 'onProgress'>,
  lease: Lease,
  scope: ActivityScope,
): Promise<Pick<Written, 'rows'>> {
  const { signal, state } = scope;
  refuseOthers(sink, String(sink['type']), 'a sink');
  const into = planWrite(sink, dataset);
  await using connector = await state.ports.openConnector(dataset.service, signal);
  if (connector.write === undefined)
    throw new LakesteadError('FACTORY_UNSUPPORTED', `writing to a linked service of type ${dataset.linkedService.type} is not supported`, {
      hint: 'an embedded SQL Server can be written to: environments.<name>.linkedServices in lakestead.yaml',
    });
  // The rows are kept first: an upsert reads them twice, and the source may be the same table.
  await lease.run(sql`CREATE OR REPLACE TEMP TABLE outgoing AS ${query}`, { signal, onProgress });
  try {
    const rows = sql`SELECT * FROM temp.outgoing`;
    const { columns } = await describe(lease, rows, scope);
    await connector.write(rows, { ...into, columns }, { lease, signal });
    const [counted] = await lease.rows(sql`SELECT count(*)::BIGINT AS n FROM temp.outgoing`, { signal });
    return { rows: Number(counted?.['n'] ?? 0) };
  } finally {
    await lease.run(sql`DROP TABLE IF EXISTS temp.outgoing`);
  }
}

function planWrite(sink: ValueObject, dataset: BoundDataset): Omit<TableWrite, 'columns'> {
  const table = tableOf(dataset);
  if (table === undefined) throw new LakesteadError('FACTORY_INVALID', `the dataset '${dataset.name}' of the sink names no table`);
  const behavior = String(sink['writeBehavior'] ?? 'insert').toLowerCase();
  if (behavior !== 'insert' && behavior !== 'upsert')
    throw new LakesteadError('FACTORY_UNSUPPORTED', `writeBehavior ${behavior} is not supported`, { hint: 'supported: insert, upsert' });
  const option = sink['tableOption'] ?? 'none';
  if (option !== 'none' && option !== 'autoCreate')
    throw new LakesteadError('FACTORY_UNSUPPORTED', `tableOption ${String(option)} is not supported`, {
      hint: 'supported: none, autoCreate',
    });
  const settings = sink['upsertSettings'];
  refuseOthers(settings, { acts: ['keys'], known: ['useTempDB', 'interimSchemaName'] }, 'upsertSettings');
  const keys = isObject(settings) && isArray(settings['keys']) ? settings['keys'].map(String) : [];
  const script = sink['preCopyScript'];
  return {
    schema: table.schema ?? 'dbo',
    table: table.table,
    behavior: behavior === 'insert' ? { kind: 'insert' } : { kind: 'upsert', keys },
    autoCreate: option === 'autoCreate',
    ...(typeof script === 'string' && script.trim() !== '' ? { preCopyScript: script } : {}),
  };
}
