import type { z } from 'zod';

import { nearMisses } from '#core';

import type { ConfigFinding } from './config.ts';
import { configJsonSchema } from './schema.ts';
import type { YamlPath, YamlText } from './yaml-text.ts';

/** Makes findings of one file. */
export type FindingMaker = (
  path: YamlPath,
  message: string,
  hint?: string,
  options?: { readonly at?: 'key' | 'value'; readonly severity?: 'warning' },
) => ConfigFinding;

export function findingMaker(file: string, yaml: YamlText): FindingMaker {
  return (path, message, hint, options = {}) => ({
    code: 'CONFIG_INVALID',
    severity: options.severity ?? 'error',
    file,
    ...(options.at === 'key' ? yaml.keyAt(path) : yaml.valueAt(path)),
    message,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** What zod found, in the words of somebody who writes YAML. */
export function describeIssues(issues: readonly z.core.$ZodIssue[], find: FindingMaker): readonly ConfigFinding[] {
  // A key misspelt makes another one missing: the cause goes first.
  const ordered = issues.toSorted((a, b) => Number(b.code === 'unrecognized_keys') - Number(a.code === 'unrecognized_keys'));
  return ordered.flatMap((issue) => {
    const { path } = issue;
    const name = formatPath(path);
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => {
          const known = knownKeys(path);
          const [near] = nearMisses(key, known);
          const hint = near === undefined ? `known here: ${known.join(', ')}` : `did you mean ${near}?`;
          return find([...path, key], `${JSON.stringify(key)} is no key of ${name}`, hint, { at: 'key' });
        });
      case 'invalid_type': {
        const last = path.at(-1);
        if (issue.input === undefined && last !== undefined) {
          return [find(path.slice(0, -1), `${formatPath(path.slice(0, -1))} needs ${String(last)}`, descriptionAt(path))];
        }
        return [find(path, `${name} must be ${article(issue.expected)}, not ${describeValue(issue.input)}`, descriptionAt(path))];
      }
      case 'invalid_key':
        return [
          find(
            path,
            `${JSON.stringify(path.at(-1))} cannot stand in ${formatPath(path.slice(0, -1))}: it ${issue.issues[0]?.message ?? 'is not allowed'}`,
            descriptionAt(path.slice(0, -1)),
            { at: 'key' },
          ),
        ];
      case 'too_small':
        return [
          find(
            path,
            issue.origin === 'string' ? `${name} is empty` : `${name} must be at least ${String(issue.minimum)}`,
            descriptionAt(path),
          ),
        ];
      case 'too_big':
        return [find(path, `${name} must be at most ${String(issue.maximum)}`, descriptionAt(path))];
      case 'invalid_union': {
        // Text or a map: what is wrong in the form that was meant, not that it is neither.
        const last = path.at(-1);
        if (issue.input === undefined && last !== undefined) {
          return [find(path.slice(0, -1), `${formatPath(path.slice(0, -1))} needs ${String(last)}`, descriptionAt(path))];
        }
        const wanted = issue.errors.filter(
          (branch) => !branch.some(({ code, path: inner }) => code === 'invalid_type' && inner.length === 0),
        );
        const [branch] = wanted;
        if (branch === undefined) {
          return [find(path, `${name} must be text or a map, not ${describeValue(issue.input)}`, descriptionAt(path))];
        }
        const inside = branch.map((inner) => ({ ...inner, path: [...path, ...inner.path] }));
        return describeIssues(inside, find);
      }
      case 'custom':
      case 'invalid_element':
      case 'invalid_format':
      case 'invalid_value':
      case 'not_multiple_of':
        break;
    }
    return [find(path, `${name} ${issue.message}`, descriptionAt(path))];
  });
}

function formatPath(path: YamlPath): string {
  return path.length === 0
    ? 'lakestead.yaml'
    : path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`)).join('');
}

function article(type: string): string {
  const names: Record<string, string> = {
    object: 'a map',
    record: 'a map',
    array: 'a list',
    string: 'text',
    int: 'a whole number',
    boolean: 'true or false',
  };
  return names[type] ?? `a ${type}`;
}

function describeValue(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  // Text is not repeated: it may be a password that slipped into the wrong line.
  return typeof value === 'string' ? 'text' : `the ${typeof value} ${JSON.stringify(value)}`;
}

type JsonSchema = {
  readonly properties?: Record<string, JsonSchema>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly description?: string;
};

function schemaAt(path: YamlPath): JsonSchema | undefined {
  // zod wrote it: the parts named above are what JSON Schema says of objects, maps and lists.
  let schema: JsonSchema | undefined = configJsonSchema();
  for (const part of path) {
    // Where text stands for a map in short, what is below is the map's.
    schema = schema?.anyOf?.find((branch) => branch.properties !== undefined) ?? schema;
    const rest: JsonSchema | boolean | undefined = schema?.additionalProperties;
    schema =
      typeof part === 'number' ? schema?.items : (schema?.properties?.[String(part)] ?? (typeof rest === 'object' ? rest : undefined));
  }
  return schema;
}

function knownKeys(path: YamlPath): readonly string[] {
  const schema = schemaAt(path);
  return Object.keys((schema?.anyOf?.find((branch) => branch.properties !== undefined) ?? schema)?.properties ?? {});
}

function descriptionAt(path: YamlPath): string | undefined {
  return schemaAt(path)?.description;
}
