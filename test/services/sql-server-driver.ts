import { existsSync } from 'node:fs';

import { requireOrSkip } from './availability.ts';
import { type PythonSession, startPython } from './python-session.ts';
import { follow } from './python.ts';

// The one library of the system that Microsoft's driver, which comes with the package, does not bring.
const library = ['/usr/lib/x86_64-linux-gnu/libltdl.so.7', '/usr/lib/aarch64-linux-gnu/libltdl.so.7'];

const install = async (): Promise<void> => {
  if (library.some(existsSync) || process.getuid?.() !== 0) return;
  await follow('apt-get', ['update', '-q']);
  await follow('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'libltdl7']);
};

/** A Python with Microsoft's own ODBC driver for SQL Server; without it said aloud, and red where CI is set. */
export async function startSqlServerDriver(): Promise<PythonSession | undefined> {
  const session = library.some(existsSync) ? await startPython() : undefined;
  return requireOrSkip(
    "Microsoft's driver for SQL Server",
    session,
    'node test/services/python.ts && node test/services/sql-server-driver.ts',
  );
}

if (import.meta.main) await install();
