import { LakesteadError, nearMisses } from '#core';

import { findFunction, functions, isArray, isObject, type Node, parseText, referenceNames, type Value } from '../expression/index.ts';
import type { Activity, DatasetReference, Factory, FactoryFolder, Finding, Pipeline } from '../load/factory.ts';
import { findingOf } from '../load/load-factory.ts';
import { parseActivities, parseDatasetReference } from '../load/parse-activity.ts';
import { activityTypes, linkedServiceTypes } from './activity-types.ts';

/** What is wrong with a factory and what has no effect here, without running anything. */
export function validateFactory(factory: Factory): readonly Finding[] {
  return factory.folders.flatMap((folder) => [
    ...[...folder.pipelines.values()].flatMap((pipeline) => {
      try {
        return validatePipeline(pipeline, folder);
      } catch (error) {
        return [findingOf(error, pipeline.file)]; // JSON inside a loop or branch is read only here
      }
    }),
    ...[...folder.linkedServices.values()].flatMap((service) => {
      const known: Finding[] = linkedServiceTypes.includes(service.type)
        ? []
        : [
            {
              file: service.file,
              severity: 'warning',
              code: 'FACTORY_UNSUPPORTED',
              message: `linked services of type ${service.type} are not supported`,
            },
          ];
      const credential: Finding[] =
        'encryptedCredential' in service.typeProperties
          ? [
              {
                file: service.file,
                severity: 'info',
                code: 'FACTORY_UNSUPPORTED',
                message: 'encryptedCredential has no effect here: lakestead.yaml says what stands in',
              },
            ]
          : [];
      return [...known, ...credential];
    }),
    ...[...folder.datasets.values()].flatMap((dataset): Finding[] =>
      folder.linkedServices.has(dataset.linkedService.toLowerCase())
        ? []
        : [
            {
              file: dataset.file,
              severity: 'error',
              code: 'FACTORY_NOT_FOUND',
              message: `the dataset '${dataset.name}' refers to the linked service '${dataset.linkedService}', which is not there`,
            },
          ],
    ),
  ]);
}

type Scope = { readonly pipeline: Pipeline; readonly folder: FactoryFolder; readonly loops: readonly string[] };

/** The findings of one pipeline. */
function validatePipeline(pipeline: Pipeline, folder: FactoryFolder): readonly Finding[] {
  const findings = validateActivities(pipeline.activities, { pipeline, folder, loops: [] });
  const count = countActivities(pipeline.activities, pipeline);
  if (count > 120)
    findings.push({
      file: pipeline.file,
      severity: 'error',
      code: 'FACTORY_INVALID',
      message: `${count} activities: Azure takes 120 in a pipeline`,
    });
  return findings;
}

function countActivities(activities: readonly Activity[], pipeline: Pipeline): number {
  return activities.reduce(
    (sum, activity) => sum + 1 + innerActivities(activity, pipeline).reduce((inner, one) => inner + countActivities(one, pipeline), 0),
    0,
  );
}

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

function validateActivities(activities: readonly Activity[], scope: Scope): Finding[] {
  const names = activities.map(({ name }) => name);
  const cycle = findCycle(activities);
  const { pipeline } = scope;
  const first: Finding[] =
    cycle === undefined
      ? []
      : [
          {
            file: pipeline.file,
            severity: 'error',
            code: 'FACTORY_INVALID',
            message: `the activities ${cycle.join(' -> ')} wait for each other`,
          },
        ];
  return [...first, ...activities.flatMap((activity) => validateActivity(activity, names, scope))];
}

