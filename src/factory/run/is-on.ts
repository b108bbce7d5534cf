import { LakesteadError } from '#core';

import { isObject, type Value } from '../expression/index.ts';

/**
 * A setting that is true or false, also as text, which Azure takes too.
 *
 * @throws FACTORY_INVALID for anything else: a wish that is not understood must not pass for false
 */
export function isOn(settings: Value | undefined, name: string, fallback = false): boolean {
  const value = isObject(settings) ? (settings[name] ?? fallback) : fallback;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string' && /^(?:true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  throw new LakesteadError('FACTORY_INVALID', `${name} must be true or false`);
}
