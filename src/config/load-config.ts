import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { LakesteadError, nearMisses } from '#core';

import type { Config, ConfigFinding, ConfigOptions } from './config.ts';
import { resolveEnvironment } from './environment.ts';
import { describeIssues, findingMaker, type FindingMaker } from './findings.ts';
import { configSchema, type RawConfig } from './schema.ts';
import { parseBytes } from './units.ts';
import { parseYamlText } from './yaml-text.ts';

const fileName = 'lakestead.yaml';

/**
 * The project that `dir` is in, checked, in one of its environments.
 *
 * @throws {LakesteadError} `CONFIG_NOT_FOUND`; `CONFIG_INVALID` with every mistake in `data.findings`, the first as its
 * message and place; `USAGE` for an environment that the file does not have
 */
export function loadConfig(options: ConfigOptions): Config {
  const { config, findings } = readConfig(options);
  const errors = findings.filter((finding) => finding.severity === 'error');
  const [first] = errors;
  if (first !== undefined) {
    const more = errors.length === 1 ? '' : ` (and ${errors.length - 1} more: lakestead validate lists all)`;
    throw new LakesteadError('CONFIG_INVALID', `${first.file}:${first.line}:${first.column}: ${first.message}${more}`, {
      place: { file: first.file, line: first.line, column: first.column },
      data: { findings: errors },
      hint: first.hint ?? 'lakestead validate checks the whole project',
    });
  }
  if (config === undefined) throw new LakesteadError('INTERNAL', 'a configuration without findings gave nothing');
  return config;
}

/**
 * Every mistake in the project's `lakestead.yaml`, also what it names and is not there. Throws only what {@link loadConfig}
 * throws before it has read the file.
 */
export function validateConfig(options: ConfigOptions): readonly ConfigFinding[] {
  const { config, findings, find } = readConfig(options);
  if (config === undefined) return findings;
  return [...findings, ...findMissingFiles(config, find)];
}

function readConfig(options: ConfigOptions): { config?: Config; findings: readonly ConfigFinding[]; find: FindingMaker } {
  const file = findConfigFile(options.dir);
  const projectDir = dirname(file);
  const yaml = parseYamlText(readText(file));
  const find = findingMaker(file, yaml);
  if (yaml.errors.length > 0) {
    return {
      find,
      findings: yaml.errors.map(({ line, column, message }) => ({
        code: 'CONFIG_INVALID',
        severity: 'error',
        file,
        line,
        column,
        message: `this is no YAML: ${message}`,
      })),
    };
  }
  const parsed = configSchema.safeParse(yaml.value ?? {}, { reportInput: true });
  if (!parsed.success) return { find, findings: describeIssues(parsed.error.issues, find) };

  const raw = parsed.data;
  const findings: ConfigFinding[] = [];
  const name = chooseEnvironment(raw, options.env, find, findings);
  const rawEnvironment = name === undefined ? undefined : raw.environments[name];
  if (name === undefined || rawEnvironment === undefined) return { find, findings };
  const environment = resolveEnvironment(name, rawEnvironment, {
    projectDir,
    environmentVariables: options.environmentVariables ?? process.env,
    find,
    findings,
  });
  const { memoryLimit, threads, remoteCacheLimit } = raw.engine;
  const workerMemory = raw.notebookWorkers.memoryLimit;
  const config: Config = {
    name: raw.name,
    projectDir,
    file,
    factory: raw.factory.map((folder) => resolve(projectDir, folder)),
    main: raw.main,
    engine: {
      ...(memoryLimit === undefined ? {} : { memoryLimit }),
      ...(threads === undefined ? {} : { threads }),
      ...(remoteCacheLimit === undefined ? {} : { remoteCacheBytes: parseBytes(remoteCacheLimit) }),
    },
    notebookWorkers: workerMemory === undefined ? {} : { memoryBytes: parseBytes(workerMemory) },
    environment,
    environmentNames: Object.keys(raw.environments),
    globalParameters: raw.globalParameters,
  };
  return { config, findings, find };
}

function findConfigFile(dir: string): string {
  const start = resolve(dir);
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, fileName);
    if (existsSync(file)) return file;
    if (dirname(folder) === folder) break;
  }
  throw new LakesteadError('CONFIG_NOT_FOUND', `there is no ${fileName} in ${start} or in a folder above it`, {
    hint: 'lakestead init <dir> makes a project; --project <dir> names one',
  });
}

function readText(file: string): string {
  try {
    // Editors of Windows put a byte order mark first.
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new LakesteadError('CONFIG_INVALID', `${file} cannot be read`, {
      cause,
      place: { file },
      hint: 'it must be a file that this user may read',
    });
  }
}

function chooseEnvironment(raw: RawConfig, asked: string | undefined, find: FindingMaker, findings: ConfigFinding[]): string | undefined {
  const names = Object.keys(raw.environments);
  if (asked !== undefined) {
    if (names.includes(asked)) return asked;
    throw new LakesteadError('USAGE', `there is no environment ${JSON.stringify(asked)} in lakestead.yaml`, {
      hint: `--env takes ${names.join(', ')}`,
    });
  }
  if (raw.environment !== undefined) {
    if (names.includes(raw.environment)) return raw.environment;
    const [near] = nearMisses(raw.environment, names);
    findings.push(
      find(
        ['environment'],
        `there is no environment ${JSON.stringify(raw.environment)}`,
        near === undefined ? `known: ${names.join(', ')}` : `did you mean ${near}?`,
      ),
    );
    return undefined;
  }
  if (names.length === 1) return names[0];
  findings.push(find([], 'several environments, and none is the default', `add environment: ${names[0] ?? 'local'}`));
  return undefined;
}

function findMissingFiles(config: Config, find: FindingMaker): readonly ConfigFinding[] {
  const { environment } = config;
  const root = ['environments', environment.name];
  const findings: ConfigFinding[] = [];
  config.factory.forEach((folder, index) => {
    if (!existsSync(folder))
      findings.push(find(['factory', index], `the folder ${folder} is not there`, "name a folder in Data Factory's Git layout"));
  });
  for (const [prefix, folder] of environment.notebooks) {
    if (!existsSync(folder))
      findings.push(find([...root, 'notebooks', prefix], `the folder ${folder} is not there`, 'make it, or name another'));
  }
  for (const [name, { scripts }] of environment.databases) {
    scripts.forEach((pattern, index) => {
      if (globSync(pattern, { cwd: config.projectDir }).length === 0) {
        findings.push(
          find([...root, 'databases', name, 'scripts', index], `no file fits ${pattern}`, 'patterns are relative to lakestead.yaml', {
            severity: 'warning',
          }),
        );
      }
    });
  }
  return findings;
}
