import { LakesteadError } from '#core';

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';
const digits = new Map(alphabet.split('').map((character, value) => [character, value]));

/** Bytes from Z85 text (ZeroMQ RFC 32), whose length is a multiple of five. Throws `DELTA_CORRUPT`. */
export function decodeZ85(text: string, where: string): Uint8Array {
  const bytes = Buffer.alloc((text.length / 5) * 4);
  for (let at = 0; at < text.length; at += 5) {
    let word = 0;
    for (const character of text.slice(at, at + 5)) word = word * 85 + (digits.get(character) ?? Number.NaN);
    if (!(word <= 0xffffffff) || text.length % 5 !== 0) throw new LakesteadError('DELTA_CORRUPT', `${where} is no text in Z85`);
    bytes.writeUInt32BE(word, (at / 5) * 4);
  }
  return bytes;
}

/** Z85 text of bytes, whose number is a multiple of four: the inverse of {@link decodeZ85}. */
export function encodeZ85(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    let word = view.getUint32(at);
    let part = '';
    for (let digit = 0; digit < 5; digit += 1) {
      part = (alphabet[word % 85] ?? '') + part;
      word = Math.floor(word / 85);
    }
    text += part;
  }
  return text;
}
