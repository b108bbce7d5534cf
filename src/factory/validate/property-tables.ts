import { typedObjects } from '../properties.ts';
import { activityTypes, linkedServiceProperties, linkedServiceTypes } from './activity-types.ts';
import { envelopes, otherShapes, triggerShapes } from './shapes.ts';

/** The properties of one type, as its page of the reference shows them. All others are refused by name. */
export type KindOfProperties = {
  readonly kind: string;
  readonly type: string;
  readonly acts: readonly string[];
  readonly withoutEffect: readonly string[];
};

/** What `annotations` and their like are in each part of a factory. */
const idle = ['annotations', 'concurrency', 'connectVia', 'policy', 'runDimensions', 'structure'];

/** Every property that is known, in the order of the tables that validation uses. */
export function propertyTables(): readonly KindOfProperties[] {
  const around = Object.entries(envelopes).map(([type, shape]): KindOfProperties => {
    const names = Object.keys(shape);
    const withoutEffect = type === 'activity' ? [] : names.filter((name) => idle.includes(name));
    return { kind: 'around typeProperties', type, acts: names.filter((name) => !withoutEffect.includes(name)), withoutEffect };
  });
  const activities = Object.entries(activityTypes).map(([type, { acts, known }]): KindOfProperties => ({
    kind: 'activities',
    type,
    acts,
    withoutEffect: known,
  }));
  const objects = Object.entries(typedObjects).map(([type, { acts, known }]): KindOfProperties => ({
    kind: 'sources, sinks, settings, datasets, locations',
    type,
    acts,
    withoutEffect: known.filter((name) => name !== 'type'),
  }));
  const services = linkedServiceTypes.map((type): KindOfProperties => {
    const use = linkedServiceProperties(type);
    return { kind: 'linked services', type, acts: use?.acts ?? [], withoutEffect: use?.known ?? [] };
  });
  const triggers = Object.entries(triggerShapes).map(([type, shape]): KindOfProperties => ({
    kind: 'triggers (checked, not fired yet)',
    type,
    acts: Object.keys(shape),
    withoutEffect: [],
  }));
  const others = Object.entries(otherShapes).map(([type, shape]): KindOfProperties => {
    const acts = type === 'factory' ? ['globalParameters'] : [];
    return { kind: 'other files', type, acts, withoutEffect: Object.keys(shape).filter((name) => !acts.includes(name)) };
  });
  return [...around, ...activities, ...objects, ...services, ...triggers, ...others];
}
