import { isObject } from '../expression/index.ts';
import type { Dataset, Factory, FactoryFolder, Finding, LinkedService, Pipeline, Trigger } from '../load/factory.ts';
import { innerActivities } from '../load/inner-activities.ts';
import { findingOf } from '../load/load-factory.ts';
import { findProperties } from '../properties.ts';
import { linkedServiceProperties, triggerTypes } from './activity-types.ts';
import { newReport } from './report.ts';
import { checkExpressions } from './validate-expressions.ts';
import { checkParameters, validatePipeline } from './validate-pipeline.ts';
import { checkProperties, checkTypedObject } from './validate-properties.ts';

/** What is wrong with a factory and what has no effect here, without running anything. */
export function validateFactory(factory: Factory): readonly Finding[] {
  return factory.folders.flatMap((folder) => [
    ...eachOf(folder.pipelines, (pipeline) => validatePipeline(pipeline, folder)),
    ...findCallCycles(folder),
    ...eachOf(folder.datasets, (dataset) => validateDataset(dataset, folder)),
    ...eachOf(folder.linkedServices, validateLinkedService),
    ...eachOf(folder.triggers, (trigger) => validateTrigger(trigger, folder)),
  ]);
}

/** Parts of a file are read only while it is checked: what is wrong with them is a finding too. */
function eachOf<T extends { readonly file: string }>(
  all: ReadonlyMap<string, T>,
  check: (one: T) => readonly Finding[],
): readonly Finding[] {
  return [...all.values()].flatMap((one) => {
    try {
      return check(one);
    } catch (error) {
      return [findingOf(error, one.file)];
    }
  });
}

function validateDataset(dataset: Dataset, folder: FactoryFolder): readonly Finding[] {
  const { type, typeProperties, placeOf } = dataset;
  const report = newReport(dataset.file);
  const path = ['properties', 'typeProperties'];
  if (!folder.linkedServices.has(dataset.linkedService.toLowerCase()))
    report.notFound(
      'the linked service',
      dataset.linkedService,
      [...folder.linkedServices.values()].map(({ name }) => name),
      placeOf(['properties', 'linkedServiceName']),
    );
  const use = findProperties(type);
  if (use === undefined)
    report.say('warning', 'FACTORY_UNSUPPORTED', `datasets of type ${type} are not supported`, placeOf(['properties', 'type']));
  else checkProperties(typeProperties, use, `a dataset of type ${type}`, path, placeOf, report);
  checkTypedObject(typeProperties['location'], 'Location', [...path, 'location'], placeOf, report);
  checkOwnExpressions(dataset, 'dataset', report);
  return report.findings;
}

function checkOwnExpressions(one: Dataset | LinkedService, owner: 'dataset' | 'linkedService', report: ReturnType<typeof newReport>): void {
  const scope = { owner, parameters: Object.keys(one.parameters), variables: [], activities: [], before: new Set<string>(), hasItem: true };
  checkExpressions(one.typeProperties, ['properties', 'typeProperties'], scope, one.placeOf, report);
}

/** What a service needs is said in lakestead.yaml; of its own JSON only a wrong type or a misspelt property shows. */
function validateLinkedService(service: LinkedService): readonly Finding[] {
  const { type, typeProperties, placeOf } = service;
  const report = newReport(service.file);
  const use = linkedServiceProperties(type);
  if (use === undefined)
    report.say('warning', 'FACTORY_UNSUPPORTED', `linked services of type ${type} are not supported`, placeOf(['properties', 'type']));
  else checkProperties(typeProperties, use, `a linked service of type ${type}`, ['properties', 'typeProperties'], placeOf, report);
  checkOwnExpressions(service, 'linkedService', report);
  return report.findings;
}

