import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { LakesteadError } from '#core';
import { openDuckdbEngine } from '#engine';
import { findPipeline, loadFactory, type PipelineRun, type RunEvent, type RunPorts, runPipeline } from '#factory';
import { openLake } from '#storage';

import { temporaryFolder } from '../../../test/support/cli.ts';

type Json = Record<string, unknown>;

/** Runs a pipeline of these activities (and others beside it) by its JSON. */
async function run(
  activities: readonly Json[],
  more: {
    variables?: Json;
    parameters?: Json;
    given?: Json;
    others?: Record<string, Json>;
    signal?: AbortSignal;
    onEvent?: (event: RunEvent) => void;
  } = {},
): Promise<PipelineRun> {
  using folder = temporaryFolder('lakestead-flow-');
  const dir = folder.path;
  mkdirSync(join(dir, 'pipeline'));
  const save = (name: string, properties: Json) =>
    writeFileSync(join(dir, 'pipeline', `${name}.json`), JSON.stringify({ name, properties }));
  save('flow', { activities, variables: more.variables ?? {}, parameters: more.parameters ?? {} });
  for (const [name, properties] of Object.entries(more.others ?? {})) save(name, properties);
  const { factory, findings } = loadFactory([dir]);
  expect(findings.filter((finding) => finding.severity === 'error')).toEqual([]);
  await using engine = await openDuckdbEngine({ threads: 1 });
  let id = 0;
  const none = async () => await Promise.reject(new LakesteadError('FACTORY_UNSUPPORTED', 'this test has no sources'));
  const ports: RunPorts = {
    engine,
    lake: openLake({ defaultRoot: dir }),
    gateway: none,
    recorder: { runStarted: () => {}, runFinished: () => {}, activityStarted: () => (id += 1), activityFinished: () => {} },
    findOverride: () => undefined,
    openConnector: none,
    notebookFile: (path) => path,
    notebooks: { port: { tables: none, read: none, write: none, query: none }, limits: {} },
    globalParameters: {},
  };
  return await runPipeline({
    ...findPipeline(factory, 'flow'),
    parameters: more.given ?? {},
    ports,
    ...(more.onEvent === undefined ? {} : { onEvent: more.onEvent }),
    signal: more.signal ?? new AbortController().signal,
  });
}

const after = (activity: string, ...dependencyConditions: string[]) => ({ dependsOn: [{ activity, dependencyConditions }] });
const ok = (name: string, more: Json = {}): Json => ({ name, type: 'Wait', typeProperties: { waitTimeInSeconds: 0 }, ...more });
const bad = (name: string, more: Json = {}): Json => ({
  name,
  type: 'Fail',
  typeProperties: { message: `${name} failed`, errorCode: '500' },
  ...more,
});
const set = (name: string, variableName: string, value: unknown, more: Json = {}): Json => ({
  name,
  type: 'SetVariable',
  typeProperties: { variableName, value },
  ...more,
});

