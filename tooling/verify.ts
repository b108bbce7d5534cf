/**
 * `npm run verify`: the tests with the full counts that the project promises. Tests that count write what they saw to
 * `docs/evidence/<name>.json`, which `docs/status.md` cites. `--seeds a..b` runs a part of the tests that go by seeds.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const args = process.argv.slice(2);
const at = args.indexOf('--seeds');
const [, seeds] = at < 0 ? [] : args.splice(at, 2);
const { status } = spawnSync(process.execPath, [vitest, 'run', ...args], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, VERIFY: '1', ...(seeds === undefined ? {} : { SEEDS: seeds }) },
});
process.exit(status ?? 1);
