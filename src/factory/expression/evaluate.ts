import { LakesteadError, nearMisses } from '#core';

import { findFunction, functions } from './functions.ts';
import { expressionError, type Node, parseText } from './parse.ts';
import { printValue } from './print-value.ts';
import { isArray, isObject, property, toValue, typeName, type Value, type ValueObject } from './value.ts';

/** An activity as `activity('name')` sees it. */
export type ActivityView = {
  readonly status?: Value;
  readonly output?: Value;
  readonly error?: Value;
  readonly [key: string]: Value | undefined;
};

/** What an expression may refer to. A part that is left out does not exist where the expression stands. */
export type ExpressionContext = {
  readonly parameters?: ValueObject;
  readonly globalParameters?: ValueObject;
  readonly libraryVariables?: ValueObject;
  readonly variables?: ValueObject;
  readonly activities?: Readonly<Record<string, ActivityView>>;
  readonly item?: Value;
  readonly dataset?: ValueObject;
  readonly linkedService?: ValueObject;
  readonly trigger?: Value;
  /** `pipeline().RunId`, `.Pipeline`, `.DataFactory` and their like. */
  readonly system?: ValueObject;
  /** The instant that utcNow() gives. */
  readonly now: Date;
};

/**
 * The value of a text in a pipeline: of an expression (`@...`), of a text with `@{...}` in it, or the text itself.
 *
 * @throws EXPRESSION_INVALID, EXPRESSION_FAILED; both with line and column in the text
 */
export function evaluateText(text: string, context: ExpressionContext): Value {
  return new Evaluation(text, context).value(parseText(text));
}

/**
 * JSON of a pipeline with every expression in it replaced by its value: texts that are expressions, and objects
 * `{ "value": ..., "type": "Expression" }`.
 */
export function evaluateTree(tree: Value, context: ExpressionContext): Value {
  if (typeof tree === 'string') return evaluateText(tree, context);
  if (isArray(tree)) return tree.map((item) => evaluateTree(item, context));
  if (!isObject(tree)) return tree;
  if (tree['type'] === 'SecureString' && typeof tree['value'] === 'string')
    return { ...tree, value: unquoted(() => evaluateText(String(tree['value']), context)) };
  if (tree['type'] === 'Expression' && 'value' in tree)
    return typeof tree['value'] === 'string' ? evaluateText(tree['value'], context) : evaluateTree(tree['value'] ?? null, context);
  return Object.fromEntries(Object.entries(tree).map(([key, item]) => [key, evaluateTree(item, context)]));
}

/** What reads a secret must not say it in its error: those of expressions quote their text. */
export function unquoted<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof LakesteadError)) throw error;
    throw new LakesteadError(error.code, 'the value of a SecureString is no expression that works', {
      hint: 'an @ at its start is written @@, and @{ as @@{; what is wrong is not shown, because the text may be a password',
    });
  }
}

type Selection = Extract<Node, { kind: 'property' | 'index' }>;

class Evaluation {
  readonly #text: string;
  readonly #context: ExpressionContext;

  constructor(text: string, context: ExpressionContext) {
    this.#text = text;
    this.#context = context;
  }

  value(node: Node): Value {
    switch (node.kind) {
      case 'literal':
        return node.value;
      case 'interpolation':
        return node.parts.map((part) => (typeof part === 'string' ? part : printValue(this.value(part)))).join('');
      case 'property':
      case 'index':
        return this.#select(node) ?? null;
      case 'call':
        return this.#call(node);
    }
  }

  /** Undefined when a null before `?.` ended the whole chain: what comes behind is not asked for. */
  #select(node: Selection): Value | undefined {
    const { target: inner } = node;
    const target = inner.kind === 'property' || inner.kind === 'index' ? this.#select(inner) : this.value(inner);
    if (target === undefined || (target === null && node.isSafe)) return undefined;
    if (node.kind === 'property') return this.#property(node, target, node.name);
    const index = this.value(node.index);
    if (typeof index === 'bigint') return this.#item(node, target, Number(index));
    if (typeof index === 'string') return this.#property(node, target, index);
    throw this.#fail(node.at, `an index is a number or a text, not ${typeName(index)}`);
  }

  #property(node: Selection, target: Value, name: string): Value {
    if (!isObject(target))
      throw this.#fail(
        node.at,
        `the property '${name}' cannot be selected: the value is ${typeName(target)}`,
        'use ?. where a value may be missing',
      );
    const found = property(target, name);
    if (found !== undefined) return found;
    if (node.isSafe) return null;
    const keys = Object.keys(target);
    const near = nearMisses(name, keys);
    const known = keys.length === 0 ? 'it has none' : `it has ${keys.slice(0, 12).join(', ')}`;
    throw this.#fail(
      node.at,
      `the property '${name}' does not exist: ${known}`,
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'use ?. where a property may be missing',
    );
  }

  #item(node: Selection, target: Value, index: number): Value {
    if (!isArray(target)) throw this.#fail(node.at, `[${index}] needs an array, not ${typeName(target)}`);
    const found = target[index];
    if (found !== undefined) return found;
    if (node.isSafe) return null;
    throw this.#fail(node.at, `the index ${index} is outside the array of ${target.length} items`);
  }

  #call(node: Extract<Node, { kind: 'call' }>): Value {
    const name = node.name.toLowerCase();
    const reference = Object.hasOwn(references, name) ? references[name] : undefined;
    if (reference !== undefined)
      return reference(
        this.#context,
        () => node.args.map((arg) => this.value(arg)),
        (problem, hint) => this.#fail(node.at, problem, hint),
      );
    const definition = findFunction(name);
    if (definition === undefined) {
      const near = nearMisses(node.name, [...Object.values(functions).map((one) => one.name), ...Object.keys(references)]);
      throw expressionError(
        'EXPRESSION_INVALID',
        this.#text,
        node.at,
        `there is no function ${node.name}`,
        near.length === 0 ? undefined : `did you mean ${near.join(' or ')}?`,
      );
    }
    const [least, most] = definition.count;
    if (node.args.length < least || node.args.length > most) {
      throw expressionError(
        'EXPRESSION_INVALID',
        this.#text,
        node.at,
        `${definition.name} takes ${least === most ? least : `${least} to ${most === Infinity ? 'any number of' : most}`} arguments, not ${node.args.length}`,
        definition.signature,
      );
    }
    try {
      if (definition.lazy !== undefined) return definition.lazy(node.args.map((arg) => () => this.value(arg)));
      return definition.apply(
        node.args.map((arg) => this.value(arg)),
        this.#context,
      );
    } catch (error) {
      if (error instanceof LakesteadError) throw error;
      throw this.#fail(node.at, `${definition.name}: ${error instanceof Error ? error.message : String(error)}`, definition.signature);
    }
  }

  #fail(at: number, problem: string, hint?: string): LakesteadError {
    return expressionError('EXPRESSION_FAILED', this.#text, at, problem, hint);
  }
}

