// Installs the locked dependencies when they are missing or of another lockfile. Runs before `npm start` and `npm test`
// on whatever Node the machine has (20 or later), so it is plain JavaScript and imports nothing of the project.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Why the installed packages are not those of the lockfile; undefined when they are. */
function whyIncomplete() {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return 'no dependencies are installed yet';
  const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  for (const [path, entry] of Object.entries(locked)) {
    if (!path.startsWith('node_modules/') || entry.optional || entry.link || entry.devOptional) continue;
    if (installed[path]?.version !== entry.version) return `${path.slice('node_modules/'.length)} ${entry.version} is not installed`;
  }
  return undefined;
}

const why = whyIncomplete();
if (why !== undefined) {
  console.error(`Installing the locked dependencies (${why}) ...`);
  const npm = process.env.npm_execpath;
  const [command, args] = npm === undefined ? ['npm', ['ci']] : [process.execPath, [npm, 'ci']];
  const result = spawnSync(command, [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: npm === undefined && process.platform === 'win32',
  });
  process.exit(result.status ?? 1);
}
