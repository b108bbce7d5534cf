import { Secret } from '#core';

/** A piece of a string value: text, or a reference. */
type Part = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'env' | 'secret'; readonly name: string };

/** What came of a string's `${env:NAME}` references. */
export type ResolvedText =
  | { readonly kind: 'plain'; readonly text: string; readonly usesEnvironment: boolean }
  | { readonly kind: 'secret'; readonly reference: SecretReference }
  | { readonly kind: 'missing'; readonly name: string }
  | { readonly kind: 'malformed'; readonly text: string };

const hidden = new WeakMap<SecretReference, readonly Part[]>();

/** A string with `${secret:name}` in it that nobody has opened yet. Prints as it was written. */
export class SecretReference {
  /** As written in `lakestead.yaml`. */
  readonly text: string;
  /** The secrets it needs. */
  readonly names: readonly string[];

  constructor(text: string, parts: readonly Part[]) {
    this.text = text;
    this.names = [...new Set(parts.flatMap((part) => (part.kind === 'secret' ? [part.name] : [])))];
    // Values of environment variables may stand beside the secret, so the parts are not to be seen either.
    hidden.set(this, parts);
  }

  /** The whole text with each secret in its place. `secrets` throws for one that is not there. */
  resolve(secrets: (name: string) => Secret): Secret {
    const parts = hidden.get(this) ?? [];
    const text = parts.map((part) => (part.kind === 'text' ? part.text : secrets(part.name).reveal())).join('');
    return new Secret(text, this.names.map((name) => `secret:${name}`).join(', '));
  }

  toString(): string {
    return this.text;
  }

  toJSON(): string {
    return this.text;
  }
}

/** Replaces `${env:NAME}` by its value; `$${` stands for `${` itself. Secrets stay references. */
export function resolveText(text: string, environmentVariables: Readonly<Record<string, string | undefined>>): ResolvedText {
  const parts: Part[] = [];
  let usesEnvironment = false;
  let start = 0;
  for (const match of text.matchAll(/\$\$\{|\$\{(?:(env|secret):([A-Za-z0-9_.-]+)\}|([^}]*)\}?)/g)) {
    const [whole, kind, name, other] = match;
    if (other !== undefined) return { kind: 'malformed', text: whole };
    parts.push({ kind: 'text', text: text.slice(start, match.index) + (name === undefined ? '${' : '') });
    start = match.index + whole.length;
    if (name === undefined) continue;
    if (kind === 'secret') {
      parts.push({ kind, name });
      continue;
    }
    const value = environmentVariables[name];
    if (value === undefined) return { kind: 'missing', name };
    usesEnvironment = true;
    parts.push({ kind: 'text', text: value });
  }
  parts.push({ kind: 'text', text: text.slice(start) });
  if (parts.some((part) => part.kind === 'secret')) return { kind: 'secret', reference: new SecretReference(text, parts) };
  return { kind: 'plain', text: parts.map((part) => (part.kind === 'text' ? part.text : '')).join(''), usesEnvironment };
}
