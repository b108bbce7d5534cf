import { createInterface } from 'node:readline';

import { describeError } from '#core';
import { writeTable, type WriteMode } from '#delta';
import { openDuckdbEngine } from '#engine';
import { sql } from '#sql';
import { openLocalStore } from '#storage';

// A process that a test starts, and may kill: it writes to one table, a line of standard input a write, and answers each with a line.
const [root = '', path = ''] = process.argv.slice(2);
await using engine = await openDuckdbEngine({ threads: 1 });
await using lease = await engine.lease();
const store = await openLocalStore(root);
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const { mode, value, rows } = JSON.parse(line) as { readonly mode: WriteMode; readonly value: number; readonly rows: number }; // the test's own lines
  try {
    const query = sql`SELECT ${value}::INTEGER AS value, i AS row FROM range(${rows}::BIGINT) r(i)`;
    const { version } = await writeTable({ store, path, engine, lease, query, mode });
    process.stdout.write(`${JSON.stringify({ value, version })}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ value, error: describeError(error) })}\n`);
  }
}
