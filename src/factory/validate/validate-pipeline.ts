import { nearMisses } from '#core';

import { isArray, isObject, type ValueObject } from '../expression/index.ts';
import type { Activity, FactoryFolder, Finding, Pipeline, PlaceOf, Reference } from '../load/factory.ts';
import { findCycle, innerActivities } from '../load/inner-activities.ts';
import { parseReference } from '../load/parse-activity.ts';
import { activityTypes, otherActivityTypes } from './activity-types.ts';
import { checkDefinitions, checkNames, checkValues } from './check-shape.ts';
import { newReport, type Report } from './report.ts';
import { activityShapes, envelopes, switchCase } from './shapes.ts';
import type { PropertyUse } from '../properties.ts';
import { checkExpressions, variablesOf } from './validate-expressions.ts';
import { checkProperties, checkTypedObject } from './validate-properties.ts';

/** Azure's limits of one pipeline. */
const limits = { activities: 120, parameters: 50, variables: 50 };

type Scope = {
  readonly pipeline: Pipeline;
  readonly folder: FactoryFolder;
  /** All activities of the pipeline, those inside of others too. */
  readonly activities: readonly string[];
  /** The types of the activities around this one, outermost first. */
  readonly around: readonly string[];
  /** Activities outside that have ended before. Lower case. */
  readonly before: ReadonlySet<string>;
};

/** The findings of one pipeline. */
export function validatePipeline(pipeline: Pipeline, folder: FactoryFolder): readonly Finding[] {
  const report = newReport(pipeline.file);
  const activities = allActivities(pipeline.activities, pipeline);
  const counts = {
    activities: activities.length,
    parameters: Object.keys(pipeline.parameters).length,
    variables: Object.keys(pipeline.variables).length,
  };
  for (const [what, count] of Object.entries(counts)) {
    const limit = limits[what as keyof typeof limits]; // the keys are those of limits
    if (count > limit) report.say('error', 'FACTORY_INVALID', `${count} ${what}: Azure takes ${limit} in a pipeline`);
  }
  const where = { what: 'a pipeline', path: ['properties'], placeOf: pipeline.placeOf, report };
  checkNames(pipeline.properties, envelopes.pipeline, where);
  checkValues(pipeline.properties, envelopes.pipeline, where);
  checkWithoutEffect(pipeline.properties, ['concurrency', 'policy', 'runDimensions'], pipeline, report);
  checkDefinitions('parameters', pipeline.parameters, pipeline.placeOf, report);
  checkDefinitions('variables', pipeline.variables, pipeline.placeOf, report);
  const names = new Set<string>();
  for (const { name, place } of activities) {
    if (names.has(name.toLowerCase())) report.say('error', 'FACTORY_INVALID', `two activities of the pipeline are called '${name}'`, place);
    names.add(name.toLowerCase());
  }
  const scope = { pipeline, folder, activities: activities.map(({ name }) => name), around: [], before: new Set<string>() };
  return [...report.findings, ...validateActivities(pipeline.activities, scope)];
}

/** Annotations and what a type has beside are known, and change nothing here. */
export function checkWithoutEffect(
  properties: ValueObject,
  known: readonly string[],
  { placeOf }: { readonly placeOf: PlaceOf },
  report: Report,
): void {
  for (const name of ['annotations', ...known]) {
    const value = properties[name];
    if (value === undefined || value === null || (isArray(value) && value.length === 0)) continue;
    report.say('info', 'FACTORY_UNSUPPORTED', `${name} has no effect here`, placeOf(['properties', name]));
  }
}

function allActivities(activities: readonly Activity[], pipeline: Pipeline): readonly Activity[] {
  return activities.flatMap((activity) => [
    activity,
    ...innerActivities(activity, pipeline).flatMap((list) => allActivities(list, pipeline)),
  ]);
}

function validateActivities(activities: readonly Activity[], scope: Scope): readonly Finding[] {
  const report = newReport(scope.pipeline.file);
  const cycle = findCycle(activities);
  if (cycle !== undefined)
    report.say('error', 'FACTORY_INVALID', `the activities ${cycle.join(' -> ')} wait for each other`, activities[0]?.place);
  return [...report.findings, ...activities.flatMap((activity) => validateActivity(activity, activities, scope))];
}

