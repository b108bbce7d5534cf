import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { requireOrSkip } from '../services/availability.ts';
import { type PythonSession, startPython } from '../services/python-session.ts';
import { findPython } from '../services/python.ts';
import { findDeltaJars, startSpark } from '../services/spark.ts';
import { lakestead, lakesteadJson, temporaryFolder } from '../support/cli.ts';
import { tables } from '../support/end-state.ts';
import { openSecondOpinion } from '../support/second-opinion.ts';

const folder = temporaryFolder();
const project = join(folder.path, 'demo');
const python = requireOrSkip('delta-rs', findPython(), 'node test/services/python.ts');
const spark = requireOrSkip('Spark with Delta', python === undefined ? undefined : findDeltaJars(), 'node test/services/spark.ts');

beforeAll(async () => {
  await lakesteadJson(['init', project]);
  await lakesteadJson(['run', '--project', project]);
}, 120_000);
afterAll(() => folder[Symbol.dispose]());

const engines = [
  {
    name: 'delta-rs',
    isThere: python !== undefined,
    start: async () => await startPython(),
    copy: (table: string, file: string) =>
      `import pyarrow.parquet as pq\nfrom deltalake import DeltaTable\npq.write_table(DeltaTable(${JSON.stringify(table)}).to_pyarrow_table(), ${JSON.stringify(file)})\nresult = True`,
  },
  {
    name: 'Spark',
    isThere: spark !== undefined,
    start: startSpark,
    copy: (table: string, file: string) =>
      `spark.read.format('delta').load(${JSON.stringify(table)}).coalesce(1).write.mode('overwrite').parquet(${JSON.stringify(file)})\nresult = True`,
  },
];

for (const { name, isThere, start, copy } of engines) {
  describe.skipIf(!isThere)(`the demo's silver and gold tables through ${name}`, () => {
    let session: PythonSession | undefined;
    beforeAll(async () => {
      session = await start();
    }, 120_000);
    afterAll(async () => await session?.[Symbol.asyncDispose]());

    for (const layer of ['silver', 'gold']) {
      test(`${layer} reads equal, row by row`, { timeout: 240_000 }, async () => {
        await using opinion = await openSecondOpinion();
        for (const table of tables) {
          const path = join(project, 'lake', layer, 'SalesLT', table);
          const [theirs, ours] = [join(folder.path, `${name}-${layer}-${table}`), join(folder.path, `ours-${layer}-${table}.parquet`)];
          await session?.run(copy(path, theirs));
          expect((await lakestead(['delta', 'read', path, '--output', ours])).exitCode).toBe(0);
          const source = name === 'Spark' ? `read_parquet('${theirs}/*.parquet')` : `read_parquet('${theirs}')`;
          expect(await opinion.countDifferences(`SELECT * FROM ${source}`, `SELECT * FROM read_parquet('${ours}')`)).toBe(0);
        }
      });
    }
  });
}
