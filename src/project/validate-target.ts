import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { Config } from '#config';
import { LakesteadError } from '#core';
import { describeTable, openTable } from '#delta';
import { openDuckdbEngine } from '#engine';
import type { Target } from '#factory';
import { openLocalStore } from '#storage';
import { parseBatch, placeOf, splitBatches } from '#tsql';

import type { ValidationFinding } from './documents.ts';

/** Features of Delta that a target's readers do not know, by the documentation of the targets. */
const unreadable: Readonly<Partial<Record<Target, readonly string[]>>> = {
  synapse: ['columnMapping', 'deletionVectors', 'timestampNtz', 'typeWidening', 'v2Checkpoint', 'variantType', 'vacuumProtocolCheck'],
  fabric: ['variantType'],
};

/** Kinds of statements that change rows: a serverless database has none. */
const changes = ['insert', 'update', 'delete', 'merge', 'truncate', 'createTable'];

/** What of a project beside its factories would not deploy to a target: notebooks, scripts of databases, tables of the lake. */
export async function validateProjectTarget(config: Config, target: Target): Promise<readonly ValidationFinding[]> {
  return [...checkNotebooks(config), ...checkScripts(config, target), ...(await checkTables(config, target))];
}

function checkNotebooks({ environment }: Config): readonly ValidationFinding[] {
  return [...environment.notebooks.values()].flatMap((folder) =>
    globSync('**/*.{ts,mts,js,mjs}', { cwd: folder }).map((file): ValidationFinding => ({
      file: join(folder, file),
      severity: 'error',
      code: 'FACTORY_UNSUPPORTED',
      message: 'a notebook in TypeScript runs here only: Spark takes Python, SQL, Scala and R',
      hint: 'write it again in Python or SQL; the pipeline stays as it is',
    })),
  );
}

function checkScripts({ environment, projectDir }: Config, target: Target): readonly ValidationFinding[] {
  if (target !== 'synapse' && target !== 'fabric') return [];
  return [...environment.databases.values()].flatMap(({ scripts }) =>
    scripts
      .flatMap((pattern) => globSync(pattern, { cwd: projectDir }).toSorted())
      .flatMap((name) => checkScript(join(projectDir, name), target)),
  );
}

function checkScript(file: string, target: Target): readonly ValidationFinding[] {
  try {
    return splitBatches(readFileSync(file, 'utf8')).flatMap(({ text, line }) =>
      parseBatch(text).flatMap((statement): ValidationFinding[] => {
        if (!changes.includes(statement.kind)) return [];
        return [
          {
            file,
            severity: 'error',
            code: 'SQL_NOT_SUPPORTED',
            message: `a serverless database of ${target} has no tables to change: ${statement.kind} is not there`,
            line: (placeOf(text, statement.span.start).line ?? 1) + line - 1,
            hint: 'use views over OPENROWSET, or CREATE EXTERNAL TABLE AS SELECT',
          },
        ];
      }),
    );
  } catch (error) {
    if (!(error instanceof LakesteadError)) throw error;
    const line = error.place?.line;
    return [{ file, severity: 'error', code: error.code, message: error.message, ...(line === undefined ? {} : { line }) }];
  }
}

/** The newest version of each table of the lake. */
async function checkTables({ environment, file }: Config, target: Target): Promise<readonly ValidationFinding[]> {
  const refused = unreadable[target];
  if (refused === undefined) return [];
  const { lake } = environment;
  if (typeof lake !== 'string') {
    return [
      {
        file,
        severity: 'warning',
        code: 'DELTA_UNSUPPORTED',
        message: `the tables of a lake in Azure are not looked at: whether ${target} reads them is not known`,
        hint: 'lakestead delta show <path> lists the features of a table',
      },
    ];
  }
  const logs = globSync('**/_delta_log', { cwd: lake }).toSorted();
  if (logs.length === 0) return [];
  const store = await openLocalStore(lake);
  await using engine = await openDuckdbEngine();
  const findings: ValidationFinding[] = [];
  for (const log of logs) {
    const table = await openTable({ store, engine, path: dirname(log).replaceAll('\\', '/') });
    const { features } = describeTable(await table.snapshot());
    const found = features.filter((feature) => refused.includes(feature.replace(/-preview$/, '')));
    if (found.length > 0)
      findings.push({
        file: join(lake, log, '..'),
        severity: 'error',
        code: 'DELTA_UNSUPPORTED',
        message: `${target} does not read tables with ${found.join(', ')}`,
        hint: 'write the table again without it',
      });
  }
  return findings;
}