/** The activities that have ended when this one begins: those it depends on, what was inside of them, and theirs. */
function endedBefore(activity: Activity, siblings: readonly Activity[], pipeline: Pipeline, found: Set<string>): Set<string> {
  for (const { activity: name } of activity.dependsOn) {
    if (found.has(name.toLowerCase())) continue;
    found.add(name.toLowerCase());
    const sibling = siblings.find((one) => one.name.toLowerCase() === name.toLowerCase());
    if (sibling === undefined) continue;
    for (const inner of allActivities([sibling], pipeline)) found.add(inner.name.toLowerCase());
    endedBefore(sibling, siblings, pipeline, found);
  }
  return found;
}

function validateActivity(activity: Activity, siblings: readonly Activity[], scope: Scope): readonly Finding[] {
  const { pipeline, folder, around } = scope;
  if (activity.inactiveAs !== undefined) return []; // not validated, as in Azure
  const report = newReport(pipeline.file, activity.name, activity.place);
  for (const { activity: name } of activity.dependsOn) {
    if (!siblings.some((one) => one.name.toLowerCase() === name.toLowerCase()))
      report.notFound(
        'the activity that it depends on,',
        name,
        siblings.map((one) => one.name),
      );
  }
  const use = Object.hasOwn(activityTypes, activity.type) ? activityTypes[activity.type] : undefined;
  if (use === undefined) {
    const near = otherActivityTypes.includes(activity.type)
      ? []
      : nearMisses(activity.type, [...Object.keys(activityTypes), ...otherActivityTypes]);
    report.say(
      'error',
      'FACTORY_UNSUPPORTED',
      `activities of type ${activity.type} are not supported`,
      pipeline.placeOf([...activity.path, 'type']),
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `supported: ${Object.keys(activityTypes).join(', ')}`,
    );
  }
  const path = [...activity.path, 'typeProperties'];
  checkEnvelope(activity, pipeline, report);
  if (use !== undefined) checkTypeProperties(activity, use, folder, pipeline, report);
  checkNesting(activity, around, report);
  checkReferences(activity, pipeline, folder, report);
  checkVariable(activity, pipeline, report);
  const before = endedBefore(activity, siblings, pipeline, new Set(scope.before));
  const expressionScope = {
    parameters: Object.keys(pipeline.parameters),
    owner: 'pipeline' as const,
    variables: Object.keys(pipeline.variables),
    activities: scope.activities,
    hasItem: around.includes('ForEach') || activity.type === 'Filter',
  };
  // The condition of Until is asked when the activities inside have ended.
  const own =
    activity.type === 'Until'
      ? allActivities(innerActivities(activity, pipeline).flat(), pipeline).map(({ name }) => name.toLowerCase())
      : [];
  checkExpressions(activity.typeProperties, path, { ...expressionScope, before: new Set([...before, ...own]) }, pipeline.placeOf, report);
  for (const list of [activity.inputs, activity.outputs])
    for (const { parameters } of list)
      checkExpressions(parameters, activity.path, { ...expressionScope, before }, pipeline.placeOf, report);
  const inside = innerActivities(activity, pipeline).flatMap((list) =>
    validateActivities(list, { ...scope, before, around: [...around, activity.type] }),
  );
  return [...report.findings, ...inside];
}

/** The properties of a type that is supported, and of the objects in them. */
function checkTypeProperties(activity: Activity, use: PropertyUse, folder: FactoryFolder, pipeline: Pipeline, report: Report): void {
  const path = [...activity.path, 'typeProperties'];
  if (activity.type === 'Copy') checkSides(activity, folder, pipeline, report);
  checkProperties(activity.typeProperties, use, activity.type, path, pipeline.placeOf, report);
  for (const [key, suffix] of [
    ['source', 'Source'],
    ['sink', 'Sink'],
    ['translator', 'Translator'],
    ['storeSettings', 'ReadSettings'],
    ['formatSettings', 'ReadSettings'],
  ] as const)
    if (use.acts.includes(key)) checkTypedObject(activity.typeProperties[key], suffix, [...path, key], pipeline.placeOf, report);
}

