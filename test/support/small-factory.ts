import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openGateway } from '#access';
import { openCatalog } from '#catalog';
import { openConnector } from '#connectors';
import { LakesteadError, type Log, silentLog } from '#core';
import { openTable, tableToSql } from '#delta';
import { type Engine, openDuckdbEngine, type Row } from '#engine';
import { type ActivityRun, findPipeline, loadFactory, type PipelineRun, type RunEvent, runPipeline } from '#factory';
import { type Sql } from '#sql';
import { openLake, openLocalStore } from '#storage';
import { openEmbeddedDatabase, openMemoryDefinitions, openWarehouse } from '#warehouse';

export type Json = Record<string, unknown>;

/** A lake, an embedded SQL Server called `shop` and the pipelines of one test. */
export type SmallFactory = AsyncDisposable & {
  /** The root of the lake. */
  readonly dir: string;
  readonly engine: Engine;
  /** The addresses that were read by way of the gateway, in order. */
  readonly reads: readonly string[];
  rows(query: Sql): Promise<readonly Row[]>;
  /** The rows of a Delta table of the lake. */
  deltaRows(path: string): Promise<readonly Row[]>;
  /** T-SQL in the embedded SQL Server. */
  execute(script: string): Promise<void>;
  /** Runs one activity over these datasets, `{ name: { type, typeProperties } }`; `service` is `lake` unless it says `shop` or `anyLake`. */
  perform(
    activity: Json,
    datasets: Readonly<Record<string, Json>>,
    onEvent?: (event: RunEvent) => void,
  ): Promise<{ readonly run: PipelineRun; readonly activity: ActivityRun }>;
};

export async function openSmallFactory(): Promise<SmallFactory> {
  const dir = mkdtempSync(join(tmpdir(), 'lakestead-factory-'));
  const factoryDir = mkdtempSync(join(tmpdir(), 'lakestead-factory-json-'));
  const engine = await openDuckdbEngine({ threads: 2 });
  const lake = openLake({ defaultRoot: dir, accounts: new Map([['here', dir]]) });
  const catalog = openCatalog({ lake, engine });
  const database = await openEmbeddedDatabase({ engine, file: join(factoryDir, 'shop.duckdb'), name: 'shop' });
  const reads: string[] = [];
  const log: Log = {
    ...silentLog,
    info: (_, facts) => void reads.push(...((facts?.['tables'] ?? []) as string[])), // as the gateway writes it
  };
  const gateway = openGateway({ engine, catalog, lake, log });
  const warehouse = openWarehouse({ engine, gateway, definitions: openMemoryDefinitions(), databases: [database] });
  const save = (folder: string, name: string, properties: Json) => {
    mkdirSync(join(factoryDir, folder), { recursive: true });
    writeFileSync(join(factoryDir, folder, `${name}.json`), JSON.stringify({ name, properties }));
  };
  save('linkedService', 'shop', { type: 'SqlServer', typeProperties: {} });
  save('linkedService', 'lake', { type: 'AzureBlobFS', typeProperties: {} });
  const text = (defaultValue?: string) => ({ type: 'String', ...(defaultValue === undefined ? {} : { defaultValue }) });
  save('linkedService', 'anyLake', {
    type: 'AzureBlobFS',
    parameters: { account: text(), suffix: text('dfs.core.windows.net') },
    typeProperties: { url: "@{concat('https://', linkedService().account, '.', linkedService().suffix)}/" },
  });
  let id = 0;
  const none = async () => await Promise.reject(new LakesteadError('FACTORY_UNSUPPORTED', 'this test has no notebooks'));
  const rows = async (query: Sql) => await engine.withLease(async (lease) => await lease.rows(query));
  return {
    dir,
    engine,
    reads,
    rows,
    deltaRows: async (path) => {
      const table = await openTable({ store: await openLocalStore(dir), path, engine });
      return await rows(await tableToSql(table));
    },
    execute: async (script) => {
      const session = await warehouse.session({ database: 'shop' });
      try {
        for await (const result of session.execute(script)) if (result.kind === 'rows') for await (const _ of result.batches); // read to the end
      } finally {
        await session[Symbol.asyncDispose]();
      }
    },
    perform: async (activity, datasets, onEvent) => {
      for (const [name, { service = 'lake', serviceParameters: parameters, ...dataset }] of Object.entries(datasets)) {
        const linkedServiceName = { referenceName: service, type: 'LinkedServiceReference', ...(parameters ? { parameters } : {}) };
        save('dataset', name, { linkedServiceName, ...dataset });
      }
      save('pipeline', 'p', { activities: [{ name: 'a', ...activity }] });
      const { factory, findings } = loadFactory([factoryDir]);
      const errors = findings.filter(({ severity }) => severity === 'error');
      if (errors.length > 0) throw new Error(JSON.stringify(errors));
      const run = await runPipeline({
        ...findPipeline(factory, 'p'),
        parameters: {},
        signal: new AbortController().signal,
        ...(onEvent === undefined ? {} : { onEvent }),
        ports: {
          engine,
          lake,
          gateway: async () => await Promise.resolve(gateway),
          recorder: { runStarted: () => {}, runFinished: () => {}, activityStarted: () => (id += 1), activityFinished: () => {} },
          findOverride: (name) => (name === 'shop' ? { kind: 'embedded', database: 'shop' } : undefined),
          openConnector: async (service) =>
            await openConnector(service.kind === 'embedded' ? { kind: 'embedded', database: service.database, warehouse } : service),
          notebookFile: (path) => path,
          notebooks: { port: { tables: none, read: none, write: none, query: none }, limits: {} },
          globalParameters: {},
        },
      });
      const [only] = run.activities;
      if (only === undefined) throw new Error(JSON.stringify(run));
      return { run, activity: only };
    },
    [Symbol.asyncDispose]: async () => {
      await engine[Symbol.asyncDispose]();
      for (const folder of [dir, factoryDir]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A dataset of files of the container `out`. */
export function fileDataset(type: string, location: Json, more: Json = {}): Json {
  return { type, typeProperties: { location: { type: 'AzureBlobFSLocation', fileSystem: 'out', ...location }, ...more } };
}

/** A Copy from one dataset to another; the types of source and sink are those of their datasets. */
export async function copy(
  factory: SmallFactory,
  from: Json,
  to: Json,
  properties: Json = {},
  onEvent?: (event: RunEvent) => void,
): Promise<ActivityRun> {
  const sourceType = from['type'] === 'SqlServerTable' ? 'SqlServerSource' : `${String(from['type'])}Source`;
  const { source, sink, ...more } = { source: {}, sink: {}, ...properties };
  const typeProperties = { source: { type: sourceType, ...source }, sink: { type: `${String(to['type'])}Sink`, ...sink }, ...more };
  const reference = (name: string) => [{ referenceName: name, type: 'DatasetReference' }];
  const activity = { type: 'Copy', inputs: reference('from'), outputs: reference('to'), typeProperties };
  return (await factory.perform(activity, { from, to }, onEvent)).activity;
}
