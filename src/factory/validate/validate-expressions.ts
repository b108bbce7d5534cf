import { LakesteadError, nearMisses } from '#core';

import {
  findFunction,
  functions,
  isArray,
  isObject,
  type Node,
  parseText,
  referenceNames,
  unquoted,
  type Value,
} from '../expression/index.ts';
import type { PlaceOf } from '../load/factory.ts';
import type { JsonPath } from '../load/parse-activity.ts';
import type { Report } from './report.ts';

/** What an expression may refer to where it stands; what is undefined is not checked. Names compare without case. */
export type ExpressionScope = {
  /** The parameters behind `pipeline().parameters`, `dataset()` or `linkedService()`. */
  readonly parameters: readonly string[];
  readonly owner: 'pipeline' | 'dataset' | 'linkedService';
  readonly variables: readonly string[];
  /** All activities of the pipeline, and those that have ended before this one. */
  readonly activities: readonly string[];
  readonly before: ReadonlySet<string>;
  /** True inside of a loop or a filter. */
  readonly hasItem: boolean;
};

/** Azure's limit of characters. */
const maxLength = 8192;

/** Lists of activities: what is in them is checked as activities. */
const inner = ['activities', 'ifTrueActivities', 'ifFalseActivities', 'defaultActivities'];

/** Every text that is an expression parses, its functions take what they are given, and what it refers to is there. */
export function checkExpressions(value: Value, path: JsonPath, scope: ExpressionScope, placeOf: PlaceOf, report: Report): void {
  if (typeof value === 'string') check(() => checkText(value, scope), path, placeOf, report);
  else if (isArray(value)) value.forEach((item, index) => checkExpressions(item, [...path, index], scope, placeOf, report));
  else if (isObject(value)) {
    const secret = value['type'] === 'SecureString' ? value['value'] : undefined;
    if (typeof secret === 'string') check(() => unquoted(() => checkText(secret, scope)), [...path, 'value'], placeOf, report);
    else
      for (const [key, item] of Object.entries(value))
        if (!inner.includes(key) || !isArray(item)) checkExpressions(item, [...path, key], scope, placeOf, report);
  }
}

function checkText(text: string, scope: ExpressionScope): void {
  if (text.length > maxLength && text.includes('@'))
    throw new LakesteadError('EXPRESSION_INVALID', `an expression of ${text.length} characters: Azure takes 8,192`);
  checkNode(parseText(text), scope);
}

function check(read: () => void, path: JsonPath, placeOf: PlaceOf, report: Report): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof LakesteadError)) throw error;
    report.say('error', error.code, error.message, placeOf(path), error.hint);
  }
}

/** The variables that an expression reads, lower case. */
export function variablesOf(value: Value): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (node: Node): void => {
    if (node.kind === 'call' && node.name.toLowerCase() === 'variables') {
      const [name] = node.args;
      if (name?.kind === 'literal' && typeof name.value === 'string') found.add(name.value.toLowerCase());
    }
    childrenOf(node).forEach(visit);
  };
  const read = (part: Value): void => {
    if (typeof part === 'string') visit(parseText(part));
    else if (isArray(part)) part.forEach(read);
    else if (isObject(part)) Object.values(part).forEach(read);
  };
  try {
    read(value);
  } catch (error) {
    if (!(error instanceof LakesteadError)) throw error; // an expression that does not parse is a finding of its own
  }
  return found;
}

function childrenOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'call':
      return node.args;
    case 'property':
      return [node.target];
    case 'index':
      return [node.target, node.index];
    case 'interpolation':
      return node.parts.filter((part) => typeof part !== 'string');
    case 'literal':
      return [];
  }
}

function checkNode(node: Node, scope: ExpressionScope): void {
  if (node.kind === 'call') checkCall(node, scope);
  if (node.kind === 'property') checkProperty(node, scope);
  for (const child of childrenOf(node)) checkNode(child, scope);
}

function checkCall(node: Node & { kind: 'call' }, scope: ExpressionScope): void {
  const name = node.name.toLowerCase();
  const definition = findFunction(name);
  if (definition === undefined && !referenceNames.includes(name))
    throw unknown('there is no function', node.name, [...Object.values(functions).map((one) => one.name), ...referenceNames], (one) => one);
  if (definition !== undefined && (node.args.length < definition.count[0] || node.args.length > definition.count[1]))
    throw new LakesteadError('EXPRESSION_INVALID', `${definition.name} does not take ${node.args.length} arguments`, {
      hint: definition.signature,
    });
  const [first] = node.args;
  const text = first?.kind === 'literal' && typeof first.value === 'string' ? first.value : undefined;
  if (name === 'variables' && text !== undefined && !has(scope.variables, text))
    throw unknown('there is no variable', text, scope.variables);
  if (name === 'activity' && text !== undefined) {
    if (!has(scope.activities, text)) throw unknown('there is no activity', text, scope.activities);
    if (!scope.before.has(text.toLowerCase()))
      throw new LakesteadError('EXPRESSION_INVALID', `the activity '${text}' need not have ended before this one`, {
        hint: 'add it to dependsOn, of this activity or of one before it',
      });
  }
  if (name === 'item' && !scope.hasItem)
    throw new LakesteadError('EXPRESSION_INVALID', 'item() is there inside of ForEach and Filter only');
  if ((name === 'dataset' || name === 'linkedservice') && name !== scope.owner.toLowerCase())
    throw new LakesteadError('EXPRESSION_INVALID', `${node.name}() is not there in a ${scope.owner}`);
}

/** What pipeline() has in Data Factory, Synapse and Fabric. */
const ofPipeline = [
  'parameters', 'globalParameters', 'libraryVariables', 'DataFactory', 'Pipeline', 'PipelineName', 'RunId', 'GroupId', 'TriggerType', 'TriggerId', 'TriggerName', 'TriggerTime', 'TriggeredByPipelineName', 'TriggeredByPipelineRunId', 'TriggerEvent', 'Workspace', 'WorkspaceId', 'WorkspaceName',
]; // prettier-ignore

/** `pipeline().parameters.x`, `dataset().x`: the parameter is declared. */
function checkProperty({ target, name }: Node & { kind: 'property' }, { owner, parameters }: ExpressionScope): void {
  const holder = target.kind === 'property' && target.name.toLowerCase() === 'parameters' && owner === 'pipeline' ? target.target : target;
  if (owner === 'pipeline' && target.kind === 'call' && target.name.toLowerCase() === 'pipeline' && !has(ofPipeline, name))
    throw unknown('pipeline() has no', name, ofPipeline);
  if (holder.kind !== 'call' || (owner === 'pipeline') === (holder === target) || holder.name.toLowerCase() !== owner.toLowerCase()) return;
  if (!has(parameters, name)) throw unknown(`the ${owner} has no parameter`, name, parameters);
}

const has = (names: readonly string[], name: string): boolean => names.some((one) => one.toLowerCase() === name.toLowerCase());

function unknown(problem: string, name: string, known: readonly string[], quote = (one: string) => `'${one}'`): LakesteadError {
  const near = nearMisses(name, known);
  return new LakesteadError(
    'EXPRESSION_INVALID',
    `${problem} ${quote(name)}`,
    near.length === 0 ? {} : { hint: `did you mean ${near.join(' or ')}?` },
  );
}
