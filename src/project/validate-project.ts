import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

import { validateConfig } from '#config';
import { LakesteadError } from '#core';
import { loadConfig } from '#config';
import { findPipeline, loadFactory, validateFactory } from '#factory';

import type { ValidationFinding } from './documents.ts';

/** What is wrong with a project, or with a bare factory folder, without running anything. Files are relative to `dir`. */
export async function validateProject(options: {
  readonly dir: string;
  readonly env?: string | undefined;
  readonly target?: string | undefined;
}): Promise<readonly ValidationFinding[]> {
  const { dir, env, target } = options;
  const targets = ['adf', 'synapse', 'fabric', 'databricks'];
  if (target !== undefined && !targets.includes(target))
    throw new LakesteadError('USAGE', `there is no target "${target}"`, { hint: `targets: ${targets.join(', ')}` });
  const isFactory = !existsSync(join(dir, 'lakestead.yaml')) && holdsFactory(dir);
  const findings = isFactory ? validateFolders([dir]) : validateWhole(dir, env);
  const order = { error: 0, warning: 1, info: 2 };
  return await Promise.resolve(
    findings
      .map((finding) => ({ ...finding, file: relative(dir, finding.file) || finding.file }))
      .toSorted(
        (a, b) => order[a.severity] - order[b.severity] || (a.file < b.file ? -1 : a.file > b.file ? 1 : (a.line ?? 0) - (b.line ?? 0)),
      ),
  );
}

/** True for a folder in Git's layout, and for one that holds pipelines alone: files of JSON, or Fabric's items. */
function holdsFactory(dir: string): boolean {
  if (!existsSync(dir)) throw new LakesteadError('USAGE', `there is no folder ${dir}`);
  const isOne = (name: string) =>
    ['pipeline', 'dataset', 'linkedService', 'trigger'].includes(name) || /\.json$|\.DataPipeline$/.test(name);
  return readdirSync(dir).some(isOne);
}

function validateWhole(dir: string, env: string | undefined): readonly ValidationFinding[] {
  const found = validateConfig({ dir, env });
  if (found.some((finding) => finding.severity === 'error')) return found;
  const config = loadConfig({ dir, env });
  const { factory } = loadFactory(config.factory);
  const missing = config.main.flatMap((name): ValidationFinding[] => {
    try {
      findPipeline(factory, name);
      return [];
    } catch (error) {
      if (!(error instanceof LakesteadError)) throw error;
      return [
        {
          file: config.file,
          severity: 'error',
          code: error.code,
          message: `main: ${error.message}`,
          ...(error.hint === undefined ? {} : { hint: error.hint }),
        },
      ];
    }
  });
  return [...found, ...missing, ...validateFolders(config.factory)];
}

function validateFolders(folders: readonly string[]): readonly ValidationFinding[] {
  const { factory, findings } = loadFactory(folders);
  return [...findings, ...validateFactory(factory)];
}
