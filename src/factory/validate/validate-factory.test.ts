import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { loadFactory, validateFactory } from '#factory';

import { temporaryFolder } from '../../../test/support/cli.ts';
import { count } from '../../../test/support/evidence.ts';
import { findSharedData } from '../../../test/support/shared-data.ts';

function findings(activities: unknown, more: Record<string, unknown> = {}): string[] {
  using folder = temporaryFolder('lakestead-validate-');
  const dir = folder.path;
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

/** A small factory that is whole; `change` breaks one of its files. */
function findingsOf(change: (files: Record<string, unknown>) => void): string[] {
  const files: Record<string, unknown> = {
    'linkedService/lake.json': {
      name: 'lake',
      properties: { type: 'AzureBlobFS', typeProperties: { url: 'https://x.dfs.core.windows.net' } },
    },
    'linkedService/sql.json': { name: 'sql', properties: { type: 'SqlServer', typeProperties: { connectionString: 'Data Source=x' } } },
    'dataset/table.json': {
      name: 'table',
      properties: { type: 'SqlServerTable', linkedServiceName: { referenceName: 'sql' }, typeProperties: { schema: 'a', table: 'b' } },
    },
    'dataset/file.json': {
      name: 'file',
      properties: {
        type: 'Parquet',
        linkedServiceName: { referenceName: 'lake' },
        parameters: { name: { type: 'string' } },
        typeProperties: {
          location: { type: 'AzureBlobFSLocation', fileSystem: 'x', fileName: { value: '@dataset().name', type: 'Expression' } },
          compressionCodec: 'snappy',
        },
      },
    },
    'pipeline/p.json': {
      name: 'p',
      properties: {
        parameters: { day: { type: 'string' } },
        variables: { v: { type: 'String' }, list: { type: 'Array' } },
        activities: [
          {
            name: 'copy',
            type: 'Copy',
            inputs: [{ referenceName: 'table', type: 'DatasetReference' }],
            outputs: [{ referenceName: 'file', type: 'DatasetReference', parameters: { name: '@pipeline().parameters.day' } }],
            typeProperties: {
              source: { type: 'SqlServerSource', queryTimeout: '02:00:00' },
              sink: {
                type: 'ParquetSink',
                storeSettings: { type: 'AzureBlobFSWriteSettings' },
                formatSettings: { type: 'ParquetWriteSettings' },
              },
            },
          },
          {
            name: 'set',
            type: 'SetVariable',
            dependsOn: [{ activity: 'copy' }],
            typeProperties: { variableName: 'v', value: "@string(activity('copy').output.rowsCopied)" },
          },
        ],
      },
    },
    'trigger/daily.json': {
      name: 'daily',
      properties: {
        type: 'ScheduleTrigger',
        typeProperties: { recurrence: { frequency: 'Day', interval: 1, startTime: '2024-01-01T00:00:00Z', timeZone: 'UTC' } },
        pipelines: [{ pipelineReference: { referenceName: 'p', type: 'PipelineReference' }, parameters: { day: 'x' } }],
      },
    },
  };
  change(files);
  using folder = temporaryFolder('lakestead-validate-');
  const dir = folder.path;
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(dir, name, '..'), { recursive: true });
    writeFileSync(
      join(dir, name),
      typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content, undefined, 1),
    );
  }
  const { factory, findings: loaded } = loadFactory([dir]);
  return [...loaded, ...validateFactory(factory)].map(
    ({ file, severity, message, line, activity, hint }) =>
      `${file.slice(dir.length + 1)}${line === undefined ? '' : ':line'} ${severity} ${activity === undefined ? '' : `${activity}: `}${message}${hint === undefined ? '' : ` (${hint})`}`,
  );
}

/** Sets the value at a path such as `pipeline/p.json/properties/activities/0/type`. */
const put = (path: string, value: unknown) => (files: Record<string, unknown>) => {
  const [, file = '', rest = ''] = /^(.*?\.json)\/(.*)$/.exec(path) ?? [];
  const keys = rest.split('/');
  const last = keys.pop() ?? '';
  const holder = keys.reduce<Record<string, unknown>>(
    (one, key) => (one[key] ??= {}) as Record<string, unknown>,
    files[file] as Record<string, unknown>,
  );
  if (value === undefined) delete holder[last];
  else holder[last] = value;
};
const source = 'pipeline/p.json/properties/activities/0/typeProperties/source';
const expression = (value: string) => put('pipeline/p.json/properties/activities/1/typeProperties/value', value);

