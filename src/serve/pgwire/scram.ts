import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(pbkdf2);
const iterations = 4096;
const keyBytes = 32;

/**
 * A password as PostgreSQL keeps it (RFC 5803): `SCRAM-SHA-256$4096:<salt>$<stored key>:<server key>`. The password cannot be told
 * from it, and knowing it is not enough to log in.
 */
export async function makeVerifier(password: string): Promise<string> {
  const salt = randomBytes(16);
  const salted = await derive(prepare(password), salt, iterations, keyBytes, 'sha256');
  const storedKey = sha256(hmac(salted, 'Client Key'));
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey.toString('base64')}:${hmac(salted, 'Server Key').toString('base64')}`;
}

type Verifier = { readonly iterations: number; readonly salt: Buffer; readonly storedKey: Buffer; readonly serverKey: Buffer };

function parseVerifier(text: string): Verifier | undefined {
  const [, count, salt, stored, server] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)$/.exec(text) ?? [];
  if (count === undefined || salt === undefined || stored === undefined || server === undefined) return undefined;
  const [storedKey, serverKey] = [Buffer.from(stored, 'base64'), Buffer.from(server, 'base64')];
  if (storedKey.length !== keyBytes || serverKey.length !== keyBytes) return undefined;
  return { iterations: Number(count), salt: Buffer.from(salt, 'base64'), storedKey, serverKey };
}

/** SASLprep (RFC 4013) as far as it changes a text; one that it forbids is taken as it is, as PostgreSQL does. */
function prepare(password: string): string {
  const kept = Array.from(password).filter((char) => !isDropped(char.codePointAt(0) ?? 0));
  return kept
    .join('')
    .replaceAll(/[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000]/g, ' ')
    .normalize('NFKC');
}

/** What RFC 3454 maps to nothing: hyphens that may break, joiners, selectors of variants. */
function isDropped(point: number): boolean {
  if ((point >= 0x18_0b && point <= 0x18_0d) || (point >= 0xfe_00 && point <= 0xfe_0f)) return true;
  return [0xad, 0x3_4f, 0x18_06, 0x20_0c, 0x20_0d, 0x20_60, 0xfe_ff].includes(point);
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

export type ScramOptions = {
  /** `undefined` for a user that does not exist: the exchange goes on all the same, so that nobody learns who does. */
  readonly verifier: string | undefined;
  /** With TLS: the hash of the server's certificate (`tls-server-end-point`, RFC 5929). */
  readonly channelBinding: Buffer | undefined;
  readonly mechanism: string;
};

/** The server's side of one SCRAM-SHA-256 exchange (RFC 5802, RFC 7677). */
export class ScramExchange {
  readonly #known: Verifier;
  readonly #exists: boolean;
  readonly #channelBinding: Buffer | undefined;
  readonly #isBound: boolean;
  #clientFirst = '';
  #header = '';
  #serverFirst = '';

  constructor({ verifier, channelBinding, mechanism }: ScramOptions, secret: Buffer, user: string) {
    const parsed = verifier === undefined ? undefined : parseVerifier(verifier);
    this.#exists = parsed !== undefined;
    // A made-up user has the same salt each time, as a real one has.
    this.#known = parsed ?? {
      iterations,
      salt: hmac(secret, user).subarray(0, 16),
      storedKey: randomBytes(keyBytes),
      serverKey: randomBytes(keyBytes),
    };
    this.#channelBinding = channelBinding;
    this.#isBound = mechanism === 'SCRAM-SHA-256-PLUS';
  }

  /** The answer to the client's first message; `undefined` for one that is none. */
  first(message: string): string | undefined {
    const [, flag, header, bare, nonce] = /^((?:p=tls-server-end-point|[ny]),((?:a=[^,]*)?),)(n=[^,]*,r=([!-+\--~]+)(?:,.*)?)$/.exec(message)?.map((part) => part) ?? []; // prettier-ignore
    if (flag === undefined || bare === undefined || nonce === undefined || header === undefined) return undefined;
    const asksForBinding = flag.startsWith('p');
    if (asksForBinding !== this.#isBound) return undefined;
    // "y" says that the server offered none: where it did, somebody stood between.
    if (flag.startsWith('y') && this.#channelBinding !== undefined) return undefined;
    this.#header = flag;
    this.#clientFirst = bare;
    const { salt, iterations: count } = this.#known;
    this.#serverFirst = `r=${nonce}${randomBytes(18).toString('base64')},s=${salt.toString('base64')},i=${count}`;
    return this.#serverFirst;
  }

  /** The answer to the client's proof; `undefined` where it does not prove the password. */
  last(message: string): string | undefined {
    const [, withoutProof, binding, nonce, proofText] = /^(c=([^,]+),r=([^,]+)),p=([^,]+)$/.exec(message) ?? [];
    if (withoutProof === undefined || binding === undefined || nonce === undefined || proofText === undefined) return undefined;
    const expected = Buffer.concat([
      Buffer.from(this.#header),
      this.#isBound ? (this.#channelBinding ?? Buffer.alloc(0)) : Buffer.alloc(0),
    ]);
    const isSameChannel = Buffer.from(binding, 'base64').equals(expected);
    const isSameNonce = this.#serverFirst.startsWith(`r=${nonce},`);
    const signed = `${this.#clientFirst},${this.#serverFirst},${withoutProof}`;
    const signature = hmac(this.#known.storedKey, signed);
    const proof = Buffer.from(proofText, 'base64');
    if (proof.length !== keyBytes) return undefined;
    const clientKey = Buffer.from(proof.map((byte, index) => byte ^ (signature[index] ?? 0)));
    const isProven = timingSafeEqual(sha256(clientKey), this.#known.storedKey);
    if (!(isProven && this.#exists && isSameChannel && isSameNonce)) return undefined;
    return `v=${hmac(this.#known.serverKey, signed).toString('base64')}`;
  }
}
