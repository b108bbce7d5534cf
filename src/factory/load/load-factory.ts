import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { describeError, LakesteadError, nearMisses } from '#core';

import { isArray, isObject, parseJson, type ValueObject } from '../expression/index.ts';
import type { Dataset, Factory, FactoryFolder, Finding, LinkedService, OtherPart, Pipeline, Trigger } from './factory.ts';
import {
  invalid,
  type JsonReader,
  parseActivities,
  parseReference,
  readObject,
  readParameters,
  readText,
  referenceName,
} from './parse-activity.ts';

/** A loaded factory and what was wrong on the way: a file with an error is left out. */
export type LoadedFactory = { readonly factory: Factory; readonly findings: readonly Finding[] };

/** Folders of the Git layout whose files are read for what they are, and those that do nothing here. */
const ignoredFolders = [
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
  const others: OtherPart[] = [];
  for (const { json, reader } of readFolder(dir, 'factory', findings)) {
    const properties = isObject(json['properties']) ? json['properties'] : json;
    if (properties !== json)
      others.push({ kind: 'factory', name: nameOfFile(reader.file), file: reader.file, properties, placeOf: reader.placeOf });
    const defined = properties['globalParameters'];
    if (isObject(defined))
      globalParameters = Object.fromEntries(
        Object.entries(defined).map(([key, one]) => [key, isObject(one) && 'value' in one ? (one['value'] ?? null) : one]),
      );
  }
  for (const ignored of ignoredFolders) {
    for (const { json, reader } of readFolder(dir, ignored, findings)) {
      const { name: given, properties } = json;
      others.push({
        kind: ignored,
        name: typeof given === 'string' ? given : nameOfFile(reader.file),
        file: reader.file,
        properties: isObject(properties) ? properties : {},
        placeOf: reader.placeOf,
      });
      const acts = ignored === 'integrationRuntime' || ignored === 'notebook' || ignored === 'sqlscript';
      if (!acts)
        findings.push({ file: reader.file, severity: 'info', code: 'FACTORY_UNSUPPORTED', message: `a ${ignored} does nothing here yet` });
    }
  }
  return {
    name,
    dir,
    globalParameters,
    others,
    pipelines: collect(readFolder(dir, 'pipeline', findings), findings, (file, itsName) => parsePipeline(file, itsName, name)),
    datasets: collect(readFolder(dir, 'dataset', findings), findings, parseDataset),
    linkedServices: collect(readFolder(dir, 'linkedService', findings), findings, parseLinkedService),
    triggers: collect(readFolder(dir, 'trigger', findings), findings, parseTrigger),
  };
}

type JsonFile = { readonly json: ValueObject; readonly reader: JsonReader };

/** Folders that make a folder a factory. */
const factoryFolders = ['pipeline', 'dataset', 'linkedService', 'trigger', 'factory'];

/** A folder without any of Git's layout may hold pipelines alone. */
function readFolder(dir: string, kind: string, findings: Finding[]): readonly JsonFile[] {
  const isBare = kind === 'pipeline' && existsSync(dir) && !factoryFolders.some((name) => existsSync(join(dir, name)));
  const folder = isBare ? dir : join(dir, kind);
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));
  return files.toSorted().flatMap((file) => {
    const path = join(folder, file);
    try {
      const { value, placeOf, duplicates } = parseJson(decodeText(readFileSync(path), path), path);
      if (!isObject(value)) throw invalid({ file: path, placeOf }, [], 'the file must hold an object');
      for (const { key, place } of duplicates)
        findings.push(findingOf(new LakesteadError('FACTORY_INVALID', `the key "${key}" stands twice in one object`, { place }), path));
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
      const fileName = nameOfFile(reader.file);
      const name =
        json['name'] === undefined && json['properties'] !== undefined ? fileName : readText(reader, json['name'], ['name'], 'the name');
      checkName(name, reader);
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

/** Fabric's items are folders: `Ingest.DataPipeline/pipeline-content.json`. */
function nameOfFile(file: string): string {
  const name = basename(file, '.json');
  return name === 'pipeline-content' ? basename(dirname(file)).replace(/\.DataPipeline$/, '') : name;
}

/** A name that is a path would lead out of the factory's folder wherever it is written to. `[...]` is left from an ARM template. */
function checkName(name: string, reader: JsonReader): void {
  if (!name.startsWith('[') && /[/\\]|^\.\.?$/.test(name))
    throw invalid(reader, ['name'], `the name ${JSON.stringify(name)} is a path`, 'names have no / and no \\');
}

/** UTF-8, or UTF-16 where its byte order mark says so. */
function decodeText(bytes: Buffer, file: string): string {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new LakesteadError('FACTORY_INVALID', `${file} is not text in ${encoding.toUpperCase()}`, {
      cause,
      place: { file },
      hint: 'save it as UTF-8',
    });
  }
}

function parsePipeline({ json, reader }: JsonFile, name: string, folder: string): Pipeline {
  const properties = readObject(reader, json['properties'], ['properties'], 'properties');
  return {
    name,
    properties,
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
  const service = properties['linkedServiceName'];
  if (!service) throw invalid(reader, ['properties'], `the dataset '${name}' names no linked service`);
  return {
    name,
    properties,
    type: readText(reader, properties['type'], ['properties', 'type'], 'the type of a dataset'),
    file: reader.file,
    linkedService: parseReference(reader, service, ['properties', 'linkedServiceName']),
    parameters: readParameters(reader, properties['parameters'], ['properties', 'parameters']),
    typeProperties: readObject(reader, properties['typeProperties'], ['properties', 'typeProperties'], 'typeProperties'),
    placeOf: reader.placeOf,
  };
}

function parseLinkedService({ json, reader }: JsonFile, name: string): LinkedService {
  const properties = readObject(reader, json['properties'], ['properties'], 'properties');
  return {
    name,
    properties,
    type: readText(reader, properties['type'], ['properties', 'type'], 'the type of a linked service'),
    file: reader.file,
    parameters: readParameters(reader, properties['parameters'], ['properties', 'parameters']),
    typeProperties: readObject(reader, properties['typeProperties'], ['properties', 'typeProperties'], 'typeProperties'),
    placeOf: reader.placeOf,
  };
}

function parseTrigger({ json, reader }: JsonFile, name: string): Trigger {
  const properties = readObject(reader, json['properties'], ['properties'], 'properties');
  const single = properties['pipeline']; // a tumbling window has one
  const key = single === undefined ? 'pipelines' : 'pipeline';
  const listed = single === undefined ? (properties['pipelines'] ?? []) : [single];
  if (!isArray(listed)) throw invalid(reader, ['properties', 'pipelines'], 'pipelines must be an array');
  return {
    name,
    properties,
    type: readText(reader, properties['type'], ['properties', 'type'], 'the type of a trigger'),
    file: reader.file,
    isStarted: properties['runtimeState'] === 'Started',
    typeProperties: readObject(reader, properties['typeProperties'], ['properties', 'typeProperties'], 'typeProperties'),
    placeOf: reader.placeOf,
    pipelines: listed.map((one, index) => {
      const path = ['properties', key, ...(single === undefined ? [index] : [])];
      const entry = readObject(reader, one, path, 'a pipeline of a trigger');
      return {
        name: referenceName(reader, entry['pipelineReference'], [...path, 'pipelineReference']) ?? '',
        parameters: readObject(reader, entry['parameters'], [...path, 'parameters'], 'parameters'),
        path,
      };
    }),
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