test('a factory that is whole has no error and no warning', () => {
  expect(findingsOf(() => {}).filter((finding) => !finding.includes(' info '))).toEqual([]);
});

const damages: readonly (readonly [claim: string, change: (files: Record<string, unknown>) => void, finding: RegExp])[] = [
  [
    'a misspelt property of a source',
    put(`${source}/sqlReaderQueri`, 'x'),
    /p.json:line error copy: the property sqlReaderQueri of SqlServerSource is not supported \(did you mean sqlReaderQuery\?\)/,
  ],
  [
    'a property without effect',
    put(`${source}/isolationLevel`, 'ReadCommitted'),
    /p.json:line info copy: isolationLevel has no effect here/,
  ],
  ['a source that is not supported', put(`${source}/type`, 'OracleSource'), /p.json:line error copy: OracleSource is not supported/],
  [
    'a setting of a format',
    put('pipeline/p.json/properties/activities/0/typeProperties/sink/formatSettings/rowGroupSize', 10),
    /p.json:line error copy: the property rowGroupSize of ParquetWriteSettings/,
  ],
  [
    'an option that would lose rows in silence',
    put('pipeline/p.json/properties/activities/0/typeProperties/enableSkipIncompatibleRow', true),
    /p.json:line error copy: the property enableSkipIncompatibleRow of Copy/,
  ],
  [
    'a property of a dataset',
    put('dataset/file.json/properties/typeProperties/kompressionCodec', 'x'),
    /file.json:line error the property kompressionCodec of a dataset of type Parquet is not supported \(did you mean compressionCodec\?\)/,
  ],
  [
    'a dataset of an unknown type',
    put('dataset/table.json/properties/type', 'OracleTable'),
    /table.json:line warning datasets of type OracleTable/,
  ],
  [
    'a dataset without its linked service',
    put('dataset/table.json/properties/linkedServiceName/referenceName', 'sqll'),
    /table.json:line error the linked service 'sqll' is not there \(did you mean sql\?\)/,
  ],
  [
    'a parameter that a dataset does not have',
    put('dataset/file.json/properties/typeProperties/location/fileName', '@dataset().nam'),
    /file.json:line error the dataset has no parameter 'nam' \(did you mean name\?\)/,
  ],
  [
    'a missing parameter of a dataset',
    put('pipeline/p.json/properties/activities/0/outputs/0/parameters', undefined),
    /p.json:line error copy: the parameter 'name' of the dataset 'file' is missing/,
  ],
  [
    'a linked service of an unknown type',
    put('linkedService/sql.json/properties/type', 'Oracle'),
    /sql.json:line warning linked services of type Oracle/,
  ],
  [
    'a misspelt property of a linked service',
    put('linkedService/sql.json/properties/typeProperties/conectionString', 'x'),
    /sql.json:line error the property conectionString .*did you mean connectionString\?/,
  ],
  [
    'what a linked service loses here',
    put('linkedService/sql.json/properties/typeProperties/encryptedCredential', 'x'),
    /sql.json:line info encryptedCredential has no effect here/,
  ],
  [
    'a parameter that the pipeline does not have',
    expression('@pipeline().parameters.dya'),
    /p.json:line error set: the pipeline has no parameter 'dya' \(did you mean day\?\)/,
  ],
  ['a variable that is not there', expression("@variables('w')"), /p.json:line error set: there is no variable 'w'/],
  [
    'a variable that is set from itself',
    expression("@concat(variables('V'), 'x')"),
    /p.json:line error set: the variable 'v' cannot be set from itself/,
  ],
  [
    'an activity that is not there',
    expression("@activity('coppy').output"),
    /p.json:line error set: there is no activity 'coppy' \(did you mean copy\?\)/,
  ],
  [
    'an activity that has not ended',
    put('pipeline/p.json/properties/activities/1/dependsOn', []),
    /p.json:line error set: the activity 'copy' need not have ended before this one/,
  ],
  [
    'an item outside of a loop',
    expression('@string(item())'),
    /p.json:line error set: item\(\) is there inside of ForEach and Filter only/,
  ],
  ['a dataset in a pipeline', expression('@dataset().x'), /p.json:line error set: dataset\(\) is not there in a pipeline/],
  [
    'an array that is none',
    put('pipeline/p.json/properties/activities/1/type', 'AppendVariable'),
    /p.json:line error set: AppendVariable needs an array/,
  ],
  [
    'more parameters than Azure takes',
    put(
      'pipeline/p.json/properties/parameters',
      Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`p${index}`, { type: 'string' }])),
    ),
    /p.json error 51 parameters: Azure takes 50/,
  ],
  [
    'a longer expression than Azure takes',
    expression(`@concat('${'x'.repeat(9000)}')`),
    /p.json:line error set: an expression of 90\d\d characters/,
  ],
  [
    'a trigger of a pipeline that is not there',
    put('trigger/daily.json/properties/pipelines/0/pipelineReference/referenceName', 'q'),
    /daily.json:line error the pipeline 'q' is not there/,
  ],
  [
    'a trigger without a parameter',
    put('trigger/daily.json/properties/pipelines/0/parameters', {}),
    /daily.json:line error the parameter 'day' of the pipeline 'p' is missing/,
  ],
  [
    'a frequency that is none',
    put('trigger/daily.json/properties/typeProperties/recurrence/frequency', 'Daily'),
    /daily.json:line error frequency of a recurrence must be one of/,
  ],
  [
    'a trigger of an unknown type',
    put('trigger/daily.json/properties/type', 'RerunTumblingWindowTrigger'),
    /daily.json:line error triggers of type RerunTumblingWindowTrigger/,
  ],
  [
    'a pipeline that calls itself',
    (files) =>
      put('pipeline/p.json/properties/activities/1', {
        name: 'again',
        type: 'ExecutePipeline',
        typeProperties: { pipeline: { referenceName: 'p' }, parameters: { day: 'x' } },
      })(files),
    /p.json error the pipelines p -> p call each other without end/,
  ],
  [
    'a key that stands twice',
    (files) =>
      (files['dataset/table.json'] =
        '{"name": "table",\n"name": "table", "properties": {"type": "SqlServerTable", "linkedServiceName": {"referenceName": "sql"}}}'),
    /table.json:line error the key "name" stands twice in one object/,
  ],
  ['a name that is a path', put('pipeline/p.json/name', '../../p'), /p.json:line error .*the name "..\/..\/p" is a path/],
  [
    'bytes that are no text',
    (files) => (files['dataset/table.json'] = Buffer.from([0x7b, 0xff, 0x7d])),
    /table.json error .*is not text in UTF-8/,
  ],
  [
    'a property that must be there',
    put('pipeline/p.json/properties/activities/2', { name: 'w', type: 'Wait', typeProperties: {} }),
    /p.json:line error w: Wait needs waitTimeInSeconds/,
  ],
  [
    'a text where a number is meant',
    put('pipeline/p.json/properties/activities/2', { name: 'w', type: 'Wait', typeProperties: { waitTimeInSeconds: 'abc' } }),
    /p.json:line error w: waitTimeInSeconds of Wait must be a whole number/,
  ],
  [
    "a batchCount beyond Azure's",
    put('pipeline/p.json/properties/activities/2', {
      name: 'e',
      type: 'ForEach',
      typeProperties: { items: '@createArray(1)', batchCount: 51, activities: [] },
    }),
    /p.json:line error e: batchCount of ForEach must be a whole number from 1 to 50/,
  ],
  [
    'items that are a plain text',
    put('pipeline/p.json/properties/activities/2', { name: 'e', type: 'ForEach', typeProperties: { items: 'abc', activities: [] } }),
    /p.json:line error e: items of ForEach must be an array/,
  ],
  [
    'a switch with two equal cases',
    put('pipeline/p.json/properties/activities/2', {
      name: 's',
      type: 'Switch',
      typeProperties: { on: '@string(1)', cases: [{ value: 'a' }, { value: 'a' }] },
    }),
    /p.json:line error s: two cases have the value 'a'/,
  ],
  [
    'a misspelt type of activity',
    put('pipeline/p.json/properties/activities/2', { name: 'w', type: 'Wiat' }),
    /p.json:line error w: activities of type Wiat are not supported \(did you mean Wait\?\)/,
  ],
  [
    'an expression of an activity that is not supported',
    put('pipeline/p.json/properties/activities/2', { name: 'w', type: 'WebActivity', typeProperties: { url: '@concatt(1)' } }),
    /p.json:line error w: there is no function concatt/,
  ],
  [
    'two activities of one name, one inside a loop',
    put('pipeline/p.json/properties/activities/2', {
      name: 'e',
      type: 'ForEach',
      typeProperties: { items: '@createArray(1)', activities: [{ name: 'copy', type: 'Wait', typeProperties: { waitTimeInSeconds: 1 } }] },
    }),
    /p.json:line error two activities of the pipeline are called 'copy'/,
  ],
  [
    'a misspelt property of an activity',
    put('pipeline/p.json/properties/activities/0/dependson', []),
    /p.json:line error copy: the property dependson of an activity is not supported \(did you mean dependsOn\?\)/,
  ],
  [
    'a misspelt property of a policy',
    put('pipeline/p.json/properties/activities/0/policy', { retyr: 3 }),
    /p.json:line error copy: the property retyr of a policy .* \(did you mean retry\?\)/,
  ],
  [
    'a retry that is no number',
    put('pipeline/p.json/properties/activities/0/policy', { retry: 'x' }),
    /p.json:line error copy: retry of a policy must be a whole number from 0/,
  ],
  [
    'a state that does not exist',
    put('pipeline/p.json/properties/activities/0/state', 'Inactiv'),
    /p.json:line error copy: state of an activity must be one of Active, Inactive/,
  ],
  [
    'a misspelt property of a pipeline',
    put('pipeline/p.json/properties/activites', []),
    /p.json:line error the property activites of a pipeline is not supported \(did you mean activities\?\)/,
  ],
  ['annotations', put('pipeline/p.json/properties/annotations', ['x']), /p.json:line info annotations has no effect here/],
  [
    'a type of parameter that does not exist',
    put('pipeline/p.json/properties/parameters/day/type', 'strin'),
    /p.json:line error the parameter 'day' has the type strin, .* \(did you mean string\?\)/,
  ],
  [
    'a default of another type',
    put('pipeline/p.json/properties/variables/list/defaultValue', 'x'),
    /p.json:line error the default of the variable 'list' is not of its type Array/,
  ],
  [
    'a Copy without a source',
    put('pipeline/p.json/properties/activities/0/typeProperties/source', undefined),
    /p.json:line error copy: Copy needs source/,
  ],
  [
    'a Copy without inputs',
    put('pipeline/p.json/properties/activities/0/inputs', []),
    /p.json:line error copy: Copy needs one dataset in inputs, and has 0/,
  ],
  [
    'a sink for another format',
    put('pipeline/p.json/properties/activities/0/typeProperties/sink/type', 'JsonSink'),
    /p.json:line error copy: JsonSink is for datasets of type Json, and 'file' is of type Parquet/,
  ],
  [
    'a property of pipeline() that does not exist',
    expression('@pipeline().RunIdd'),
    /p.json:line error set: pipeline\(\) has no 'RunIdd' \(did you mean RunId\?\)/,
  ],
  [
    'a missing parameter of a linked service',
    put('linkedService/sql.json/properties/parameters', { db: { type: 'string' } }),
    /table.json:?.* error the parameter 'db' of the linked service 'sql' is missing/,
  ],
  [
    'an integration runtime that is not there',
    put('linkedService/sql.json/properties/connectVia', { referenceName: 'ir' }),
    /sql.json:line warning the integration runtime 'ir' is not there/,
  ],
  [
    'a name left from an ARM template',
    put('dataset/table.json/properties/linkedServiceName/referenceName', "[parameters('x')]"),
    /table.json:line error the linked service is named by an expression of an ARM template: \[parameters\('x'\)\]/,
  ],
  [
    'a misspelt property of a recurrence',
    put('trigger/daily.json/properties/typeProperties/recurrence/frequncy', 'Day'),
    /daily.json:line error the property frequncy of a recurrence is not supported \(did you mean frequency\?\)/,
  ],
  [
    'a start that is no time',
    put('trigger/daily.json/properties/typeProperties/recurrence/startTime', 'yesterday'),
    /daily.json:line error startTime of a recurrence must be a time/,
  ],
  [
    'a zone that does not exist',
    put('trigger/daily.json/properties/typeProperties/recurrence/timeZone', 'Mars'),
    /daily.json:line error timeZone of a recurrence must be a time zone/,
  ],
  [
    'an hour that the day does not have',
    put('trigger/daily.json/properties/typeProperties/recurrence/schedule', { hours: [25] }),
    /daily.json:line error each of hours must be a whole number from 0 to 23/,
  ],
  [
    'a weekday that does not exist',
    put('trigger/daily.json/properties/typeProperties/recurrence/schedule', { weekDays: ['Funday'] }),
    /daily.json:line error each of weekDays must be one of Sunday/,
  ],
  [
    'an expression in a trigger',
    put('trigger/daily.json/properties/pipelines/0/parameters/day', '@triger().x'),
    /daily.json:line error there is no function triger \(did you mean trigger\?\)/,
  ],
  [
    'a window that waits for one that is not there',
    put('trigger/daily.json/properties', {
      type: 'TumblingWindowTrigger',
      pipeline: { pipelineReference: { referenceName: 'p' }, parameters: { day: 'x' } },
      typeProperties: {
        frequency: 'Hour',
        interval: 1,
        startTime: '2024-01-01T00:00:00Z',
        maxConcurrency: 51,
        dependsOn: [{ referenceTrigger: { referenceName: 'other' } }],
      },
    }),
    /daily.json:line error the trigger 'other' is not there/,
  ],
  [
    'an event of storage that does not exist',
    put('trigger/daily.json/properties', {
      type: 'BlobEventsTrigger',
      pipelines: [],
      typeProperties: { scope: 'x', events: ['Microsoft.Storage.BlobCreate'], blobPathEndsWith: '.csv' },
    }),
    /daily.json:line error each of events must be one of Microsoft.Storage.BlobCreated/,
  ],
  [
    'a misspelt property of a credential',
    (files) => (files['credential/c.json'] = { name: 'c', properties: { type: 'ManagedIdentity', typePropertys: {} } }),
    /c.json:line warning the property typePropertys of a credential is not supported \(did you mean typeProperties\?\)/,
  ],
  [
    'a runtime of a type that does not exist',
    (files) => (files['integrationRuntime/r.json'] = { name: 'r', properties: { type: 'SelfHostd' } }),
    /r.json:line error type of an integration runtime must be one of Managed, SelfHosted/,
  ],
];
for (const [claim, change, finding] of damages)
  test(`${claim} is found with its file, line and activity`, () =>
    expect(findingsOf(change)).toEqual(expect.arrayContaining([expect.stringMatching(finding)])));

