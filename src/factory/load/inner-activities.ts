import { isArray, isObject } from '../expression/index.ts';
import type { Activity, Pipeline } from './factory.ts';
import { parseActivities } from './parse-activity.ts';

/** The lists of activities inside an activity. */
export function innerActivities(activity: Activity, pipeline: Pipeline): readonly (readonly Activity[])[] {
  const { typeProperties, path } = activity;
  const reader = { file: pipeline.file, placeOf: pipeline.placeOf };
  const parse = (key: string) => parseActivities(reader, typeProperties[key], [...path, 'typeProperties', key]);
  switch (activity.type) {
    case 'ForEach':
    case 'Until':
      return [parse('activities')];
    case 'IfCondition':
      return [parse('ifTrueActivities'), parse('ifFalseActivities')];
    case 'Switch': {
      const cases = typeProperties['cases'];
      const lists = isArray(cases)
        ? cases.map((one, index) =>
            parseActivities(reader, isObject(one) ? one['activities'] : null, [...path, 'typeProperties', 'cases', index, 'activities']),
          )
        : [];
      return [...lists, parse('defaultActivities')];
    }
    default:
      return [];
  }
}

/** Activities that wait for each other in a circle, if any do. */
export function findCycle(activities: readonly Activity[]): readonly string[] | undefined {
  const byName = new Map(activities.map((activity) => [activity.name.toLowerCase(), activity]));
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]): readonly string[] | undefined => {
    const at = trail.indexOf(name);
    if (at >= 0) return [...trail.slice(at), name].map((one) => byName.get(one)?.name ?? one);
    if (done.has(name)) return undefined;
    for (const { activity } of byName.get(name)?.dependsOn ?? []) {
      const cycle = visit(activity.toLowerCase(), [...trail, name]);
      if (cycle !== undefined) return cycle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of byName.keys()) {
    const cycle = visit(name, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
