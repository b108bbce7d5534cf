import type { Settings } from './settings.ts';
import type { Statement } from './split-statements.ts';

/** A statement about a setting that the session keeps. */
export type SettingStatement =
  | { readonly kind: 'set'; readonly name: string; readonly value: string }
  | { readonly kind: 'show'; readonly name: string }
  | { readonly kind: 'reset'; readonly name?: string };

/** `SET`, `SHOW` and `RESET` of one of PostgreSQL's settings; `undefined` for any other statement, and for settings of the engine. */
export function parseSetting({ text, words }: Statement, settings?: Settings): SettingStatement | undefined {
  const [first] = words;
  const isKnown = (name: string) => settings === undefined || settings.has(name);
  if (first === 'SHOW') {
    const [, name] = /^\s*show\s+("?[\w.]+"?)\s*$/i.exec(text) ?? [];
    const plain = /^\s*show\s+transaction\s+isolation\s+level\s*$/i.test(text) ? 'transaction_isolation' : /^\s*show\s+time\s+zone\s*$/i.test(text) ? 'timezone' : name?.replaceAll('"', ''); // prettier-ignore
    return plain !== undefined && (plain.toLowerCase() === 'all' || isKnown(plain)) ? { kind: 'show', name: plain } : undefined;
  }
  if (first === 'RESET') {
    const [, name] = /^\s*reset\s+("?[\w.]+"?)\s*$/i.exec(text) ?? [];
    if (name?.toLowerCase() === 'all') return { kind: 'reset' };
    return name !== undefined && isKnown(name.replaceAll('"', '')) ? { kind: 'reset', name: name.replaceAll('"', '') } : undefined;
  }
  if (first !== 'SET') return undefined;
  const zone = /^\s*set\s+(?:session\s+|local\s+)?time\s+zone\s+([\s\S]+)$/i.exec(text)?.[1];
  if (zone !== undefined) return { kind: 'set', name: 'timezone', value: zoneText(zone) };
  const names = /^\s*set\s+names\s+([\s\S]+)$/i.exec(text)?.[1];
  if (names !== undefined) return { kind: 'set', name: 'client_encoding', value: plainText(names) };
  const [, session, mode] = /^\s*set\s+(session\s+characteristics\s+as\s+)?(?:local\s+)?transaction\s+([\s\S]+)$/i.exec(text) ?? [];
  // Every transaction sees one state of the engine, which is more than any of the levels asks for but serializable.
  if (mode !== undefined) {
    const name = session === undefined ? 'transaction_read_only' : 'default_transaction_read_only';
    return { kind: 'set', name, value: /read\s+only/i.test(mode) ? 'on' : 'off' };
  }
  const [, name, value] = /^\s*set\s+(?:session\s+|local\s+)?("?[\w.]+"?)\s*(?:=|\bto\b)\s*([\s\S]+?)\s*$/i.exec(text) ?? [];
  if (name === undefined || value === undefined || !isKnown(name.replaceAll('"', ''))) return undefined;
  return /^default$/i.test(value)
    ? { kind: 'reset', name: name.replaceAll('"', '') }
    : { kind: 'set', name: name.replaceAll('"', ''), value: plainText(value) };
}

function plainText(value: string): string {
  return value
    .split(',')
    .map((part) => part.trim())
    .map((part) => (/^'(?:[^']|'')*'$/.test(part) ? part.slice(1, -1).replaceAll("''", "'") : part))
    .join(', ');
}

function zoneText(value: string): string {
  const text = value.trim();
  if (/^(?:local|default)$/i.test(text)) return 'UTC';
  return plainText(text.replace(/^interval\s+/i, '').replace(/\s+hour\s+to\s+minute$/i, ''));
}
