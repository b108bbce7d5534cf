// Makes tables to open: node delta_open.ts <make-files|make-commits> <folder>.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { literal, openDuckdbEngine, sql } from '#delta';
import { unsafeSql } from '#sql';

const [what = '', folder = ''] = process.argv.slice(2);
const schema = {
  type: 'struct',
  fields: [
    { name: 'id', type: 'long', nullable: true, metadata: {} },
    { name: 'name', type: 'string', nullable: true, metadata: {} },
    { name: 'amount', type: 'double', nullable: true, metadata: {} },
  ],
};
const protocol = { minReaderVersion: 1, minWriterVersion: 2 };
const metaData = { id: '00000000-0000-4000-8000-000000000000', format: { provider: 'parquet', options: {} }, schemaString: JSON.stringify(schema), partitionColumns: [], configuration: {}, createdTime: 0 }; // prettier-ignore
const log = join(folder, '_delta_log');

function statistics(index: number): string {
  const first = index * 1000;
  return JSON.stringify({ numRecords: 1000, minValues: { id: first, name: `customer ${first}`, amount: 0.25 }, maxValues: { id: first + 999, name: `customer ${first + 999}`, amount: 999.75 }, nullCount: { id: 0, name: 0, amount: 0 } }); // prettier-ignore
}

function addOf(index: number): object {
  const path = `part-${String(index).padStart(6, '0')}-8a1f3c52-7f0e-4d57-9c41-d6d7e0c1b2a3-c000.snappy.parquet`;
  return {
    add: {
      path,
      partitionValues: {},
      size: 1_000_000 + index,
      modificationTime: 1_700_000_000_000,
      dataChange: true,
      stats: statistics(index),
    },
  };
}

await using engine = await openDuckdbEngine({ memoryLimit: '200MB', threads: 2, tempDirectory: `${folder}.tmp` });
await using lease = await engine.lease();

/** A log of so many files in one checkpoint; none of the files is there. */
async function makeFiles(count: number): Promise<void> {
  mkdirSync(log, { recursive: true });
  const lines = [{ protocol }, { metaData }, ...Array.from({ length: count }, (_, index) => addOf(index))];
  const source = `${folder}.ndjson`;
  writeFileSync(source, lines.map((line) => JSON.stringify(line)).join('\n'));
  const columns = `{'protocol': 'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER)', 'metaData': 'STRUCT(id VARCHAR, format STRUCT(provider VARCHAR, options MAP(VARCHAR, VARCHAR)), schemaString VARCHAR, partitionColumns VARCHAR[], configuration MAP(VARCHAR, VARCHAR), createdTime BIGINT)', 'add': 'STRUCT(path VARCHAR, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR)'}`;
  const target = join(log, '00000000000000000001.checkpoint.parquet');
  await lease.run(
    sql`COPY (SELECT * FROM read_json(${literal(source)}, format = 'newline_delimited', columns = ${unsafeSql(columns)})) TO ${literal(target)} (FORMAT parquet)`,
  );
  writeFileSync(join(log, '_last_checkpoint'), JSON.stringify({ version: 1, size: count + 2 }));
  for (const version of [0, 1])
    writeFileSync(
      join(log, `${String(version).padStart(20, '0')}.json`),
      `${JSON.stringify({ commitInfo: { timestamp: 1_700_000_000_000, operation: 'WRITE' } })}\n`,
    );
}

function makeCommits(count: number): void {
  mkdirSync(log, { recursive: true });
  for (let version = 0; version < count; version += 1) {
    const actions = [
      { commitInfo: { timestamp: 1_700_000_000_000 + version, operation: 'WRITE' } },
      ...(version === 0 ? [{ protocol }, { metaData }] : []),
      addOf(version),
    ];
    writeFileSync(
      join(log, `${String(version).padStart(20, '0')}.json`),
      `${actions.map((action) => JSON.stringify(action)).join('\n')}\n`,
    );
  }
}

if (what === 'make-files') await makeFiles(300_000);
else if (what === 'make-commits') makeCommits(1000);
