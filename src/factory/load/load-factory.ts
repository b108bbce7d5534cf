import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { describeError, LakesteadError, nearMisses } from '#core';

import { isObject, parseJson, type ValueObject } from '../expression/index.ts';
import type { Dataset, Factory, FactoryFolder, Finding, LinkedService, Pipeline } from './factory.ts';
import { invalid, type JsonReader, parseActivities, readObject, readParameters, readText, referenceName } from './parse-activity.ts';

/** A loaded factory and what was wrong on the way: a file with an error is left out. */
export type LoadedFactory = { readonly factory: Factory; readonly findings: readonly Finding[] };

/** Folders of the Git layout whose files are read for what they are, and those that do nothing here. */
const ignoredFolders = [
  'trigger',
  'integrationRuntime',
  'credential',
  'managedVirtualNetwork',
  'dataflow',
  'sqlscript',
  'notebook',
  'KQLScript',
  'sparkJobDefinition',
  'database',
  'bigDataPool',
];

/** Loads factory folders in Data Factory's or Synapse's Git layout. Reads files only. */
export function loadFactory(dirs: readonly string[]): LoadedFactory {
  const findings: Finding[] = [];
  const folders = dirs.map((dir) => loadFolder(dir, findings));
  return { factory: { folders }, findings };
}

function loadFolder(dir: string, findings: Finding[]): FactoryFolder {
  const name = basename(dir);
  if (!existsSync(dir)) {
    findings.push({ file: dir, severity: 'error', code: 'FACTORY_NOT_FOUND', message: `there is no factory folder ${dir}` });
  }
  let globalParameters: ValueObject = {};
  for (const { json } of readFolder(dir, 'factory', findings)) {
    const properties = isObject(json['properties']) ? json['properties'] : json;
    const defined = properties['globalParameters'];
    if (isObject(defined))
      globalParameters = Object.fromEntries(
        Object.entries(defined).map(([key, one]) => [key, isObject(one) && 'value' in one ? (one['value'] ?? null) : one]),
      );
  }
  for (const ignored of ignoredFolders) {
    for (const { reader } of readFolder(dir, ignored, findings)) {
      const acts = ignored === 'integrationRuntime' || ignored === 'notebook' || ignored === 'sqlscript';
      if (!acts)
        findings.push({ file: reader.file, severity: 'info', code: 'FACTORY_UNSUPPORTED', message: `a ${ignored} does nothing here yet` });
    }
  }
  return {
    name,
    dir,
    globalParameters,
    pipelines: collect(readFolder(dir, 'pipeline', findings), findings, (file, itsName) => parsePipeline(file, itsName, name)),
    datasets: collect(readFolder(dir, 'dataset', findings), findings, parseDataset),
    linkedServices: collect(readFolder(dir, 'linkedService', findings), findings, parseLinkedService),
  };
}

type JsonFile = { readonly json: ValueObject; readonly reader: JsonReader };

function readFolder(dir: string, kind: string, findings: Finding[]): readonly JsonFile[] {
  const folder = join(dir, kind);
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));
  return files.toSorted().flatMap((file) => {
    const path = join(folder, file);
    try {
      const { value, placeOf } = parseJson(readFileSync(path, 'utf8'), path);
      if (!isObject(value)) throw invalid({ file: path, placeOf }, [], 'the file must hold an object');
      return [{ json: value, reader: { file: path, placeOf } }];
    } catch (error) {
      findings.push(findingOf(error, path));
      return [];
    }
  });
}

/** An error about a file as a finding. Anything that is no error of ours goes on. */
export function findingOf(error: unknown, file: string): Finding {
  if (!(error instanceof LakesteadError)) throw error;
  const { code, message, place, hint } = describeError(error);
  return {
    file: place?.file ?? file,
    severity: 'error',
    code,
    message,
    ...(place?.line === undefined ? {} : { line: place.line }),
    ...(place?.column === undefined ? {} : { column: place.column }),
    ...(hint === undefined ? {} : { hint }),
  };
}