function validateActivity(activity: Activity, siblings: readonly string[], scope: Scope): Finding[] {
  const { pipeline, folder, loops } = scope;
  const findings: Finding[] = [];
  const say = (severity: Finding['severity'], code: string, message: string, line = activity.place.line, hint?: string) =>
    findings.push({
      file: pipeline.file,
      severity,
      code,
      message,
      activity: activity.name,
      ...(line === undefined ? {} : { line }),
      ...(hint === undefined ? {} : { hint }),
    });
  const notFound = (what: string, name: string, known: Iterable<string>) => {
    const near = nearMisses(name, known);
    say(
      'error',
      'FACTORY_NOT_FOUND',
      `${what} '${name}' is not there`,
      undefined,
      near.length === 0 ? undefined : `did you mean ${near.join(' or ')}?`,
    );
  };
  if (activity.inactiveAs !== undefined) return findings; // not validated, as in Azure
  for (const { activity: name } of activity.dependsOn) {
    if (!siblings.some((one) => one.toLowerCase() === name.toLowerCase())) notFound('the activity that it depends on,', name, siblings);
  }
  const known = Object.hasOwn(activityTypes, activity.type) ? activityTypes[activity.type] : undefined;
  if (known === undefined) {
    say(
      'error',
      'FACTORY_UNSUPPORTED',
      `activities of type ${activity.type} are not supported`,
      undefined,
      `supported: ${Object.keys(activityTypes).join(', ')}`,
    );
    return findings;
  }
  for (const key of Object.keys(activity.typeProperties)) {
    if (known.acts.includes(key)) continue;
    const line = pipeline.placeOf([...activity.path, 'typeProperties', key])?.line;
    if (known.known.includes(key)) say('info', 'FACTORY_UNSUPPORTED', `${key} has no effect here`, line);
    else say('error', 'FACTORY_UNSUPPORTED', `the property ${key} of ${activity.type} is not supported`, line);
  }
  if (activity.type === 'ForEach' || activity.type === 'Until') {
    if (loops.some((type) => type === 'ForEach' || type === 'Until'))
      say(
        'error',
        'FACTORY_INVALID',
        `${activity.type} cannot stand inside ${loops.at(-1)}`,
        undefined,
        'call a pipeline of its own with ExecutePipeline',
      );
    const batch = activity.typeProperties['batchCount'];
    if (typeof batch === 'bigint' && (batch < 1n || batch > 50n)) say('error', 'FACTORY_INVALID', 'batchCount goes from 1 to 50');
  }
  if (
    ['ForEach', 'Until', 'IfCondition', 'Switch'].includes(activity.type) &&
    loops.some((type) => type === 'IfCondition' || type === 'Switch')
  ) {
    say(
      'error',
      'FACTORY_INVALID',
      `${activity.type} cannot stand inside ${loops.at(-1)}`,
      undefined,
      'call a pipeline of its own with ExecutePipeline',
    );
  }
  for (const reference of datasetsOf(activity, pipeline)) checkDataset(reference, folder, say, notFound);
  if (activity.linkedService !== undefined && !folder.linkedServices.has(activity.linkedService.toLowerCase())) {
    notFound(
      'the linked service',
      activity.linkedService,
      [...folder.linkedServices.values()].map(({ name }) => name),
    );
  }
  if (activity.type === 'ExecutePipeline') {
    const target = activity.typeProperties['pipeline'];
    const name = isObject(target) ? target['referenceName'] : undefined;
    if (typeof name !== 'string') say('error', 'FACTORY_INVALID', 'ExecutePipeline names no pipeline');
    else if (!folder.pipelines.has(name.toLowerCase()))
      notFound(
        'the pipeline',
        name,
        [...folder.pipelines.values()].map((one) => one.name),
      );
    if (activity.typeProperties['waitOnCompletion'] === undefined)
      say('info', 'FACTORY_INVALID', 'waitOnCompletion is absent: the pipeline is started and not waited for');
  }
  if (activity.type === 'SetVariable' || activity.type === 'AppendVariable') {
    const name = activity.typeProperties['variableName'];
    const isReturn = activity.typeProperties['setSystemVariable'] === true || name === 'pipelineReturnValue';
    if (typeof name === 'string' && !isReturn && !Object.keys(pipeline.variables).some((one) => one.toLowerCase() === name.toLowerCase()))
      notFound('the variable', name, Object.keys(pipeline.variables));
  }
  checkExpressions(activity.typeProperties, [...activity.path, 'typeProperties'], scope, say);
  for (const inner of innerActivities(activity, pipeline))
    findings.push(...validateActivities(inner, { ...scope, loops: [...loops, activity.type] }));
  return findings;
}

