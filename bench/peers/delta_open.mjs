// Opens a table by the built `lakestead/delta`, as a program that installed it does, and plans a filtered scan, as a whole
// process: node delta_open.mjs <folder>. Plain JavaScript, so that nothing of TypeScript is loaded.
import { basename, dirname } from 'node:path';

const { openDuckdbEngine, openLocalStore, openTable, sql } = await import('../../dist/package/dist/delta/index.js');

const [folder = ''] = process.argv.slice(2);
await using engine = await openDuckdbEngine({ memoryLimit: '200MB', threads: 2, tempDirectory: `${folder}.tmp` });
await using lease = await engine.lease();
const table = await openTable({ store: await openLocalStore(dirname(folder)), path: basename(folder), engine });
const { summary } = await table.scan({ filter: sql`id BETWEEN 500000 AND 509999`, lease });
const expected = basename(folder) === 'files' ? '10 of 300000' : '10 of 1000';
const found = `${summary.files} of ${summary.totalFiles}`;
if (found !== expected) throw new Error(found);
console.log(found);
