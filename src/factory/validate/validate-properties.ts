import { nearMisses } from '#core';

import { isObject, type Value, type ValueObject } from '../expression/index.ts';
import type { PlaceOf } from '../load/factory.ts';
import type { JsonPath } from '../load/parse-activity.ts';
import { findProperties, otherProperties, type PropertyUse, supportedTypes } from '../properties.ts';
import type { Report } from './report.ts';

/** Each property of an object acts, is known to have no effect here, or is refused by name. */
export function checkProperties(
  object: ValueObject,
  use: PropertyUse,
  what: string,
  path: JsonPath,
  placeOf: PlaceOf,
  report: Report,
): void {
  for (const { name, isKnown } of otherProperties(object, use)) {
    const place = placeOf([...path, name]);
    if (isKnown) {
      report.say('info', 'FACTORY_UNSUPPORTED', `${name} has no effect here`, place);
      continue;
    }
    const near = nearMisses(name, use.acts);
    report.say(
      'error',
      'FACTORY_UNSUPPORTED',
      `the property ${name} of ${what} is not supported`,
      place,
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : use.acts.length > 0 ? `supported: ${use.acts.join(', ')}` : 'take it out',
    );
  }
}

/** Objects of the JSON that hold objects with a type of their own. */
const nested = ['storeSettings', 'formatSettings', 'location'];

/**
 * A source, a sink, a translator: an object whose `type` says what acts in it.
 *
 * @param suffix what the names of such types end in, for the list of those that are supported
 */
export function checkTypedObject(value: Value | undefined, suffix: string, path: JsonPath, placeOf: PlaceOf, report: Report): void {
  if (!isObject(value)) return;
  const { type } = value;
  if (typeof type !== 'string' || type.startsWith('@') || type === 'Expression') return;
  const use = findProperties(type);
  if (use === undefined) {
    const known = supportedTypes(suffix);
    const near = nearMisses(type, known);
    report.say(
      'error',
      'FACTORY_UNSUPPORTED',
      `${type} is not supported`,
      placeOf([...path, 'type']),
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `supported: ${known.join(', ')}`,
    );
    return;
  }
  checkProperties(value, use, type, path, placeOf, report);
  for (const key of nested) {
    const inner = value[key];
    if (isObject(inner) && typeof inner['type'] === 'string')
      checkTypedObject(inner, inner['type'].replace(/^.*?(?=[A-Z][a-z]+Settings$|Location$)/, ''), [...path, key], placeOf, report);
  }
}
