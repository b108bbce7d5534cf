/** `npm start`: makes the demo project when it is not there, runs its main job and shows what there is to look at. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const demo = fileURLToPath(new URL('../demo', import.meta.url));

function lakestead(...args: string[]): void {
  const { status } = spawnSync(process.execPath, [fileURLToPath(new URL('../bin/lakestead', import.meta.url)), ...args], {
    stdio: 'inherit',
    cwd: root,
  });
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(`${demo}/lakestead.yaml`)) lakestead('init', 'demo');
lakestead('run', '--project', 'demo', ...process.argv.slice(2));
