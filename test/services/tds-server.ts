import { createServer, type Server, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

import { done, errorMessage, loginAccepted } from './tds-tokens.ts';

/** What came over a connection: a batch's text, or the name and bytes of a procedure call. */
type TdsRequest = { readonly kind: 'batch' | 'rpc'; readonly text: string; readonly bytes: Buffer };

/** What is sent for a request: bytes at once, or piece by piece. */
type TdsAnswer = Buffer | AsyncIterable<Buffer>;

export type TdsServerOptions = {
  readonly answer: (request: TdsRequest) => TdsAnswer;
  /** Tokens instead of an accepted login: errors 18456, 4060 and their kind. */
  readonly refuseLogin?: readonly Buffer[];
  /** Bytes of a packet with its header. Small ones cut every value in pieces. */
  readonly packetSize?: number;
  /** With it the server encrypts by the handshake inside of PRELOGIN packets. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** It never answers the first packet. */
  readonly silent?: boolean;
};

export type TdsServer = AsyncDisposable & {
  readonly port: number;
  readonly requests: readonly TdsRequest[];
  /** Attentions that came, that is statements that a client cancelled. */
  readonly attentions: () => number;
  /** Bytes of answers that the clients have let through. */
  readonly bytesSent: () => number;
};

const [batchPacket, rpcPacket, answerPacket, attentionPacket, transactionPacket, loginPacket, preloginPacket] = [1, 3, 4, 6, 14, 16, 18];

/** A server of TDS 7.4 on loopback that answers what its test says. It keeps no data and understands no SQL. */
export async function startTdsServer(options: TdsServerOptions): Promise<TdsServer> {
  const requests: TdsRequest[] = [];
  const sockets = new Set<Socket>();
  let attentions = 0;
  let bytesSent = 0;
  const packetSize = options.packetSize ?? 4096;

  const serve = (socket: Socket): void => {
    let wire: Duplex = socket;
    let cancelled = false;
    let isAnswering = false;
    let message: Buffer[] = [];
    const send = async (type: number, payload: Buffer, isLast = true): Promise<void> => {
      for (let start = 0; start === 0 || start < payload.length; start += packetSize - 8) {
        const part = payload.subarray(start, start + packetSize - 8);
        const end = isLast && start + packetSize - 8 >= payload.length;
        const header = Buffer.from([type, end ? 1 : 0, (part.length + 8) >> 8, (part.length + 8) & 0xff, 0, 0, 1, 0]);
        if (wire.destroyed) return;
        bytesSent += part.length + 8;
        if (!wire.write(Buffer.concat([header, part]))) {
          await new Promise<void>((resolve) => {
            const go = () => {
              wire.off('drain', go).off('close', go);
              resolve();
            };
            wire.on('drain', go).on('close', go);
          });
        }
      }
    };
    const answer = async (request: TdsRequest): Promise<void> => {
      requests.push(request);
      cancelled = false;
      isAnswering = true;
      const told = options.answer(request);
      if (Buffer.isBuffer(told)) await send(answerPacket, told);
      else {
        for await (const piece of told) {
          if (cancelled || wire.destroyed) return;
          await send(answerPacket, piece, false);
        }
        if (!cancelled) await send(answerPacket, Buffer.alloc(0));
      }
      isAnswering = false;
    };
    const handle = async (type: number, payload: Buffer): Promise<void> => {
      if (type === preloginPacket) {
        if (options.silent === true) return;
        await send(answerPacket, preloginAnswer(options.tls !== undefined));
        if (options.tls !== undefined) wire = encrypted(socket, options.tls, onData);
      } else if (type === loginPacket) {
        await send(
          answerPacket,
          options.refuseLogin === undefined
            ? loginAccepted('master', packetSize)
            : Buffer.concat([...options.refuseLogin, done(0, { failed: true })]),
        );
      } else if (type === attentionPacket) {
        attentions += 1;
        cancelled = true;
        // The cancelled answer is ended, then the attention is acknowledged in a message of its own.
        if (isAnswering) await send(answerPacket, done(0, { failed: true }));
        isAnswering = false;
        await send(answerPacket, done(0, { attention: true }));
      } else if (type === batchPacket) {
        const headers = payload.readUInt32LE(0);
        const text = payload.subarray(headers).toString('utf16le');
        // Drivers set their session up first.
        if (/^\s*(?:set|use) /i.test(text)) await send(answerPacket, done());
        else await answer({ kind: 'batch', text, bytes: payload });
      } else if (type === transactionPacket) {
        // A driver that ends a transaction when it closes: there is none.
        await send(answerPacket, done());
      } else if (type === rpcPacket) {
        const body = payload.subarray(payload.readUInt32LE(0));
        const length = body.readUInt16LE(0);
        await answer({ kind: 'rpc', text: body.subarray(2, 2 + length * 2).toString('utf16le'), bytes: payload });
      } else await send(answerPacket, Buffer.concat([errorMessage(17_805, `packet of type ${type}`), done(0, { failed: true })]));
    };
    let pending = Buffer.alloc(0);
    function onData(data: Buffer): void {
      pending = Buffer.concat([pending, data]);
      while (pending.length >= 8 && pending.length >= pending.readUInt16BE(2)) {
        const length = pending.readUInt16BE(2);
        const [type = 0, status = 0] = pending;
        message.push(pending.subarray(8, length));
        pending = pending.subarray(length);
        if ((status & 1) === 0) continue;
        const payload = Buffer.concat(message);
        message = [];
        handle(type, payload).catch(() => wire.destroy());
      }
    }
    socket.on('data', (data: Buffer) => {
      if (wire === socket) onData(data);
    });
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };

  const server: Server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    requests,
    attentions: () => attentions,
    bytesSent: () => bytesSent,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Version and encryption (0 off, 1 on, 2 not supported, 3 required), each by offset and length, then the values. */
function preloginAnswer(encrypts: boolean): Buffer {
  return Buffer.from([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 0x10, 0, 0, 0, encrypts ? 3 : 2]);
}

/** TLS whose handshake travels in PRELOGIN packets and whose data afterwards does not (MS-TDS 2.2.6.5). */
function encrypted(socket: Socket, { key, cert }: { key: string; cert: string }, onData: (data: Buffer) => void): Duplex {
  let isHandshake = true;
  let pending = Buffer.alloc(0);
  const inner = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, callback) => {
      const header = Buffer.from([preloginPacket, 1, (chunk.length + 8) >> 8, (chunk.length + 8) & 0xff, 0, 0, 1, 0]);
      socket.write(isHandshake ? Buffer.concat([header, chunk]) : chunk, () => callback());
    },
  });
  socket.on('data', (data: Buffer) => {
    // A record of TLS begins with 0x14 to 0x17, a packet of the handshake with 0x12.
    if (!isHandshake || (pending.length === 0 && data[0] !== preloginPacket)) return void inner.push(data);
    pending = Buffer.concat([pending, data]);
    while (pending.length >= 8 && pending.length >= pending.readUInt16BE(2)) {
      const length = pending.readUInt16BE(2);
      inner.push(pending.subarray(8, length));
      pending = pending.subarray(length);
    }
  });
  socket.on('close', () => inner.destroy());
  const secure = new TLSSocket(inner, { isServer: true, key, cert, maxVersion: 'TLSv1.2' });
  secure.on('error', () => socket.destroy());
  secure.on('secure', () => {
    // What the handshake still writes in this turn belongs in its packets.
    setImmediate(() => (isHandshake = false));
  });
  secure.on('data', onData);
  return secure;
}
