import { isObject } from '../expression/index.ts';
import type { Dataset, Factory, FactoryFolder, Finding, LinkedService, OtherPart, Pipeline } from '../load/factory.ts';
import { innerActivities } from '../load/inner-activities.ts';
import { findingOf } from '../load/load-factory.ts';
import { findProperties } from '../properties.ts';
import { linkedServiceProperties } from './activity-types.ts';
import { newReport, type Report } from './report.ts';
import { checkExpressions } from './validate-expressions.ts';
import { checkParameters, checkWithoutEffect, validatePipeline } from './validate-pipeline.ts';
import { checkDefinitions, checkNames, checkValues } from './check-shape.ts';
import { envelopes, otherShapes } from './shapes.ts';
import { validateTrigger } from './validate-trigger.ts';
import { checkProperties, checkTypedObject } from './validate-properties.ts';

/** What is wrong with a factory and what has no effect here, without running anything. */
export function validateFactory(factory: Factory): readonly Finding[] {
  return factory.folders.flatMap((folder) => [
    ...eachOf(folder.pipelines, (pipeline) => validatePipeline(pipeline, folder)),
    ...findCallCycles(folder),
    ...eachOf(folder.datasets, (dataset) => validateDataset(dataset, folder)),
    ...eachOf(folder.linkedServices, (service) => validateLinkedService(service, folder)),
    ...eachOf(folder.triggers, (trigger) => validateTrigger(trigger, folder)),
    ...folder.others.flatMap(validateOther),
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
  const service = folder.linkedServices.get(dataset.linkedService.name.toLowerCase());
  const { parameters } = dataset.linkedService;
  if (service !== undefined) checkParameters(parameters, service, `the linked service '${service.name}'`, report);
  else
    report.notFound(
      'the linked service',
      dataset.linkedService.name,
      [...folder.linkedServices.values()].map(({ name }) => name),
      placeOf(['properties', 'linkedServiceName']),
    );
  const use = findProperties(type);
  if (use === undefined)
    report.say('warning', 'FACTORY_UNSUPPORTED', `datasets of type ${type} are not supported`, placeOf(['properties', 'type']));
  else checkProperties(typeProperties, use, `a dataset of type ${type}`, path, placeOf, report);
  checkTypedObject(typeProperties['location'], 'Location', [...path, 'location'], placeOf, report);
  checkAround(dataset, 'dataset', ['structure'], report);
  checkOwnExpressions(dataset, 'dataset', report);
  return report.findings;
}

/** What stands around `typeProperties`. */
function checkAround(one: Dataset | LinkedService, kind: 'dataset' | 'linkedService', known: readonly string[], report: Report): void {
  const where = { what: kind === 'dataset' ? 'a dataset' : 'a linked service', path: ['properties'], placeOf: one.placeOf, report };
  checkNames(one.properties, envelopes[kind], where);
  checkValues(one.properties, envelopes[kind], where);
  checkWithoutEffect(one.properties, known, one, report);
  checkDefinitions('parameters', one.parameters, one.placeOf, report);
}

/** Integration runtimes and what else stands beside: read, and without effect here. */
function validateOther({ kind, file, properties, placeOf }: OtherPart): readonly Finding[] {
  const shape = Object.hasOwn(otherShapes, kind) ? otherShapes[kind] : undefined;
  if (shape === undefined) return [];
  const report = newReport(file, undefined, placeOf(['properties']));
  const where = { what: kind === 'integrationRuntime' ? 'an integration runtime' : `a ${kind}`, path: ['properties'], placeOf, report };
  // A runtime is referred to; of the others nothing is lost here.
  checkNames(properties, shape, where, kind === 'integrationRuntime' ? 'error' : 'warning');
  checkValues(properties, shape, where);
  return report.findings;
}

function checkOwnExpressions(one: Dataset | LinkedService, owner: 'dataset' | 'linkedService', report: ReturnType<typeof newReport>): void {
  const scope = { owner, parameters: Object.keys(one.parameters), variables: [], activities: [], before: new Set<string>(), hasItem: true };
  checkExpressions(one.typeProperties, ['properties', 'typeProperties'], scope, one.placeOf, report);
  const given = 'linkedService' in one ? one.linkedService.parameters : {};
  checkExpressions(given, ['properties', 'linkedServiceName', 'parameters'], scope, one.placeOf, report);
}

/** What a service needs is said in lakestead.yaml; of its own JSON only a wrong type or a misspelt property shows. */
function validateLinkedService(service: LinkedService, folder: FactoryFolder): readonly Finding[] {
  const { type, typeProperties, placeOf } = service;
  const report = newReport(service.file);
  const use = linkedServiceProperties(type);
  if (use === undefined)
    report.say('warning', 'FACTORY_UNSUPPORTED', `linked services of type ${type} are not supported`, placeOf(['properties', 'type']));
  else checkProperties(typeProperties, use, `a linked service of type ${type}`, ['properties', 'typeProperties'], placeOf, report);
  checkAround(service, 'linkedService', ['connectVia'], report);
  const { connectVia } = service.properties;
  const runtime = isObject(connectVia) ? connectVia['referenceName'] : undefined;
  const runtimes = folder.others.filter(({ kind }) => kind === 'integrationRuntime').map(({ name }) => name);
  const isThere = [...runtimes, 'AutoResolveIntegrationRuntime'].some((name) => name.toLowerCase() === String(runtime).toLowerCase());
  if (typeof runtime === 'string' && !isThere)
    report.say('warning', 'FACTORY_NOT_FOUND', `the integration runtime '${runtime}' is not there`, placeOf(['properties', 'connectVia']));
  checkOwnExpressions(service, 'linkedService', report);
  return report.findings;
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
