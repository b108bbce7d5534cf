import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { loadFactory, validateFactory } from '#factory';

import { findSharedData } from '../../../test/support/shared-data.ts';

function findings(activities: unknown, more: Record<string, unknown> = {}): string[] {
  const dir = mkdtempSync(join(tmpdir(), 'lakestead-validate-'));
  mkdirSync(join(dir, 'pipeline'));
  writeFileSync(join(dir, 'pipeline/p.json'), JSON.stringify({ name: 'p', properties: { activities, ...more } }, undefined, 1));
  const { factory, findings: loaded } = loadFactory([dir]);
  return [...loaded, ...validateFactory(factory)].map(
    ({ severity, code, message, line }) => `${severity} ${code} ${line === undefined ? '' : 'line '}${message}`,
  );
}

const wait = { name: 'w', type: 'Wait', typeProperties: { waitTimeInSeconds: 1 } };
const loop = (inner: unknown) => ({
  name: 'loop',
  type: 'ForEach',
  typeProperties: { items: { value: '@range(1, 2)', type: 'Expression' }, activities: inner },
});

const cases: readonly (readonly [claim: string, activities: unknown, finding: RegExp])[] = [
  ['an unknown activity type', [{ name: 'a', type: 'HDInsightHive' }], /^error FACTORY_UNSUPPORTED line activities of type HDInsightHive/],
  [
    'a name of JavaScript as a type',
    [{ name: 'a', type: 'constructor', typeProperties: { x: 1 } }],
    /^error FACTORY_UNSUPPORTED .*constructor/,
  ],
  [
    'an unknown property',
    [{ ...wait, typeProperties: { waitTimeInSeconds: 1, colour: 'red' } }],
    /^error FACTORY_UNSUPPORTED line the property colour of Wait/,
  ],
  [
    'a dependency that is not there',
    [{ ...wait, dependsOn: [{ activity: 'x', dependencyConditions: ['Succeeded'] }] }],
    /^error FACTORY_NOT_FOUND .*'x' is not there/,
  ],
  [
    'activities that wait for each other',
    [{ ...wait, dependsOn: [{ activity: 'w', dependencyConditions: ['Succeeded'] }] }],
    /wait for each other/,
  ],
  ['a loop in a loop', [loop([loop([wait])])], /^error FACTORY_INVALID line ForEach cannot stand inside ForEach/],
  ['a broken activity inside a loop', [loop([{ name: 5, type: 'Wait' }])], /^error FACTORY_INVALID .*name of an activity/],
  [
    'a function that does not exist',
    [{ ...wait, typeProperties: { waitTimeInSeconds: { value: "@concatt('a')", type: 'Expression' } } }],
    /^error EXPRESSION_INVALID line there is no function concatt/,
  ],
  [
    'a wrong number of arguments',
    [{ ...wait, typeProperties: { waitTimeInSeconds: { value: '@add(1)', type: 'Expression' } } }],
    /^error EXPRESSION_INVALID line add does not take 1/,
  ],
  [
    'a variable that does not exist',
    [{ name: 's', type: 'SetVariable', typeProperties: { variableName: 'v', value: 1 } }],
    /^error FACTORY_NOT_FOUND line the variable 'v'/,
  ],
];
for (const [claim, activities, finding] of cases) {
  test(`${claim} is found`, () => expect(findings(activities)).toEqual(expect.arrayContaining([expect.stringMatching(finding)])));
}

test('an inactive activity is not validated, as in Azure', () => {
  expect(findings([{ name: 'a', type: 'HDInsightHive', state: 'Inactive' }])).toEqual([]);
});

test('broken JSON is one finding with line and column; the other files are read', () => {
  const dir = mkdtempSync(join(tmpdir(), 'lakestead-validate-'));
  mkdirSync(join(dir, 'pipeline'));
  writeFileSync(join(dir, 'pipeline/bad.json'), '{\n  "name": "bad",\n  oops\n}');
  writeFileSync(join(dir, 'pipeline/good.json'), JSON.stringify({ name: 'good', properties: { activities: [wait] } }));
  const { factory, findings: loaded } = loadFactory([dir]);
  expect(loaded).toMatchObject([{ code: 'FACTORY_INVALID', line: 3, column: 3 }]);
  expect([...(factory.folders[0]?.pipelines.keys() ?? [])]).toEqual(['good']);
});

const seed = findSharedData('seed-factory');
test.skipIf(seed === undefined)("the seed's factories have no error", () => {
  const { factory, findings: loaded } = loadFactory(
    readdirSync(seed ?? '', { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(seed ?? '', name)),
  );
  expect([...loaded, ...validateFactory(factory)].filter(({ severity }) => severity === 'error')).toEqual([]);
});