function validateTrigger(trigger: Trigger, folder: FactoryFolder): readonly Finding[] {
  const { type, typeProperties, placeOf } = trigger;
  const report = newReport(trigger.file, undefined, placeOf(['properties', 'type']));
  const use = Object.hasOwn(triggerTypes, type) ? triggerTypes[type] : undefined;
  if (use === undefined) {
    report.say(
      'error',
      'FACTORY_UNSUPPORTED',
      `triggers of type ${type} are not supported`,
      undefined,
      `supported: ${Object.keys(triggerTypes).join(', ')}`,
    );
    return report.findings;
  }
  report.say('info', 'FACTORY_UNSUPPORTED', `the trigger is checked, and starts nothing here yet`);
  checkProperties(typeProperties, use, type, ['properties', 'typeProperties'], placeOf, report);
  for (const name of use.needed) if (typeProperties[name] === undefined) report.say('error', 'FACTORY_INVALID', `${type} needs ${name}`);
  const { recurrence } = typeProperties;
  if (isObject(recurrence)) checkRecurrence(recurrence['frequency'], recurrence['interval'], report);
  if (type === 'TumblingWindowTrigger') checkRecurrence(typeProperties['frequency'], typeProperties['interval'], report);
  if (trigger.pipelines.length === 0) report.say('warning', 'FACTORY_INVALID', 'the trigger starts no pipeline');
  for (const { name, parameters, path } of trigger.pipelines) {
    const pipeline = folder.pipelines.get(name.toLowerCase());
    if (pipeline === undefined)
      report.notFound(
        'the pipeline',
        name,
        [...folder.pipelines.values()].map((one) => one.name),
        placeOf(path),
      );
    else checkParameters(parameters, pipeline, `the pipeline '${pipeline.name}'`, report);
  }
  return report.findings;
}

const frequencies = ['minute', 'hour', 'day', 'week', 'month'];

function checkRecurrence(frequency: unknown, interval: unknown, report: ReturnType<typeof newReport>): void {
  if (typeof frequency !== 'string' || !frequencies.includes(frequency.toLowerCase()))
    report.say(
      'error',
      'FACTORY_INVALID',
      `the frequency ${JSON.stringify(frequency) ?? 'is missing and'} is none of Azure's`,
      undefined,
      `one of ${frequencies.join(', ')}`,
    );
  if (typeof interval !== 'bigint' || interval < 1n) report.say('error', 'FACTORY_INVALID', 'the interval must be a whole number from 1');
}

/** Pipelines that call themselves, over however many others. */
function findCallCycles(folder: FactoryFolder): readonly Finding[] {
  const done = new Set<string>();
  const findings: Finding[] = [];
  const visit = (pipeline: Pipeline, trail: readonly Pipeline[]): void => {
    const at = trail.indexOf(pipeline);
    if (at >= 0) {
      const names = [...trail.slice(at), pipeline].map(({ name }) => name);
      const report = newReport(pipeline.file);
      report.say('error', 'FACTORY_INVALID', `the pipelines ${names.join(' -> ')} call each other without end`);
      findings.push(...report.findings);
      return;
    }
    if (done.has(pipeline.name)) return;
    for (const name of callsOf(pipeline)) {
      const called = folder.pipelines.get(name.toLowerCase());
      if (called !== undefined) visit(called, [...trail, pipeline]);
    }
    done.add(pipeline.name);
  };
  for (const pipeline of folder.pipelines.values()) visit(pipeline, []);
  return findings;
}

/** The pipelines that a pipeline calls, also inside of loops and branches. What does not parse is found elsewhere. */
function callsOf(pipeline: Pipeline): readonly string[] {
  const names = (activities: Pipeline['activities']): readonly string[] =>
    activities.flatMap((activity) => {
      const target = activity.type === 'ExecutePipeline' ? activity.typeProperties['pipeline'] : undefined;
      const name = isObject(target) ? target['referenceName'] : undefined;
      return [...(typeof name === 'string' ? [name] : []), ...innerActivities(activity, pipeline).flatMap(names)];
    });
  try {
    return names(pipeline.activities);
  } catch {
    return []; // validatePipeline says what is wrong
  }
}
