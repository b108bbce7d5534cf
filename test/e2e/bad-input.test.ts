import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { lakestead, lakesteadJson, temporaryFolder } from '../support/cli.ts';

type Failure = { readonly status: string; readonly error: { readonly code: string; readonly data?: { readonly activity?: string } } };

type BadInput = {
  readonly claim: string;
  /** Breaks a project that was whole. */
  readonly spoil: (edit: (file: string, change: (text: string) => string) => void, project: string) => void;
  /** Part of what the command must say: code, place, hint. */
  readonly says: readonly (string | RegExp)[];
  /** The activity that the record of the run must name; none when the JSON cannot even be read. */
  readonly activity?: string;
};

const pipeline = 'factory/adf/pipeline/copy_all_tables.json';
const yaml = 'lakestead.yaml';

const cases: readonly BadInput[] = [
  {
    claim: 'broken JSON names the file, the line and the column',
    spoil: (edit) => edit(pipeline, (text) => text.replace('"activities": [', '"activities": [ oops')),
    says: ['FACTORY_INVALID', 'copy_all_tables.json', /"line":\s*\d+/, /"column":\s*\d+/],
  },
  {
    claim: 'an unknown activity is refused by name',
    spoil: (edit) => edit(pipeline, (text) => text.replace('"type": "Lookup"', '"type": "HDInsightHive"')),
    says: ['FACTORY_UNSUPPORTED', 'HDInsightHive'],
    activity: 'List tables',
  },
  {
    claim: 'a missing dataset parameter is named with its dataset',
    spoil: (edit) => edit(pipeline, (text) => text.replaceAll(/"(tablename|table)":\s*\{[^}]*\}/g, '"other": "x"')),
    says: ['FACTORY_INVALID', /table/i],
    activity: 'Copy to bronze',
  },
  {
    claim: 'an expression that fails says what it met',
    spoil: (edit) => edit(pipeline, (text) => text.replaceAll(/\.output\.value/g, '.output.valeu')),
    says: ['EXPRESSION_FAILED', 'valeu'],
    activity: 'For each table',
  },
  {
    claim: 'a missing table is named',
    spoil: (edit) => edit(pipeline, (text) => text.replace('[@{item().TableName}]', '[Missing]')),
    says: ['SQL_NAME_NOT_FOUND', 'Missing'],
    activity: 'Copy to bronze',
  },
  {
    claim: 'a wrong secret reference is named, never its value',
    spoil: (edit) =>
      edit(yaml, (text) =>
        text.replace(
          /(\w+): \{ embedded: AdventureWorksLT \}/,
          "$1: { type: SqlServer, typeProperties: { server: '127.0.0.1,1', database: x, userName: sa, password: '${secret:nope}' } }",
        ),
      ),
    says: ['SECRET_NOT_FOUND', 'nope', 'lakestead secret set'],
    activity: 'List tables',
  },
  {
    claim: 'a dropped storage mapping is named with its account',
    spoil: (edit) => edit(yaml, (text) => text.replace(/^\s*storage:.*$/m, '')),
    says: ['STORAGE_UNMAPPED', 'storage'],
    activity: 'Copy to bronze',
  },
];

describe('bad input gives code, place and hint, and the run is recorded as failed', () => {
  for (const { claim, spoil, says, activity } of cases) {
    test(claim, { timeout: 60_000 }, async () => {
      using folder = temporaryFolder();
      const project = join(folder.path, 'demo');
      await lakesteadJson(['init', project]);
      let changed = false;
      spoil((file, change) => {
        const path = join(project, file);
        const before = readFileSync(path, 'utf8');
        const after = change(before);
        changed ||= after !== before;
        writeFileSync(path, after);
      }, project);
      expect(changed).toBe(true);
      const result = await lakestead(['run', '--project', project, '--json']);
      expect(result.exitCode).not.toBe(0);
      const said = result.stdout + result.stderr;
      for (const part of says) expect(said).toMatch(part);
      expect(said).toContain('hint');
      const status = await lakesteadJson<{ runs: Failure[] }>(['status', '--project', project]);
      expect(status.runs[0]?.status).toBe('Failed');
      expect(status.runs[0]?.error.data?.activity).toBe(activity);
    });
  }
});
