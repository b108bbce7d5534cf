import { LakesteadError, nearMisses } from '#core';

import { evaluateText, toValue, type Value, type ValueObject } from '../expression/index.ts';
import type { ParameterDefinition, Pipeline } from '../load/factory.ts';

/** What stands for a secret in records and documents. */
export const hidden = '***';

/** Parameters as the record of a run keeps them: what is declared as SecureString is hidden. */
export function withoutSecrets<T>({ parameters }: Pipeline, given: Readonly<Record<string, T>>): Readonly<Record<string, T | string>> {
  const isSecret = (name: string) =>
    Object.entries(parameters).some(([one, { type }]) => one.toLowerCase() === name.toLowerCase() && /^secure/i.test(type));
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, isSecret(name) ? hidden : value]));
}

/** What a variable holds before it is set. */
export function initialValue({ type, defaultValue }: ParameterDefinition): Value {
  if (defaultValue !== undefined) return defaultValue;
  return type.toLowerCase() === 'array' ? [] : null;
}

/** The parameters of a run: given or default, with the type that the pipeline says. */
export function bindParameters(pipeline: Pipeline, given: Readonly<Record<string, unknown>>): ValueObject {
  const names = Object.keys(pipeline.parameters);
  for (const name of Object.keys(given)) {
    if (names.some((one) => one.toLowerCase() === name.toLowerCase())) continue;
    const near = nearMisses(name, names);
    throw new LakesteadError('FACTORY_INVALID', `the pipeline '${pipeline.name}' has no parameter '${name}'`, {
      hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : `its parameters: ${names.join(', ') || 'none'}`,
    });
  }
  return Object.fromEntries(
    Object.entries(pipeline.parameters).map(([name, definition]) => {
      const key = Object.keys(given).find((one) => one.toLowerCase() === name.toLowerCase());
      const value = key === undefined ? definition.defaultValue : toValue(given[key]);
      if (value === undefined)
        throw new LakesteadError('FACTORY_INVALID', `the parameter '${name}' of the pipeline '${pipeline.name}' has no value`, {
          hint: `give it: --param ${name}=...`,
        });
      return [name, coerce(name, value, definition.type)];
    }),
  );
}

/** A parameter's text from the command line as the type that the pipeline says. */
function coerce(name: string, value: Value, type: string): Value {
  if (typeof value !== 'string') return value;
  const convert: Readonly<Record<string, string>> = {
    int: 'int',
    float: 'float',
    bool: 'bool',
    boolean: 'bool',
    array: 'json',
    object: 'json',
  };
  const fn = convert[type.toLowerCase()];
  if (fn === undefined) return value;
  try {
    return evaluateText(`@${fn}(pipeline().parameters.value)`, { parameters: { value }, now: new Date(0) });
  } catch (error) {
    throw new LakesteadError('FACTORY_INVALID', `the parameter '${name}' must be of type ${type}, not '${value}'`, { cause: error });
  }
}
