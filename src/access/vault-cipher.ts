import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

import { z } from 'zod';

const base64 = z.base64();

/** One encrypted value: AES-256-GCM, a random nonce each time. */
export const sealedSchema = z.strictObject({ nonce: base64, data: base64, tag: base64 });
export type Sealed = z.infer<typeof sealedSchema>;

/** Encrypts `text`; `label` is authenticated with it, so that a value cannot stand in another one's place. */
export function seal(key: Buffer, label: string, text: string): Sealed {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(label));
  const data = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return { nonce: nonce.toString('base64'), data: data.toString('base64'), tag: cipher.getAuthTag().toString('base64') };
}

/** The text again; `undefined` when the key, the label or a byte is not that of {@link seal}. */
export function unseal(key: Buffer, label: string, { nonce, data, tag }: Sealed): string | undefined {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64'), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(label)).setAuthTag(Buffer.from(tag, 'base64'));
    return Buffer.concat([decipher.update(Buffer.from(data, 'base64')), decipher.final()]).toString('utf8');
  } catch {
    // OpenSSL says only that it does not fit; the caller names the file and the record.
    return undefined;
  }
}
