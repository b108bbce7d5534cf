import { type ConfigValue, SecretReference } from '#config';
import { Secret } from '#core';

import type { Vault } from './vault.ts';

/** A value of the configuration with no reference left in it: what a connector opens with. */
export type ResolvedValue =
  | string
  | number
  | boolean
  | null
  | Secret
  | readonly ResolvedValue[]
  | { readonly [key: string]: ResolvedValue };

/**
 * Opens a reference: the text with its secrets in place.
 *
 * @throws {LakesteadError} `SECRET_NOT_FOUND`, `VAULT_UNREADABLE`
 */
export async function resolveSecret(reference: SecretReference, vault: Vault): Promise<Secret> {
  const secrets = new Map<string, Secret>();
  for (const name of reference.names) secrets.set(name, await vault.get(name));
  return reference.resolve((name) => secrets.get(name) ?? new Secret('', name));
}

/** {@link resolveSecret} for every reference inside a value. Reads the vault only when there is one. */
export async function resolveSecrets(value: ConfigValue, vault: Vault): Promise<ResolvedValue> {
  if (value instanceof SecretReference) return await resolveSecret(value, vault);
  if (value instanceof Secret || typeof value !== 'object' || value === null) return value;
  if (isList(value)) return await Promise.all(value.map(async (item) => await resolveSecrets(item, vault)));
  const entries = Object.entries(value).map(async ([key, item]) => [key, await resolveSecrets(item, vault)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

// Array.isArray does not narrow readonly arrays.
function isList(value: ConfigValue): value is readonly ConfigValue[] {
  return Array.isArray(value);
}
