// The first thing of all: every running query of the engine holds one of libuv's threads, and four are not enough.
process.env['UV_THREADPOOL_SIZE'] ??= '32';

const { enableCompileCache } = await import('node:module');
enableCompileCache();
const { runCommandLine } = await import('./command-line.ts');
process.exit(await runCommandLine(process.argv.slice(2)));