type Say = (severity: Finding['severity'], code: string, message: string, line?: number, hint?: string) => void;

function checkDataset(
  reference: DatasetReference,
  folder: FactoryFolder,
  say: Say,
  notFound: (what: string, name: string, known: Iterable<string>) => void,
): void {
  const dataset = folder.datasets.get(reference.name.toLowerCase());
  if (dataset === undefined) {
    notFound(
      'the dataset',
      reference.name,
      [...folder.datasets.values()].map(({ name }) => name),
    );
    return;
  }
  const given = Object.keys(reference.parameters).map((name) => name.toLowerCase());
  for (const [name, { defaultValue }] of Object.entries(dataset.parameters)) {
    if (defaultValue === undefined && !given.includes(name.toLowerCase()))
      say('error', 'FACTORY_INVALID', `the parameter '${name}' of the dataset '${dataset.name}' is missing`);
  }
  for (const name of Object.keys(reference.parameters)) {
    if (!Object.keys(dataset.parameters).some((one) => one.toLowerCase() === name.toLowerCase()))
      say('error', 'FACTORY_INVALID', `the dataset '${dataset.name}' has no parameter '${name}'`);
  }
}

/** The datasets that an activity refers to. */
function datasetsOf(activity: Activity, pipeline: Pipeline): readonly DatasetReference[] {
  const { dataset } = activity.typeProperties;
  const own = isObject(dataset)
    ? [parseDatasetReference({ file: pipeline.file, placeOf: pipeline.placeOf }, dataset, [...activity.path, 'typeProperties', 'dataset'])]
    : [];
  return [...own, ...activity.inputs, ...activity.outputs];
}

/** Every text that is an expression parses, and the functions that it calls exist. Inner activities are checked as such. */
function checkExpressions(value: Value, path: readonly (string | number)[], scope: Scope, say: Say): void {
  const inner = ['activities', 'ifTrueActivities', 'ifFalseActivities', 'defaultActivities', 'cases'];
  if (typeof value === 'string') {
    try {
      if (value.length > 8192)
        throw new LakesteadError('EXPRESSION_INVALID', `an expression of ${value.length} characters: Azure takes 8,192`);
      checkCalls(parseText(value));
    } catch (error) {
      if (!(error instanceof LakesteadError)) throw error;
      say('error', error.code, error.message, scope.pipeline.placeOf(path)?.line, error.hint);
    }
  } else if (isArray(value)) value.forEach((item, index) => checkExpressions(item, [...path, index], scope, say));
  else if (isObject(value))
    for (const [key, item] of Object.entries(value)) if (!inner.includes(key)) checkExpressions(item, [...path, key], scope, say);
}

function checkCalls(node: Node): void {
  switch (node.kind) {
    case 'call': {
      const name = node.name.toLowerCase();
      const definition = findFunction(name);
      if (definition === undefined && !referenceNames.includes(name)) {
        const near = nearMisses(node.name, [...Object.values(functions).map((one) => one.name), ...referenceNames]);
        throw new LakesteadError(
          'EXPRESSION_INVALID',
          `there is no function ${node.name}`,
          near.length === 0 ? {} : { hint: `did you mean ${near.join(' or ')}?` },
        );
      }
      if (definition !== undefined && (node.args.length < definition.count[0] || node.args.length > definition.count[1])) {
        throw new LakesteadError('EXPRESSION_INVALID', `${definition.name} does not take ${node.args.length} arguments`, {
          hint: definition.signature,
        });
      }
      if (name === 'xpath') throw new LakesteadError('FACTORY_UNSUPPORTED', 'the function xpath is not supported');
      node.args.forEach(checkCalls);
      break;
    }
    case 'property':
      checkCalls(node.target);
      break;
    case 'index':
      checkCalls(node.target);
      checkCalls(node.index);
      break;
    case 'interpolation':
      for (const part of node.parts) if (typeof part !== 'string') checkCalls(part);
      break;
    case 'literal':
      break;
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
