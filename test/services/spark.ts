import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { follow, installPython, servicesFolder } from './python.ts';
import { type PythonSession, startPython } from './python-session.ts';

const version = '4.4.0';
const folder = join(servicesFolder, `delta-jars-${version}`);
const pom = fileURLToPath(new URL('pom-delta.xml', import.meta.url));

/** The folder with Delta's jars (`delta-*.jar`) for PySpark's class path; `undefined` when not installed. */
export function findDeltaJars(): string | undefined {
  return existsSync(folder) ? folder : undefined;
}

/** Installs PySpark with pip and Delta's jars with Maven; needs Java 17 on the machine. */
async function installSpark(): Promise<void> {
  await installPython();
  if (findDeltaJars() !== undefined) return;
  const partial = `${folder}.${process.pid}`;
  mkdirSync(servicesFolder, { recursive: true });
  await follow(
    'mvn',
    ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${partial}`],
    servicesFolder,
  );
  // A folder with the final name is complete.
  if (existsSync(folder)) rmSync(partial, { recursive: true });
  else renameSync(partial, folder);
}

/** Starts Python with a Spark session, `spark`, that knows Delta (about 8 seconds): keep it for many checks. `undefined` when it is not installed. */
export async function startSpark(): Promise<PythonSession | undefined> {
  const jars = findDeltaJars();
  if (jars === undefined) return undefined;
  const names = readdirSync(jars).filter((name) => name.startsWith('delta-') && name.endsWith('.jar')); // the others are Spark's already
  return await startPython([names.map((name) => join(jars, name)).join(',')]);
}

if (import.meta.main) {
  await installSpark();
  process.stdout.write(`${findDeltaJars() ?? ''}\n`);
}
