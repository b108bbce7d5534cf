import { isArray, isObject, type Value, type ValueObject } from '../expression/index.ts';
import type { FactoryFolder, Finding, Trigger } from '../load/factory.ts';
import type { JsonPath } from '../load/parse-activity.ts';
import { triggerTypes } from './activity-types.ts';
import { checkNames, checkValues, problemWith } from './check-shape.ts';
import { newReport, type Report } from './report.ts';
import { envelopes, type Shape, triggerLists, triggerShapes } from './shapes.ts';
import { checkExpressions } from './validate-expressions.ts';
import { checkParameters, checkWithoutEffect } from './validate-pipeline.ts';

/** A trigger as Azure would take it: when it fires, and the pipelines and parameters that it names. */
export function validateTrigger(trigger: Trigger, folder: FactoryFolder): readonly Finding[] {
  const { type, typeProperties, placeOf, properties } = trigger;
  const report = newReport(trigger.file, undefined, placeOf(['properties', 'type']));
  if (!triggerTypes.includes(type)) {
    report.say(
      'error',
      'FACTORY_UNSUPPORTED',
      `triggers of type ${type} are not supported`,
      undefined,
      `supported: ${triggerTypes.join(', ')}`,
    );
    return report.findings;
  }
  report.say('info', 'FACTORY_UNSUPPORTED', `the trigger is checked, and starts nothing here yet`);
  const check = (value: Value | undefined, shape: Shape, what: string, path: JsonPath) => {
    if (!isObject(value)) return;
    checkNames(value, shape, { what, path, placeOf, report });
    checkValues(value, shape, { what, path, placeOf, report });
  };
  const path = ['properties', 'typeProperties'];
  check(properties, envelopes.trigger, 'a trigger', ['properties']);
  checkWithoutEffect(properties, [], trigger, report);
  switch (type) {
    case 'ScheduleTrigger': {
      check(typeProperties, { recurrence: 'object!' }, type, path);
      const { recurrence } = typeProperties;
      check(recurrence, triggerShapes.recurrence, 'a recurrence', [...path, 'recurrence']);
      const schedule = isObject(recurrence) ? recurrence['schedule'] : undefined;
      check(schedule, triggerShapes.schedule, 'a schedule', [...path, 'recurrence', 'schedule']);
      if (isObject(schedule)) checkLists(schedule, [...path, 'recurrence', 'schedule'], trigger, report);
      break;
    }
    case 'TumblingWindowTrigger': {
      check(typeProperties, triggerShapes.TumblingWindowTrigger, type, path);
      check(typeProperties['retryPolicy'], triggerShapes.retryPolicy, 'a retry policy', [...path, 'retryPolicy']);
      checkWindows(typeProperties['dependsOn'], [...path, 'dependsOn'], trigger, folder, report);
      break;
    }
    case 'BlobEventsTrigger':
      check(typeProperties, triggerShapes.BlobEventsTrigger, type, path);
      checkItems(typeProperties['events'], 'Microsoft.Storage.BlobCreated|Microsoft.Storage.BlobDeleted', 'events', path, trigger, report);
      if (typeProperties['blobPathBeginsWith'] === undefined && typeProperties['blobPathEndsWith'] === undefined)
        report.say('error', 'FACTORY_INVALID', `${type} needs blobPathBeginsWith or blobPathEndsWith`, placeOf(path));
      break;
    default:
      check(typeProperties, triggerShapes.CustomEventsTrigger, type, path);
  }
  checkPipelines(trigger, folder, report);
  return report.findings;
}

function checkLists(schedule: ValueObject, path: JsonPath, trigger: Trigger, report: Report): void {
  for (const [name, rule] of Object.entries(triggerLists)) checkItems(schedule[name], rule, name, path, trigger, report);
}

function checkItems(list: Value | undefined, rule: string, name: string, path: JsonPath, { placeOf }: Trigger, report: Report): void {
  if (!isArray(list)) return;
  list.forEach((item, index) => {
    const problem = problemWith(item, rule);
    if (problem !== undefined)
      report.say('error', 'FACTORY_INVALID', `each of ${name} ${problem}`, placeOf([...path, name, index]) ?? placeOf([...path, name]));
  });
}

/** Windows that a window waits for. */
function checkWindows(list: Value | undefined, path: JsonPath, trigger: Trigger, folder: FactoryFolder, report: Report): void {
  if (!isArray(list)) return;
  list.forEach((one, index) => {
    const reference = isObject(one) ? one['referenceTrigger'] : undefined;
    const name = isObject(reference) ? reference['referenceName'] : undefined;
    if (typeof name === 'string' && !folder.triggers.has(name.toLowerCase()))
      report.notFound(
        'the trigger',
        name,
        [...folder.triggers.values()].map((other) => other.name),
        trigger.placeOf([...path, index]),
      );
  });
}

function checkPipelines({ pipelines, placeOf }: Trigger, folder: FactoryFolder, report: Report): void {
  if (pipelines.length === 0) report.say('warning', 'FACTORY_INVALID', 'the trigger starts no pipeline');
  for (const { name, parameters, path } of pipelines) {
    const pipeline = folder.pipelines.get(name.toLowerCase());
    if (pipeline === undefined)
      report.notFound(
        'the pipeline',
        name,
        [...folder.pipelines.values()].map((one) => one.name),
        placeOf(path),
      );
    else checkParameters(parameters, pipeline, `the pipeline '${pipeline.name}'`, report);
    const scope = { owner: 'pipeline' as const, parameters: [], variables: [], activities: [], before: new Set<string>(), hasItem: false };
    checkExpressions(parameters, [...path, 'parameters'], scope, placeOf, report);
  }
}