/** What stands around `typeProperties`, and whether their values fit. */
function checkEnvelope({ json, path, type, typeProperties }: Activity, pipeline: Pipeline, report: Report): void {
  const { placeOf } = pipeline;
  const around = { what: 'an activity', path, placeOf, report };
  checkNames(json, envelopes.activity, around);
  checkValues(json, envelopes.activity, around);
  const { policy } = json;
  if (isObject(policy)) {
    const ofPolicy = { what: 'a policy', path: [...path, 'policy'], placeOf, report };
    checkNames(policy, envelopes.policy, ofPolicy);
    checkValues(policy, envelopes.policy, ofPolicy);
  }
  const { variableName, ...unnamed } = activityShapes[type] ?? {};
  // A return value has no variable.
  const shape = typeProperties['setSystemVariable'] === true || variableName === undefined ? unnamed : { variableName, ...unnamed };
  checkValues(typeProperties, shape, { what: type, path: [...path, 'typeProperties'], placeOf, report });
  const { cases } = typeProperties;
  if (type !== 'Switch' || !isArray(cases)) return;
  const values = new Set<string>();
  cases.forEach((one, index) => {
    if (!isObject(one)) return;
    const ofCase = { what: 'a case', path: [...path, 'typeProperties', 'cases', index], placeOf, report };
    checkNames(one, switchCase, ofCase);
    checkValues(one, switchCase, ofCase);
    const value = String(one['value']);
    if (values.has(value)) report.say('error', 'FACTORY_INVALID', `two cases have the value '${value}'`, placeOf(ofCase.path));
    values.add(value);
  });
}

/** A Copy has one dataset on each side, of the format that its source or sink is for. Fabric has no datasets. */
function checkSides({ path, inputs, outputs, typeProperties }: Activity, folder: FactoryFolder, pipeline: Pipeline, report: Report): void {
  const sides = [
    ['source', 'inputs', inputs],
    ['sink', 'outputs', outputs],
  ] as const;
  for (const [side, key, references] of sides) {
    const one = typeProperties[side];
    if (!isObject(one)) continue;
    const { type } = one;
    const place = pipeline.placeOf([...path, 'typeProperties', side]);
    if (typeof type !== 'string') report.say('error', 'FACTORY_INVALID', `the ${side} needs a type`, place);
    else if (references.length !== 1 && one['datasetSettings'] === undefined)
      report.say(
        'error',
        'FACTORY_INVALID',
        `Copy needs one dataset in ${key}, and has ${references.length}`,
        pipeline.placeOf([...path, key]),
      );
    const dataset = folder.datasets.get(references[0]?.name.toLowerCase() ?? '');
    const [, format] = /^(Parquet|DelimitedText|Json|Binary|Avro|Orc|Excel|Xml)(?:Source|Sink)$/.exec(String(type)) ?? [];
    if (dataset !== undefined && format !== undefined && dataset.type !== format)
      report.say(
        'error',
        'FACTORY_INVALID',
        `${String(type)} is for datasets of type ${format}, and '${dataset.name}' is of type ${dataset.type}`,
        place,
      );
  }
}

const loops = ['ForEach', 'Until'];
const branches = ['IfCondition', 'Switch'];

/** What Azure takes inside of what: no loop in a loop, and neither in a branch, nor a branch in a branch. */
function checkNesting({ type }: Activity, around: readonly string[], report: Report): void {
  const isRefused =
    (loops.includes(type) && around.some((one) => loops.includes(one) || branches.includes(one))) ||
    (branches.includes(type) && around.some((one) => branches.includes(one)));
  if (isRefused)
    report.say(
      'error',
      'FACTORY_INVALID',
      `${type} cannot stand inside ${around.at(-1)}`,
      undefined,
      'call a pipeline of its own with ExecutePipeline',
    );
}

