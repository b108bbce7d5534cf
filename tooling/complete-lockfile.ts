/**
 * npm leaves optional packages of other platforms out of the lockfile when the registry has no build of them, and
 * `npm ci` then refuses the lockfile elsewhere. This adds an entry without integrity for each that is missing; a later
 * `npm install` against a full registry fills in the hash. `--check` only says what is missing and fails.
 */
import { readFileSync, writeFileSync } from 'node:fs';

type Entry = { version?: string; optional?: boolean; os?: string[]; cpu?: string[]; optionalDependencies?: Record<string, string> };

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Entry> }; // npm's own file format

const missing: Record<string, Entry> = {};
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const places = [`node_modules/${name}`, `${path}/node_modules/${name}`];
    if (!places.some((place) => place in lock.packages)) missing[places[0] ?? name] = platformEntry(name, version);
  }
}

const names = Object.keys(missing);
if (process.argv.includes('--check')) {
  for (const name of names) console.error(`package-lock.json lacks ${name}: run "node tooling/complete-lockfile.ts"`);
  process.exitCode = names.length === 0 ? 0 : 1;
} else if (names.length > 0) {
  lock.packages = Object.fromEntries(Object.entries({ ...lock.packages, ...missing }).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);
  console.log(`added ${names.length} entries to package-lock.json`);
}

function platformEntry(name: string, version: string): Entry {
  const systems = ['darwin', 'linux', 'win32', 'freebsd', 'openbsd', 'android', 'sunos', 'aix'];
  const processors = ['arm64', 'x64', 'ia32', 'arm', 'ppc64', 's390x', 'riscv64', 'loong64'];
  const words = name.split(/[-/@]/);
  const os = systems.filter((system) => words.includes(system) || (system === 'win32' && words.includes('win')));
  const cpu = processors.filter((processor) => words.includes(processor));
  return { version: version.replace(/^[\^~]/, ''), optional: true, ...(os.length > 0 ? { os } : {}), ...(cpu.length > 0 ? { cpu } : {}) };
}