function collect<T extends { readonly name: string }>(
  files: readonly JsonFile[],
  findings: Finding[],
  parse: (file: JsonFile, name: string) => T,
): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  for (const file of files) {
    const { reader, json } = file;
    try {
      const name = readText(reader, json['name'], ['name'], 'the name');
      const fileName = basename(reader.file, '.json');
      if (name !== fileName)
        findings.push({
          file: reader.file,
          severity: 'info',
          code: 'FACTORY_INVALID',
          message: `the file is called ${fileName}, what it holds ${name}: the name inside counts`,
        });
      if (found.has(name.toLowerCase())) throw invalid(reader, ['name'], `there are two of the name '${name}'`);
      found.set(name.toLowerCase(), parse(file, name));
    } catch (error) {
      findings.push(findingOf(error, reader.file));
    }
  }
  return found;
}

function parsePipeline({ json, reader }: JsonFile, name: string, folder: string): Pipeline {
  const properties = readObject(reader, json['properties'], ['properties'], 'properties');
  return {
    name,
    folder,
    file: reader.file,
    parameters: readParameters(reader, properties['parameters'], ['properties', 'parameters']),
    variables: readParameters(reader, properties['variables'], ['properties', 'variables']),
    activities: parseActivities(reader, properties['activities'], ['properties', 'activities']),
    placeOf: reader.placeOf,
  };
}

function parseDataset({ json, reader }: JsonFile, name: string): Dataset {
  const properties = readObject(reader, json['properties'], ['properties'], 'properties');
  const linkedService = referenceName(reader, properties['linkedServiceName'], ['properties', 'linkedServiceName']);
  if (linkedService === undefined) throw invalid(reader, ['properties'], `the dataset '${name}' names no linked service`);
  return {
    name,
    type: readText(reader, properties['type'], ['properties', 'type'], 'the type of a dataset'),
    file: reader.file,
    linkedService,
    parameters: readParameters(reader, properties['parameters'], ['properties', 'parameters']),
    typeProperties: readObject(reader, properties['typeProperties'], ['properties', 'typeProperties'], 'typeProperties'),
  };
}

function parseLinkedService({ json, reader }: JsonFile, name: string): LinkedService {
  const properties = readObject(reader, json['properties'], ['properties'], 'properties');
  return {
    name,
    type: readText(reader, properties['type'], ['properties', 'type'], 'the type of a linked service'),
    file: reader.file,
    parameters: readParameters(reader, properties['parameters'], ['properties', 'parameters']),
    typeProperties: readObject(reader, properties['typeProperties'], ['properties', 'typeProperties'], 'typeProperties'),
  };
}

/** A pipeline by `name` or `folder:name`, and the folder whose datasets and linked services it uses. */
export function findPipeline(factory: Factory, name: string): { readonly pipeline: Pipeline; readonly folder: FactoryFolder } {
  const [, folderName, bare] = /^([^:]+):(.+)$/.exec(name) ?? [undefined, undefined, name];
  const matches = factory.folders.flatMap((folder) => {
    if (folderName !== undefined && folder.name.toLowerCase() !== folderName.toLowerCase()) return [];
    const pipeline = folder.pipelines.get((bare ?? name).toLowerCase());
    return pipeline === undefined ? [] : [{ pipeline, folder }];
  });
  const [match] = matches;
  if (match === undefined) {
    const known = factory.folders.flatMap((folder) => [...folder.pipelines.values()].map((one) => one.name));
    const near = nearMisses(bare ?? name, known);
    throw new LakesteadError('FACTORY_NOT_FOUND', `there is no pipeline '${name}'`, {
      hint:
        near.length > 0
          ? `did you mean ${near.join(' or ')}?`
          : known.length === 0
            ? 'name the factory folders in lakestead.yaml: factory: [factory]'
            : `pipelines: ${known.join(', ')}`,
    });
  }
  if (matches.length > 1) {
    throw new LakesteadError('FACTORY_NOT_FOUND', `there are ${matches.length} pipelines '${name}'`, {
      hint: `say which: ${matches.map(({ folder }) => `${folder.name}:${bare}`).join(' or ')}`,
    });
  }
  return match;
}
