import { LakesteadError, type SourcePlace } from '#core';

import { isArray, isObject, type Value, type ValueObject } from '../expression/index.ts';
import type { Activity, ActivityPolicy, Dependency, DependencyCondition, ParameterDefinition, Reference } from './factory.ts';

/** Reads parts of a JSON file, and says where something is wrong. */
export type JsonReader = { readonly file: string; readonly placeOf: (path: readonly (string | number)[]) => SourcePlace | undefined };

export type JsonPath = readonly (string | number)[];

/** The error that a part of a file is not what Data Factory takes. */
export function invalid(reader: JsonReader, path: JsonPath, problem: string, hint?: string): LakesteadError {
  let place: SourcePlace | undefined;
  for (let length = path.length; length >= 0 && place === undefined; length -= 1) place = reader.placeOf(path.slice(0, length));
  return new LakesteadError(
    'FACTORY_INVALID',
    `${reader.file}${place?.line === undefined ? '' : `:${place.line}:${place.column}`}: ${problem}`,
    {
      place: place ?? { file: reader.file },
      hint: hint ?? 'correct the JSON; "lakestead validate" checks all files',
    },
  );
}

export function readObject(reader: JsonReader, value: Value | undefined, path: JsonPath, what: string): ValueObject {
  if (value === undefined || value === null) return {};
  if (isObject(value)) return value;
  throw invalid(reader, path, `${what} must be an object`);
}

export function readText(reader: JsonReader, value: Value | undefined, path: JsonPath, what: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw invalid(reader, path, `${what} must be a text`);
}

function readList(reader: JsonReader, value: Value | undefined, path: JsonPath, what: string): readonly Value[] {
  if (value === undefined || value === null) return [];
  if (isArray(value)) return value;
  throw invalid(reader, path, `${what} must be an array`);
}

/** `{name: {type, defaultValue}}` of parameters and variables. */
export function readParameters(reader: JsonReader, value: Value | undefined, path: JsonPath): Record<string, ParameterDefinition> {
  return Object.fromEntries(
    Object.entries(readObject(reader, value, path, 'parameters')).map(([name, definition]) => {
      const { type, defaultValue } = readObject(reader, definition, [...path, name], `the parameter ${name}`);
      return [name, { type: typeof type === 'string' ? type : 'string', defaultValue }];
    }),
  );
}

/** Activities of a pipeline, a loop or a branch. */
export function parseActivities(reader: JsonReader, value: Value | undefined, path: JsonPath): readonly Activity[] {
  const activities = readList(reader, value, path, 'activities').map((one, index) => parseActivity(reader, one, [...path, index]));
  const names = new Set<string>();
  for (const { name, path: at } of activities) {
    if (names.has(name.toLowerCase())) throw invalid(reader, at, `two activities are called '${name}'`);
    names.add(name.toLowerCase());
  }
  return activities;
}

function parseActivity(reader: JsonReader, value: Value, path: JsonPath): Activity {
  const json = readObject(reader, value, path, 'an activity');
  const name = readText(reader, json['name'], path, 'the name of an activity');
  const typeProperties = readObject(reader, json['typeProperties'], [...path, 'typeProperties'], 'typeProperties');
  const marked = json['onInactiveMarkAs'];
  return {
    name,
    type: readText(reader, json['type'], path, `the type of the activity '${name}'`),
    dependsOn: readList(reader, json['dependsOn'], [...path, 'dependsOn'], 'dependsOn').map((one, index) =>
      parseDependency(reader, one, [...path, 'dependsOn', index]),
    ),
    typeProperties,
    policy: parsePolicy(reader, json['policy'], [...path, 'policy']),
    linkedService: json['linkedServiceName']
      ? parseReference(reader, json['linkedServiceName'], [...path, 'linkedServiceName'])
      : undefined,
    inputs: readList(reader, json['inputs'], [...path, 'inputs'], 'inputs').map((one, index) =>
      parseReference(reader, one, [...path, 'inputs', index]),
    ),
    outputs: readList(reader, json['outputs'], [...path, 'outputs'], 'outputs').map((one, index) =>
      parseReference(reader, one, [...path, 'outputs', index]),
    ),
    inactiveAs: json['state'] === 'Inactive' ? (marked === 'Failed' || marked === 'Skipped' ? marked : 'Succeeded') : undefined,
    place: reader.placeOf(path) ?? { file: reader.file },
    path,
    json,
  };
}

const conditions: readonly DependencyCondition[] = ['Succeeded', 'Failed', 'Skipped', 'Completed'];

function parseDependency(reader: JsonReader, value: Value, path: JsonPath): Dependency {
  const json = readObject(reader, value, path, 'a dependency');
  const listed = readList(reader, json['dependencyConditions'], [...path, 'dependencyConditions'], 'dependencyConditions').map((one) => {
    const found = conditions.find((condition) => condition === one);
    if (found === undefined)
      throw invalid(reader, path, `there is no dependency condition ${JSON.stringify(one)}`, `conditions: ${conditions.join(', ')}`);
    return found;
  });
  return {
    activity: readText(reader, json['activity'], path, 'the activity of a dependency'),
    conditions: listed.length === 0 ? ['Succeeded'] : listed,
  };
}

function parsePolicy(reader: JsonReader, value: Value | undefined, path: JsonPath): ActivityPolicy {
  const json = readObject(reader, value, path, 'policy');
  const whole = (key: string, fallback: number) => {
    const one = json[key];
    return typeof one === 'bigint' ? Number(one) : fallback;
  };
  const timeout = json['timeout'];
  return {
    timeoutMs:
      typeof timeout === 'string' && !timeout.startsWith('@')
        ? parseTimeSpan(timeout, (problem) => invalid(reader, [...path, 'timeout'], problem))
        : 12 * 3_600_000,
    retry: whole('retry', 0),
    retryIntervalMs: whole('retryIntervalInSeconds', 30) * 1000,
    secureInput: json['secureInput'] === true,
    secureOutput: json['secureOutput'] === true,
  };
}

/** `7.00:00:00`, `0.12:00:00` or `02:00:00` in milliseconds. */
export function parseTimeSpan(text: string, fail: (problem: string) => Error): number {
  const match = /^(?:(\d+)\.)?(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.\d+)?$/.exec(text);
  if (match === null) throw fail(`"${text}" is no time span: write d.hh:mm:ss`);
  const [, days = '0', hours = '0', minutes = '0', seconds = '0'] = match;
  return (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

export function referenceName(reader: JsonReader, value: Value | undefined, path: JsonPath): string | undefined {
  if (value === undefined || value === null) return undefined;
  return readText(reader, readObject(reader, value, path, 'a reference')['referenceName'], path, 'referenceName');
}

/** `{referenceName, parameters}` of a dataset or linked service. */
export function parseReference(reader: JsonReader, value: Value | undefined, path: JsonPath): Reference {
  const json = readObject(reader, value, path, 'a reference');
  return {
    name: readText(reader, json['referenceName'], path, 'referenceName'),
    parameters: readObject(reader, json['parameters'], [...path, 'parameters'], 'parameters'),
  };
}
