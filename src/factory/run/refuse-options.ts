import { LakesteadError, nearMisses } from '#core';

import { isObject, type Value } from '../expression/index.ts';
import { findProperties, otherProperties, type PropertyUse } from '../properties.ts';

/**
 * Refuses settings that would be without effect here: an option that is ignored gives other bytes than Azure would.
 *
 * @param uses the type that the object has, or what acts in an object without a type
 * @throws FACTORY_UNSUPPORTED with the option's name
 */
export function refuseOthers(settings: Value | undefined, uses: string | PropertyUse, what: string): void {
  if (!isObject(settings)) return;
  const use = typeof uses === 'string' ? (findProperties(uses) ?? { acts: [], known: [] }) : uses;
  const refused = otherProperties(settings, use).find(({ isKnown }) => !isKnown);
  if (refused === undefined) return;
  const near = nearMisses(refused.name, use.acts);
  throw new LakesteadError('FACTORY_UNSUPPORTED', `the property ${refused.name} of ${what} is not supported`, {
    hint:
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : use.acts.length === 0 ? 'take it out' : `supported: ${use.acts.join(', ')}`,
    data: { property: refused.name },
  });
}