describe("a pipeline's outcome, by the documented rules of leaves", () => {
  const cases: readonly (readonly [claim: string, activities: readonly Json[], status: string, statuses: readonly string[]])[] = [
    ['one that succeeds', [ok('a')], 'Succeeded', ['a Succeeded']],
    ['one that fails', [bad('a')], 'Failed', ['a Failed']],
    ['try-catch succeeds when the handler does', [bad('a'), ok('b', after('a', 'Failed'))], 'Succeeded', ['a Failed', 'b Succeeded']],
    [
      'try-catch without an error succeeds though the handler is skipped',
      [ok('a'), ok('b', after('a', 'Failed'))],
      'Succeeded',
      ['a Succeeded', 'b Skipped'],
    ],
    [
      'do-if-else fails when the first step failed',
      [bad('a'), ok('yes', after('a', 'Succeeded')), ok('no', after('a', 'Failed'))],
      'Failed',
      ['a Failed', 'yes Skipped', 'no Succeeded'],
    ],
    [
      'do-if-skip-else succeeds when the first step failed',
      [bad('a'), ok('yes', after('a', 'Succeeded')), ok('no', after('yes', 'Skipped'))],
      'Succeeded',
      ['a Failed', 'yes Skipped', 'no Succeeded'],
    ],
    ['completion goes on after a failure', [bad('a'), ok('b', after('a', 'Completed'))], 'Succeeded', ['a Failed', 'b Succeeded']],
    [
      'two edges are joined by AND',
      [ok('a'), bad('b'), ok('c', { dependsOn: [...after('a', 'Succeeded').dependsOn, ...after('b', 'Succeeded').dependsOn] })],
      'Failed',
      ['a Succeeded', 'b Failed', 'c Skipped'],
    ],
    [
      'an inactive one counts as marked',
      [bad('a', { state: 'Inactive', onInactiveMarkAs: 'Succeeded' }), ok('b', after('a', 'Succeeded'))],
      'Succeeded',
      ['a Inactive', 'b Succeeded'],
    ],
  ];
  for (const [claim, activities, status, statuses] of cases) {
    test(claim, async () => {
      const result = await run(activities);
      expect(result.status).toBe(status);
      expect(result.activities.map((one) => `${one.name} ${one.status}`).toSorted()).toEqual([...statuses].toSorted());
    });
  }
});

test('a loop runs every item though one fails, and then fails', async () => {
  const loop = {
    name: 'loop',
    type: 'ForEach',
    typeProperties: {
      items: { value: '@range(1, 5)', type: 'Expression' },
      activities: [
        {
          name: 'one',
          type: 'IfCondition',
          typeProperties: {
            expression: { value: '@equals(item(), 3)', type: 'Expression' },
            ifTrueActivities: [bad('three')],
            ifFalseActivities: [ok('other')],
          },
        },
      ],
    },
  };
  const result = await run([loop]);
  expect(result.status).toBe('Failed');
  expect(result.error).toMatchObject({ code: 'ACTIVITY_FAILED', message: 'three failed' });
  expect(result.activities[0]?.activities?.map(({ status }) => status).toSorted()).toEqual([
    'Failed',
    'Succeeded',
    'Succeeded',
    'Succeeded',
    'Succeeded',
  ]);
});

test('what a loop runs is told by its item: an entry of a folder by its name, a row by its texts, a number not at all', async () => {
  const told: unknown[] = [];
  const items = '[{"name": "Address", "type": "Folder"}, {"schema": "SalesLT", "rows": 3, "table": "Product"}, "text", 5]';
  const loop = {
    name: 'loop',
    type: 'ForEach',
    typeProperties: { isSequential: true, items: { value: `@json('${items}')`, type: 'Expression' }, activities: [ok('one')] },
  };
  await run([loop], { onEvent: (event) => event.kind === 'activityFinished' && event.name === 'one' && told.push(event.item) });
  expect(told).toEqual(['Address', 'SalesLT.Product', 'text', undefined]);
});

test('variables, a sequential loop, append, filter, switch and until give what the language says', async () => {
  const result = await run(
    [
      {
        name: 'filter',
        type: 'Filter',
        typeProperties: {
          items: { value: '@range(1, 6)', type: 'Expression' },
          condition: { value: '@equals(mod(item(), 2), 0)', type: 'Expression' },
        },
      },
      {
        name: 'loop',
        type: 'ForEach',
        ...after('filter', 'Succeeded'),
        typeProperties: {
          isSequential: true,
          items: { value: "@activity('filter').output.Value", type: 'Expression' },
          activities: [
            {
              name: 'append',
              type: 'AppendVariable',
              typeProperties: { variableName: 'seen', value: { value: '@item()', type: 'Expression' } },
            },
          ],
        },
      },
      {
        name: 'switch',
        type: 'Switch',
        ...after('loop', 'Succeeded'),
        typeProperties: {
          on: { value: "@string(length(variables('seen')))", type: 'Expression' },
          cases: [{ value: '3', activities: [set('three', 'word', 'three')] }],
          defaultActivities: [set('default', 'word', 'other')],
        },
      },
      {
        name: 'until',
        type: 'Until',
        ...after('switch', 'Succeeded'),
        typeProperties: {
          expression: { value: "@greater(length(variables('seen')), 4)", type: 'Expression' },
          activities: [{ name: 'more', type: 'AppendVariable', typeProperties: { variableName: 'seen', value: 'x' } }],
        },
      },
    ],
    { variables: { seen: { type: 'Array' }, word: { type: 'String', defaultValue: 'none' } } },
  );
  expect(result).toMatchObject({ status: 'Succeeded', variables: { seen: [2, 4, 6, 'x', 'x'], word: 'three' } });
});