test('UTF-16 and a byte order mark are read', () => {
  const text = JSON.stringify({ name: 'table', properties: { type: 'SqlServerTable', linkedServiceName: { referenceName: 'sql' } } });
  for (const bytes of [Buffer.from(`\ufeff${text}`, 'utf16le'), Buffer.from(`\ufeff${text}`)])
    expect(findingsOf((files) => (files['dataset/table.json'] = bytes)).filter((finding) => finding.includes(' error '))).toEqual([]);
});

test('a file that is damaged anywhere is a finding or still whole, never an error of ours', () => {
  const whole = JSON.stringify({
    name: 'p',
    properties: {
      activities: [
        {
          name: 'a',
          type: 'Wait',
          dependsOn: [],
          policy: { timeout: '0.12:00:00', retry: 1 },
          typeProperties: { waitTimeInSeconds: { value: '@add(1, 2)', type: 'Expression' } },
        },
      ],
      parameters: { x: { type: 'string', defaultValue: 'y' } },
    },
  });
  fc.assert(
    fc.property(
      fc.nat(whole.length - 1),
      fc.nat(12),
      fc.constantFrom('', '{', ']', '"', ',', '0', 'null', '@{', '\ud800'),
      (at, length, inserted) => {
        const damaged = whole.slice(0, at) + inserted + whole.slice(at + length);
        for (const finding of findingsOf((files) => (files['pipeline/p.json'] = damaged)))
          expect(finding).not.toMatch(/INTERNAL|undefined|TypeError/);
      },
    ),
    { numRuns: count(300, 5000) },
  );
});

const shared = findSharedData('adf');
test.skipIf(shared === undefined)(
  'real pipelines of public repositories load; what is found in them beside missing references is what is not supported',
  () => {
    const { factory, findings: loaded } = loadFactory([join(shared ?? '', 'pipelines')]);
    expect(loaded.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(factory.folders[0]?.pipelines.size).toBe(26);
    const errors = validateFactory(factory).filter(({ severity, code }) => severity === 'error' && code !== 'FACTORY_NOT_FOUND');
    expect(
      errors
        .filter(({ code }) => code !== 'FACTORY_UNSUPPORTED')
        .map(({ file, activity, message }) => `${basename(file)} ${activity}: ${message}`),
    ).toEqual([]);
  },
);

test('an inactive activity is not validated, as in Azure', () => {
  expect(findings([{ name: 'a', type: 'HDInsightHive', state: 'Inactive' }])).toEqual([]);
});

test('broken JSON is one finding with line and column; the other files are read', () => {
  using folder = temporaryFolder('lakestead-validate-');
  const dir = folder.path;
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
