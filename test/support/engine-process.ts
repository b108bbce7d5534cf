import { serveEngine } from '#engine';

// An engine in a process of its own, spoken to over Node's IPC: the parent forks this file with `serialization: 'advanced'`.
await serveEngine(
  {
    post: (message) => process.send?.(message),
    listen: (receive, closed) => {
      process.on('message', receive);
      process.on('disconnect', closed);
    },
  },
  { threads: 2, memoryLimit: '512MB' },
);