function checkReferences(activity: Activity, pipeline: Pipeline, folder: FactoryFolder, report: Report): void {
  for (const reference of datasetsOf(activity, pipeline)) checkDataset(reference, folder, report);
  if (activity.linkedService !== undefined) {
    const { name, parameters } = activity.linkedService;
    const service = folder.linkedServices.get(name.toLowerCase());
    if (service === undefined) report.notFound('the linked service', name, namesOf(folder.linkedServices));
    else checkParameters(parameters, service, `the linked service '${service.name}'`, report);
  }
  if (activity.type !== 'ExecutePipeline') return;
  const target = activity.typeProperties['pipeline'];
  const name = isObject(target) ? target['referenceName'] : undefined;
  if (activity.typeProperties['waitOnCompletion'] === undefined)
    report.say('info', 'FACTORY_INVALID', 'waitOnCompletion is absent: the pipeline is started and not waited for');
  if (typeof name !== 'string') {
    report.say('error', 'FACTORY_INVALID', 'ExecutePipeline names no pipeline');
    return;
  }
  const called = folder.pipelines.get(name.toLowerCase());
  if (called === undefined) {
    report.notFound('the pipeline', name, namesOf(folder.pipelines));
    return;
  }
  const { parameters } = activity.typeProperties;
  checkParameters(isObject(parameters) ? parameters : {}, called, `the pipeline '${called.name}'`, report);
}

const namesOf = (all: ReadonlyMap<string, { readonly name: string }>): string[] => [...all.values()].map(({ name }) => name);

/** Parameters without a default are given, and none that is not declared. */
export function checkParameters(
  given: Readonly<Record<string, unknown>>,
  { parameters }: Pick<Pipeline, 'parameters'>,
  what: string,
  report: Report,
): void {
  const names = Object.keys(given).map((name) => name.toLowerCase());
  for (const [name, { defaultValue }] of Object.entries(parameters)) {
    if (defaultValue === undefined && !names.includes(name.toLowerCase()))
      report.say('error', 'FACTORY_INVALID', `the parameter '${name}' of ${what} is missing`);
  }
  for (const name of Object.keys(given)) {
    if (!Object.keys(parameters).some((one) => one.toLowerCase() === name.toLowerCase()))
      report.say('error', 'FACTORY_INVALID', `${what} has no parameter '${name}'`);
  }
}

function checkDataset(reference: Reference, folder: FactoryFolder, report: Report): void {
  const dataset = folder.datasets.get(reference.name.toLowerCase());
  if (dataset === undefined) report.notFound('the dataset', reference.name, namesOf(folder.datasets));
  else checkParameters(reference.parameters, dataset, `the dataset '${dataset.name}'`, report);
}

/** The datasets that an activity refers to. */
function datasetsOf(activity: Activity, pipeline: Pipeline): readonly Reference[] {
  const { dataset } = activity.typeProperties;
  const own = isObject(dataset)
    ? [parseReference({ file: pipeline.file, placeOf: pipeline.placeOf }, dataset, [...activity.path, 'typeProperties', 'dataset'])]
    : [];
  return [...own, ...activity.inputs, ...activity.outputs];
}

function checkVariable({ type, typeProperties }: Activity, pipeline: Pipeline, report: Report): void {
  if (type !== 'SetVariable' && type !== 'AppendVariable') return;
  const { variableName: name, value } = typeProperties;
  if (typeProperties['setSystemVariable'] === true || name === 'pipelineReturnValue') return;
  if (typeof name !== 'string') return; // said already
  const declared = Object.entries(pipeline.variables).find(([one]) => one.toLowerCase() === name.toLowerCase());
  if (declared === undefined) {
    report.notFound('the variable', name, Object.keys(pipeline.variables));
    return;
  }
  if (type === 'AppendVariable' && !/^array$/i.test(declared[1].type))
    report.say('error', 'FACTORY_INVALID', `AppendVariable needs an array, and the variable '${name}' is of type ${declared[1].type}`);
  if (type === 'SetVariable' && value !== undefined && variablesOf(value).has(name.toLowerCase()))
    report.say(
      'error',
      'FACTORY_INVALID',
      `the variable '${name}' cannot be set from itself`,
      undefined,
      'set another variable first, then this one from it',
    );
}
