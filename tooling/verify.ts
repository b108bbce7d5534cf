/**
 * `npm run verify`: the tests with the full counts that the project promises. Tests that count write what they saw to
 * `docs/evidence/<name>.json`, which `docs/status.md` cites.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const { status } = spawnSync(process.execPath, [vitest, 'run', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, VERIFY: '1' },
});
process.exit(status ?? 1);
