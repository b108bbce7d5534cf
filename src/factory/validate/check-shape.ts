import { nearMisses } from '#core';

import { evaluateText, Float, isArray, isObject, type Value, type ValueObject } from '../expression/index.ts';
import type { ParameterDefinition, PlaceOf } from '../load/factory.ts';
import { type JsonPath, parseTimeSpan } from '../load/parse-activity.ts';
import type { Report } from './report.ts';
import { parameterTypes, type Shape, variableTypes } from './shapes.ts';

type Where = { readonly what: string; readonly path: JsonPath; readonly placeOf: PlaceOf; readonly report: Report };

const isExpression = (value: Value): boolean =>
  typeof value === 'string' ? value.startsWith('@') || value.includes('@{') : isObject(value) && value['type'] === 'Expression';

/** What must be there is, and every value is of a type that fits. */
export function checkValues(object: ValueObject, shape: Shape, { what, path, placeOf, report }: Where): void {
  for (const [name, rule] of Object.entries(shape)) {
    const value = object[name];
    if (value === undefined || value === null) {
      if (rule.endsWith('!')) report.say('error', 'FACTORY_INVALID', `${what} needs ${name}`, placeOf(path));
      continue;
    }
    const problem = isExpression(value) ? undefined : problemWith(value, rule.replace(/!$/, ''));
    if (problem !== undefined) report.say('error', 'FACTORY_INVALID', `${name} of ${what} ${problem}`, placeOf([...path, name]));
  }
}

/** Every property is one that the shape has. */
export function checkNames(
  object: ValueObject,
  shape: Shape,
  { what, path, placeOf, report }: Where,
  severity: 'error' | 'warning' = 'error',
): void {
  const known = Object.keys(shape);
  for (const name of Object.keys(object)) {
    if (known.includes(name)) continue;
    const near = nearMisses(name, known);
    report.say(
      severity,
      'FACTORY_UNSUPPORTED',
      `the property ${name} of ${what} is not supported`,
      placeOf([...path, name]),
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `supported: ${known.join(', ')}`,
    );
  }
}

/** What is wrong with a value, as the rest of a sentence; undefined for nothing. */
export function problemWith(value: Value, rule: string): string | undefined {
  const must = (fits: boolean, what: string) => (fits ? undefined : `must be ${what}`);
  const text = typeof value === 'string' ? value : undefined;
  const [, least, most] = /^whole (\d+)-(\d+)$/.exec(rule) ?? [];
  if (least !== undefined && most !== undefined) {
    const whole =
      typeof value === 'bigint' ? value : value instanceof Float && Number.isInteger(value.value) ? BigInt(value.value) : undefined;
    const fits = whole !== undefined && whole >= BigInt(least) && whole <= BigInt(most);
    return must(fits, most === '2147483647' ? `a whole number from ${least}` : `a whole number from ${least} to ${most}`);
  }
  switch (rule) {
    case 'any':
      return undefined;
    case 'text':
      return must(text !== undefined, 'a text');
    case 'boolean':
      return must(typeof value === 'boolean' || /^(?:true|false)$/i.test(text ?? ''), 'true or false');
    case 'array':
      return must(isArray(value), 'an array');
    case 'object':
      return must(isObject(value), 'an object');
    case 'time':
      return must(evaluates(`@ticks('${text?.replaceAll("'", "''") ?? ''}')`), 'a time such as 2024-01-31T00:00:00Z');
    case 'zone':
      return must(
        evaluates(`@convertFromUtc('2024-01-01T00:00:00Z', '${text?.replaceAll("'", "''") ?? ''}')`),
        'a time zone such as UTC or W. Europe Standard Time',
      );
    case 'span':
      return must(isSpan(text ?? ''), 'a time span: write d.hh:mm:ss');
    case 'day of the month':
      return must(
        typeof value === 'bigint' && value !== 0n && value >= -31n && value <= 31n,
        'a day from 1 to 31, or from the end -1 to -31',
      );
    default: {
      const names = rule.split('|');
      return must(
        names.some((name) => name.toLowerCase() === text?.toLowerCase()),
        `one of ${names.join(', ')}`,
      );
    }
  }
}

function evaluates(expression: string): boolean {
  try {
    evaluateText(expression, { now: new Date(0) });
    return true;
  } catch {
    return false; // the finding says what would be right
  }
}

function isSpan(text: string): boolean {
  try {
    parseTimeSpan(text.replace(/^-/, ''), (problem) => new TypeError(problem));
    return true;
  } catch {
    return false; // the finding says what would be right
  }
}

/** Types of parameters or variables exist, and defaults are of them. */
export function checkDefinitions(
  kind: 'parameters' | 'variables',
  definitions: Readonly<Record<string, ParameterDefinition>>,
  placeOf: PlaceOf,
  report: Report,
): void {
  const types = kind === 'parameters' ? parameterTypes : variableTypes;
  const one = kind.slice(0, -1);
  for (const [name, { type, defaultValue }] of Object.entries(definitions)) {
    const path = ['properties', kind, name];
    const known = types.find((candidate) => candidate.toLowerCase() === type.toLowerCase())?.toLowerCase();
    if (known === undefined) {
      const near = nearMisses(type, types);
      report.say(
        'error',
        'FACTORY_INVALID',
        `the ${one} '${name}' has the type ${type}, which does not exist`,
        placeOf([...path, 'type']),
        near.length > 0 ? `did you mean ${near.join(' or ')}?` : `types: ${types.join(', ')}`,
      );
    } else if (defaultValue !== undefined && defaultValue !== null && !isExpression(defaultValue) && !fitsType(defaultValue, known))
      report.say(
        'error',
        'FACTORY_INVALID',
        `the default of the ${one} '${name}' is not of its type ${type}`,
        placeOf([...path, 'defaultValue']),
      );
  }
}

/** Data Factory writes numbers and booleans of parameters also as texts. */
function fitsType(value: Value, type: string): boolean {
  switch (type) {
    case 'int':
    case 'integer':
      return typeof value === 'bigint' || (typeof value === 'string' && /^-?\d+$/.test(value));
    case 'float':
      return (
        typeof value === 'bigint' || value instanceof Float || (typeof value === 'string' && value !== '' && !Number.isNaN(Number(value)))
      );
    case 'bool':
    case 'boolean':
      return typeof value === 'boolean' || (typeof value === 'string' && /^(?:true|false)$/i.test(value));
    case 'array':
      return isArray(value) || (typeof value === 'string' && /^\s*(?:\[|$)/.test(value));
    case 'object':
      return !isArray(value);
    default:
      return !isArray(value);
  }
}