test('until sees what is inside as it is: numbers, lists, and outputs that are secured', async () => {
  const filter = {
    name: 'f',
    type: 'Filter',
    typeProperties: {
      items: { value: '@range(1, 2)', type: 'Expression' },
      condition: { value: '@greater(item(), 0)', type: 'Expression' },
    },
  };
  const secured = set('s', 'x', 'word', { policy: { secureOutput: true } });
  for (const expression of [
    "@equals(activity('f').output.FilteredItemsCount, 2)",
    "@contains(activity('f').output.Value, 2)",
    "@greater(activity('f').output.FilteredItemsCount, 1)",
    "@equals(activity('s').output.value, 'word')",
  ]) {
    const until = {
      name: 'until',
      type: 'Until',
      typeProperties: { expression: { value: expression, type: 'Expression' }, activities: [filter, secured] },
    };
    const result = await run([until], { variables: { x: { type: 'String' } }, signal: AbortSignal.timeout(5000) });
    expect(result).toMatchObject({ status: 'Succeeded', variables: { x: '***' } });
    expect(result.activities[0]?.activities).toHaveLength(2);
  }
});

test('a secret is in no document of the run: of a child, a variable, an item', async () => {
  const child = { parameters: { pwd: { type: 'SecureString' } }, activities: [ok('one')] };
  const call = {
    name: 'call',
    type: 'ExecutePipeline',
    typeProperties: {
      pipeline: { referenceName: 'child', type: 'PipelineReference' },
      waitOnCompletion: true,
      parameters: { pwd: '@pipeline().parameters.pwd' },
    },
  };
  const keep = set(
    'keep',
    'x',
    { value: '@pipeline().parameters.pwd', type: 'Expression' },
    { policy: { secureInput: true, secureOutput: true } },
  );
  const loop = {
    name: 'loop',
    type: 'ForEach',
    ...after('keep', 'Succeeded'),
    typeProperties: {
      items: { value: '@createArray(1)', type: 'Expression' },
      activities: [
        set('number', 'x', { value: '@string(int(pipeline().parameters.pwd))', type: 'Expression' }, { policy: { secureInput: true } }),
      ],
    },
  };
  const told: unknown[] = [];
  const result = await run([call, keep, loop], {
    parameters: { pwd: { type: 'SecureString' } },
    given: { pwd: 'c4n4ry' },
    variables: { x: { type: 'String' } },
    others: { child },
    onEvent: (event) => told.push(event),
  });
  expect(result).toMatchObject({ status: 'Failed', variables: { x: '***' }, error: { code: 'EXPRESSION_FAILED' } });
  expect(result.activities.find(({ name }) => name === 'call')?.input).toEqual({ pipelineName: 'child', parameters: { pwd: '***' } });
  expect(JSON.stringify([result, told])).not.toContain('c4n4ry');
});

