import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { openGateway, ownerPrincipal } from '#access';
import { openCatalog } from '#catalog';
import type { Config } from '#config';
import { LakesteadError } from '#core';
import { openDuckdbEngine } from '#engine';
import type { Target } from '#factory';
import { openLake } from '#storage';
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
  if (!existsSync(lake)) return [];
  await using engine = await openDuckdbEngine();
  const folder = openLake({ defaultRoot: lake });
  const view = openGateway({ engine, lake: folder, catalog: openCatalog({ lake: folder, engine }) }).look(ownerPrincipal);
  const findings: ValidationFinding[] = [];
  for (const { address, format } of await view.tables()) {
    if (format !== 'delta') continue;
    const { features } = await view.inspect(address);
    const found = features.filter((feature) => refused.includes(feature.replace(/-preview$/, '')));
    if (found.length > 0)
      findings.push({
        file: join(lake, address),
        severity: 'error',
        code: 'DELTA_UNSUPPORTED',
        message: `${target} does not read tables with ${found.join(', ')}`,
        hint: 'write the table again without it',
      });
  }
  return findings;
}
