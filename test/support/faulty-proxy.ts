import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';

/**
 * What happens to one request: `pass` to the service; `lose` its answer after the service did it; `drop` it unseen;
 * `double` it, so that the answer is the second one's; `hang` without an answer; or answer with a status at once.
 */
type Fault =
  | 'pass'
  | 'lose'
  | 'drop'
  | 'double'
  | 'hang'
  | { readonly status: number; readonly code: string; readonly retryAfter?: number };

/** A proxy before an HTTP service of loopback that plays a bad network; stopped when disposed. */
export type FaultyProxy = AsyncDisposable & {
  /** The service's address through the proxy. */
  readonly endpoint: string;
  /** Decides each request's fate; default all pass. */
  decide: (request: { readonly method: string; readonly url: string }) => Fault | Promise<Fault>;
  /** `GET /path?query` of every request that came, in order. */
  readonly seen: string[];
};

/** Starts a proxy for the service at `target` (`http://127.0.0.1:port/...`). */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const { port: targetPort, pathname } = new URL(target);
  const seen: string[] = [];
  const server = createServer((incoming, outgoing) => {
    void serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const body = await bodyOf(incoming);
    const [method, url] = [incoming.method ?? 'GET', incoming.url ?? '/'];
    seen.push(`${method} ${url}`);
    const fault = await proxy.decide({ method, url });
    if (typeof fault === 'object') {
      outgoing.writeHead(fault.status, {
        'x-ms-error-code': fault.code,
        'content-type': 'application/xml',
        ...(fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) }),
      });
      outgoing.end(
        method === 'HEAD' ? undefined : `<?xml version="1.0"?><Error><Code>${fault.code}</Code><Message>played</Message></Error>`,
      );
      return;
    }
    if (fault === 'hang') return;
    if (fault === 'drop') {
      outgoing.destroy();
      return;
    }
    if (fault === 'double') await forward(Number(targetPort), incoming, body);
    const answer = await forward(Number(targetPort), incoming, body);
    if (fault === 'lose') {
      outgoing.destroy();
      return;
    }
    outgoing.writeHead(answer.status, answer.headers);
    outgoing.end(answer.body);
  };
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port');
  const proxy: FaultyProxy = {
    endpoint: `http://127.0.0.1:${address.port}${pathname}`,
    decide: () => 'pass',
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

async function bodyOf(stream: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(Buffer.from(piece as Uint8Array)); // no encoding is set: Buffers
  return Buffer.concat(pieces);
}

async function forward(port: number, { method, url, rawHeaders }: IncomingMessage, body: Buffer) {
  return await new Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path: url, headers: rawHeaders }, (answer) => {
      bodyOf(answer).then((content) => resolve({ status: answer.statusCode ?? 500, headers: answer.headers, body: content }), reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