test('a variable takes values of its own type only', async () => {
  const variables = { text: { type: 'String' }, flag: { type: 'Boolean' }, list: { type: 'Array' } };
  const expression = (value: string) => ({ value, type: 'Expression' });
  for (const [name, value] of [['text', '@add(1, 2)'], ['flag', "@concat('true')"], ['list', "@concat('a')"], ['text', "@createArray('a')"]] as const) {
    const result = await run([set('a', name, expression(value))], { variables });
    expect(result).toMatchObject({ status: 'Failed', error: { code: 'FACTORY_INVALID', message: expect.stringContaining(`'${name}'`) } });
  } // prettier-ignore
  const right = [
    set('a', 'text', expression('@string(3)')),
    set('b', 'flag', expression('@equals(1, 1)')),
    set('c', 'list', expression('@createArray(1)')),
  ];
  expect(await run(right, { variables })).toMatchObject({ status: 'Succeeded', variables: { text: '3', flag: true, list: [1] } });
});

test('a called pipeline gets typed parameters and gives its return value', async () => {
  const child = {
    parameters: { n: { type: 'int' } },
    activities: [
      {
        name: 'return',
        type: 'SetVariable',
        typeProperties: {
          variableName: 'pipelineReturnValue',
          setSystemVariable: true,
          value: [{ key: 'twice', value: { type: 'Expression', content: '@mul(pipeline().parameters.n, 2)' } }],
        },
      },
    ],
  };
  const call = {
    name: 'call',
    type: 'ExecutePipeline',
    typeProperties: {
      pipeline: { referenceName: 'child', type: 'PipelineReference' },
      waitOnCompletion: true,
      parameters: { n: { value: '@pipeline().parameters.start', type: 'Expression' } },
    },
  };
  const result = await run(
    [
      call,
      set(
        'take',
        'answer',
        { value: "@string(activity('call').output.pipelineReturnValue.twice)", type: 'Expression' },
        after('call', 'Succeeded'),
      ),
    ],
    {
      parameters: { start: { type: 'int' } },
      given: { start: '21' },
      variables: { answer: { type: 'String' } },
      others: { child },
    },
  );
  expect(result).toMatchObject({ status: 'Succeeded', variables: { answer: '42' } });
});

test('each attempt is a run of its own; what cannot get better is not tried again', async () => {
  const policy = { retry: 2, retryIntervalInSeconds: 0 };
  const tried = await run([bad('a', { policy })]);
  expect(tried.activities.map(({ attempt = 1, status }) => `${attempt} ${status}`)).toEqual(['1 Failed', '2 Failed', '3 Failed']);
  const hopeless = await run([set('b', 'nowhere', 1, { policy })]);
  expect(hopeless.activities).toHaveLength(1);
  expect(hopeless.error).toMatchObject({ code: 'FACTORY_INVALID' });
});

test('a time limit ends an activity, a cancel ends the run and says so', async () => {
  const slow = { name: 'slow', type: 'Wait', typeProperties: { waitTimeInSeconds: 60 }, policy: { timeout: '0.00:00:01' } };
  expect((await run([slow])).error).toMatchObject({ code: 'TIMEOUT' });
  const abort = new AbortController();
  setTimeout(() => abort.abort(new LakesteadError('CANCELLED', 'the run was cancelled')), 100);
  const cancelled = await run([{ ...slow, policy: {} }], { signal: abort.signal });
  expect(cancelled).toMatchObject({ status: 'Cancelled', error: { code: 'CANCELLED' } });
});

test('secure input and output are nowhere in the document', async () => {
  const result = await run([set('hide', 'v', 'pass-word', { policy: { secureInput: true, secureOutput: true } })], {
    variables: { v: { type: 'String' } },
  });
  expect(JSON.stringify(result.activities)).not.toContain('pass-word');
});

test('a missing, an unknown and a wrong parameter are named', async () => {
  const parameters = { n: { type: 'int' } };
  expect((await run([ok('a')], { parameters })).error).toMatchObject({ code: 'FACTORY_INVALID', hint: 'give it: --param n=...' });
  expect((await run([ok('a')], { parameters, given: { n: '1', m: '2' } })).error).toMatchObject({ code: 'FACTORY_INVALID' });
  expect((await run([ok('a')], { parameters, given: { n: 'one' } })).error).toMatchObject({ code: 'FACTORY_INVALID' });
});
