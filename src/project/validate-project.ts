import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

import { validateConfig } from '#config';
import { LakesteadError } from '#core';
import { loadConfig } from '#config';
import { findPipeline, loadFactory, type Target, targets, validateFactory, validateTarget } from '#factory';

import type { ValidationFinding } from './documents.ts';
import { validateProjectTarget } from './validate-target.ts';

/** What is wrong with a project, or with a bare factory folder, without running anything. Files are relative to `dir`. */
export async function validateProject(options: {
  readonly dir: string;
  readonly env?: string | undefined;
  readonly target?: string | undefined;
}): Promise<readonly ValidationFinding[]> {
  const { dir, env } = options;
  const target = targets.find((one) => one === options.target);
  if (options.target !== undefined && target === undefined)
    throw new LakesteadError('USAGE', `there is no target "${options.target}"`, { hint: `targets: ${targets.join(', ')}` });
  const isFactory = !existsSync(join(dir, 'lakestead.yaml')) && holdsFactory(dir);
  const findings = isFactory ? validateFolders([dir], target) : await validateWhole(dir, env, target);
  const order = { error: 0, warning: 1, info: 2 };
  return findings
    .map((finding) => ({ ...finding, file: relative(dir, finding.file) || finding.file }))
    .toSorted(
      (a, b) => order[a.severity] - order[b.severity] || (a.file < b.file ? -1 : a.file > b.file ? 1 : (a.line ?? 0) - (b.line ?? 0)),
    );
}

/** True for a folder in Git's layout, and for one that holds pipelines alone: files of JSON, or Fabric's items. */
function holdsFactory(dir: string): boolean {
  if (!existsSync(dir)) throw new LakesteadError('USAGE', `there is no folder ${dir}`);
  const isOne = (name: string) =>
    ['pipeline', 'dataset', 'linkedService', 'trigger'].includes(name) || /\.json$|\.DataPipeline$/.test(name);
  return readdirSync(dir).some(isOne);
}

async function validateWhole(dir: string, env: string | undefined, target: Target | undefined): Promise<readonly ValidationFinding[]> {
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
  const deployed = target === undefined ? [] : await validateProjectTarget(config, target);
  return [...found, ...missing, ...validateFolders(config.factory, target), ...deployed];
}

function validateFolders(folders: readonly string[], target: Target | undefined): readonly ValidationFinding[] {
  const { factory, findings } = loadFactory(folders);
  return [...findings, ...validateFactory(factory), ...(target === undefined ? [] : validateTarget(factory, target))];
}