type Fail = (problem: string, hint?: string) => LakesteadError;
type Reference = (context: ExpressionContext, args: () => readonly Value[], fail: Fail) => Value;

function named(values: ValueObject | undefined, name: Value | undefined, what: string, fail: Fail): Value {
  if (typeof name !== 'string') throw fail(`${what} takes a name`);
  const found = values === undefined ? undefined : property(values, name);
  if (found !== undefined) return found;
  const near = nearMisses(name, Object.keys(values ?? {}));
  throw fail(`there is no ${what} '${name}'`, near.length === 0 ? undefined : `did you mean ${near.join(' or ')}?`);
}

/** The objects of a run, as functions without state of their own. */
const references: Readonly<Record<string, Reference>> = {
  pipeline: ({ parameters, globalParameters, libraryVariables, system }) => ({
    ...system,
    parameters: parameters ?? {},
    globalParameters: globalParameters ?? {},
    ...(libraryVariables === undefined ? {} : { libraryVariables }),
  }),
  variables: ({ variables }, args, fail) => named(variables, args()[0], 'variable', fail),
  activity: ({ activities }, args, fail) => {
    const [name] = args();
    const found = named(
      activities === undefined ? undefined : (activities as ValueObject),
      name,
      'activity that ran before this one',
      fail,
    );
    return found;
  },
  item: ({ item }, _, fail) => {
    if (item === undefined) throw fail('item() has a value only inside ForEach and Filter');
    return item;
  },
  dataset: ({ dataset }, args, fail) => {
    const [name] = args();
    return name === undefined ? (dataset ?? {}) : named(dataset, name, 'dataset parameter', fail);
  },
  linkedservice: ({ linkedService }, args, fail) => {
    const [name] = args();
    return name === undefined ? (linkedService ?? {}) : named(linkedService, name, 'linked service parameter', fail);
  },
  trigger: ({ trigger }, _, fail) => {
    if (trigger === undefined) throw fail('trigger() has a value only in a run that a trigger started');
    return trigger;
  },
};

/** The names that are references and no functions of values. */
export const referenceNames: readonly string[] = Object.keys(references);

/** One case of a file of cases, and its answer. */
export type CaseAnswer =
  | { readonly id: string; readonly value: Value }
  | { readonly id: string; readonly error: { readonly code: string; readonly message: string } };

/** Evaluates `[{id, expression, context}]`; a context has parameters, variables, activities, item, dataset, utcNow ... */
export function evaluateCases(cases: Value): readonly CaseAnswer[] {
  if (!isArray(cases)) throw new LakesteadError('USAGE', 'the file of cases must be a JSON array of {id, expression, context}');
  return cases.map((one) => {
    if (!isObject(one)) throw new LakesteadError('USAGE', 'a case must be an object {id, expression, context}');
    const id = String(one['id']);
    try {
      const { expression } = one;
      const context = contextOf(isObject(one['context']) ? one['context'] : {});
      return { id, value: typeof expression === 'string' ? evaluateText(expression, context) : evaluateTree(expression ?? null, context) };
    } catch (error) {
      if (error instanceof LakesteadError) return { id, error: { code: error.code, message: error.message } };
      throw error;
    }
  });
}

function contextOf(json: ValueObject): ExpressionContext {
  const object = (key: string) => {
    const value = json[key];
    return isObject(value) ? { [key]: value } : {};
  };
  const utcNow = json['utcNow'];
  return {
    ...object('parameters'),
    ...object('globalParameters'),
    ...object('libraryVariables'),
    ...object('variables'),
    ...object('activities'),
    ...object('dataset'),
    ...object('linkedService'),
    ...object('system'),
    ...('item' in json ? { item: json['item'] ?? null } : {}),
    ...('trigger' in json ? { trigger: toValue(json['trigger']) } : {}),
    now: typeof utcNow === 'string' ? new Date(utcNow.replace(/(\.\d{3})\d+/, '$1')) : new Date(),
  };
}
