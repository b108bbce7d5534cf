import { join } from 'node:path';

import { expect, test } from 'vitest';

import { lakestead, lakesteadJson, temporaryFolder } from '../support/cli.ts';

type Status = { owner: { pid: number }; runs: { pipeline: string; status: string }[] };

test(
  'during a run, sql, status, table list and a second run of other terminals are answered by its process',
  { timeout: 180_000 },
  async () => {
    using folder = temporaryFolder();
    const project = join(folder.path, 'demo');
    await lakesteadJson(['init', project, '--scale', '600']);
    await lakesteadJson(['run', '--project', project]);
    let owner: number | undefined;
    const first = lakestead(['run', '--project', project, '--json'], { onStart: (child) => (owner = child.pid) });
    // The run has begun when the status says so; it is asked by a process of its own each time.
    let status: Status;
    do status = await lakesteadJson<Status>(['status', '--project', project]);
    while (status.owner.pid !== owner && !status.runs.some((run) => run.status === 'InProgress'));
    expect(status.owner.pid).toBe(owner);
    expect(status.runs[0]).toMatchObject({ pipeline: 'main', status: 'InProgress' });
    const [counted, list, second] = await Promise.all([
      lakesteadJson<{ n: number }[]>(['sql', '--project', project, 'SELECT count(*) AS n FROM gold.SalesLT.Product']),
      lakesteadJson<unknown[]>(['table', 'list', '--project', project]),
      lakesteadJson<{ status: string }>(['run', 'create_views', '--project', project]),
    ]);
    expect(counted).toEqual([{ n: 295 }]);
    expect(list).toHaveLength(30);
    expect(second.status).toBe('Succeeded');
    expect((await first).exitCode).toBe(0);
    const after = await lakesteadJson<Status>(['status', '--project', project]);
    expect(after.runs.filter((run) => run.status !== 'Succeeded')).toEqual([]);
  },
);

test('a process that owned the project and was killed is replaced, and its run is shown as failed', { timeout: 120_000 }, async () => {
  using folder = temporaryFolder();
  const project = join(folder.path, 'demo');
  await lakesteadJson(['init', project, '--scale', '200']);
  const killed = await lakestead(['run', '--project', project], { onStart: (child) => void setTimeout(() => child.kill('SIGKILL'), 700) });
  expect(killed.exitCode).toBe(null);
  const status = await lakesteadJson<Status>(['status', '--project', project]);
  expect(status.runs.every((run) => run.status === 'Failed')).toBe(true);
  expect((await lakesteadJson<{ status: string }>(['run', '--project', project])).status).toBe('Succeeded');
});
