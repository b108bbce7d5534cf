import { describe, expect, test } from 'vitest';

import { type Connector, openConnector, type SourceResult } from '#connectors';
import { LakesteadError, Secret } from '#core';

import { makeCertificate } from '../services/certificate.ts';
import { startSqlServerDriver } from '../services/sql-server-driver.ts';
import { startTdsServer, type TdsServerOptions } from '../services/tds-server.ts';
import { bytes, colMetadata, collations, done, doneProc, errorMessage, infoMessage, nbcRow, row, types } from '../services/tds-tokens.ts';
import { cases } from './sql-server-cases.ts';

async function connect(port: number, more: Record<string, unknown> = {}, signal?: AbortSignal): Promise<Connector> {
  const typeProperties = {
    server: `127.0.0.1,${port}`,
    database: 'sales',
    userName: 'reader',
    password: new Secret('p4ss;word', 'test'),
    encrypt: 'false',
    ...more,
  };
  return await openConnector({ kind: 'service', name: 'onprem', type: 'SqlServer', typeProperties }, signal);
}

/** What a query reads, as columns of text; null stays null. */
async function textOf({ columns, rows }: SourceResult): Promise<Record<string, (string | null)[]>> {
  if (rows.kind !== 'batches') throw new Error('rows come over the wire in batches');
  const found = columns.map((): (string | null)[] => []);
  for await (const batch of rows.batches)
    batch.columns.forEach((column, index) => found[index]?.push(...column.map((value) => (value === null ? null : String(value)))));
  return Object.fromEntries(columns.map(({ name }, index) => [name, found[index] ?? []]));
}

async function readAll(options: TdsServerOptions, query = 'SELECT 1'): Promise<Record<string, (string | null)[]>> {
  await using server = await startTdsServer(options);
  await using connector = await connect(server.port);
  return await textOf(await connector.read({ kind: 'query', text: query }, readOptions));
}

// A connector over the wire reads into memory: the lease is for those that read inside of the engine.
const readOptions = { lease: undefined as never };

const drain = async (batches: AsyncIterable<unknown>): Promise<void> => {
  for await (const _ of batches);
};

/** A type in its form without null has no way to say it. */
const canBeNull = cases.map(([, type]) => type.info.length > 1 || type === types.date);
const everyColumn = cases.map(([name, type]) => ({ name, type }));

describe('each type of the wire', () => {
  const values = cases.map(([, , value]) => value);
  const nulls = values.map((value, index) => (canBeNull[index] === true ? null : value));
  const answer = Buffer.concat([
    colMetadata(everyColumn),
    row(everyColumn, values),
    row(everyColumn, nulls),
    nbcRow(everyColumn, values),
    nbcRow(
      everyColumn,
      values.map(() => null),
    ),
    done(4),
  ]);

  // A packet of 512 bytes, the least that TDS allows, and one that holds everything; the second ends inside of most values.
  test.for([512, 32_767])('is exact, in packets of %i bytes', async (packetSize) => {
    await using server = await startTdsServer({ packetSize, answer: () => answer });
    await using connector = await connect(server.port, { packetSize });
    const result = await connector.read({ kind: 'query', text: 'SELECT every, type' }, readOptions);
    expect(result.columns.map(({ name, sourceType, lakeType }) => [name, sourceType, lakeType])).toEqual(
      cases.map(([name, , , , sourceType, lakeType]) => [name, sourceType, lakeType]),
    );
    const read = await textOf(result);
    cases.forEach(([name, , , text], index) => {
      expect({ [name]: read[name] }).toEqual({ [name]: [text, canBeNull[index] === true ? null : text, text, null] });
    });
  });
});

test('whatever piece the bytes arrive in, the rows are the same', async () => {
  const columns = [
    { name: 'id', type: types.int },
    { name: 'name', type: types.nvarchar(20) },
    { name: 'note', type: types.nvarcharMax },
  ];
  const rows = ['a', 'bb', '🚲'].map((text, index) =>
    row(columns, [bytes.int32(index), bytes.national(text), bytes.national(text.repeat(9))]),
  );
  const all = Buffer.concat([colMetadata(columns), ...rows, nbcRow(columns, [bytes.int32(3), null, null]), done(4)]);
  const expected = { id: ['0', '1', '2', '3'], name: ['a', 'bb', '🚲', null], note: ['a'.repeat(9), 'bb'.repeat(9), '🚲'.repeat(9), null] };
  const inPieces = async function* (size: number) {
    for (let start = 0; start < all.length; start += size) {
      yield all.subarray(start, start + size);
      await Promise.resolve();
    }
  };
  for (let size = 1; size <= 40; size += 1) expect(await readAll({ answer: () => inPieces(size) })).toEqual(expected);
});

test("the protocol's own example of an answer is read", async () => {
  // MS-TDS 4.7, "SQL Batch Server Response": SELECT 'foo' AS 'bar'.
  const tokens = '810100000000002000A7030009 04D0003403620061007200D10300666F6FFD1000C1000100000000000000'.replaceAll(' ', '');
  expect(await readAll({ answer: () => Buffer.from(tokens, 'hex') })).toEqual({ bar: ['foo'] });
});

test('the first of several results is the answer, and an error of a later one is not lost', async () => {
  const columns = [{ name: 'a', type: types.int }];
  const first = Buffer.concat([infoMessage(0, 'hello'), colMetadata(columns), row(columns, [bytes.int32(1)]), done(1, { more: true })]);
  const second = Buffer.concat([
    colMetadata([{ name: 'b', type: types.nvarchar(3) }]),
    row([{ name: 'b', type: types.nvarchar(3) }], [null]),
    done(1),
  ]);
  expect(await readAll({ answer: () => Buffer.concat([first, second]) })).toEqual({ a: ['1'] });
  const failing = {
    answer: () => Buffer.concat([first, errorMessage(8134, 'Divide by zero error encountered.'), done(0, { failed: true })]),
  };
  await expect(readAll(failing)).rejects.toMatchObject({ code: 'SQL_TYPE', message: expect.stringContaining('Divide by zero') });
});

test('many rows come in batches, and who takes them slowly slows the server down', async () => {
  const columns = [{ name: 'text', type: types.nvarchar(1000) }];
  const one = row(columns, [bytes.national('x'.repeat(1000))]);
  const rowCount = 100_000;
  const answer = async function* () {
    yield colMetadata(columns);
    for (let sent = 0; sent < rowCount; sent += 100) yield Buffer.concat(Array.from({ length: 100 }, () => one));
    yield done(rowCount);
  };
  await using server = await startTdsServer({ answer, packetSize: 32_767 });
  await using connector = await connect(server.port, { packetSize: 32_767 });
  const { rows } = await connector.read({ kind: 'query', text: 'SELECT' }, readOptions);
  if (rows.kind !== 'batches') throw new Error('rows come over the wire in batches');
  const batches = rows.batches[Symbol.asyncIterator]();
  const first = await batches.next();
  let taken = first.value.rowCount;
  await new Promise((resolve) => setTimeout(resolve, 300));
  // 200 MB wait on the server: nobody takes them. What is under way fits in the sockets and two batches.
  expect(server.bytesSent()).toBeLessThan(40_000_000);
  for (let next = await batches.next(); next.done !== true; next = await batches.next()) {
    expect(next.value.rowCount).toBeLessThan(4096);
    taken += next.value.rowCount;
  }
  expect(taken).toBe(rowCount);
  expect(rows.bytesRead()).toBeGreaterThan(rowCount * 2000);
});

describe('a statement ends when it should', () => {
  const columns = [{ name: 'id', type: types.int }];
  const endless = async function* () {
    yield colMetadata(columns);
    for (let id = 0; ; id += 1) {
      yield row(columns, [bytes.int32(id)]);
      if (id % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const short = () => Buffer.concat([colMetadata(columns), row(columns, [bytes.int32(7)]), done(1)]);
  const answer = ({ text }: { text: string }) => (text.includes('endless') ? endless() : short());

  test('when it is cancelled: the server is told, and the connection serves the next', async () => {
    await using server = await startTdsServer({ answer });
    await using connector = await connect(server.port);
    const cancel = new AbortController();
    const { rows } = await connector.read({ kind: 'query', text: 'endless' }, { ...readOptions, signal: cancel.signal });
    if (rows.kind !== 'batches') throw new Error('rows come over the wire in batches');
    setTimeout(() => cancel.abort(), 20);
    await expect(drain(rows.batches)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(server.attentions()).toBe(1);
    expect(await textOf(await connector.read({ kind: 'query', text: 'short' }, readOptions))).toEqual({ id: ['7'] });
  });

  test('when it takes too long', async () => {
    await using server = await startTdsServer({ answer });
    await using connector = await connect(server.port);
    const { rows } = await connector.read({ kind: 'query', text: 'endless' }, { ...readOptions, timeoutMs: 50 });
    if (rows.kind !== 'batches') throw new Error('rows come over the wire in batches');
    await expect(drain(rows.batches)).rejects.toMatchObject({ code: 'TIMEOUT', hint: expect.stringContaining('queryTimeout') });
    expect(server.attentions()).toBe(1);
  });

  test('when nobody wants the rest', async () => {
    await using server = await startTdsServer({ answer });
    await using connector = await connect(server.port);
    const { rows } = await connector.read({ kind: 'query', text: 'endless' }, readOptions);
    if (rows.kind !== 'batches') throw new Error('rows come over the wire in batches');
    for await (const batch of rows.batches) if (batch.rowCount > 0) break;
    expect(server.attentions()).toBe(1);
    expect(await textOf(await connector.read({ kind: 'query', text: 'short' }, readOptions))).toEqual({ id: ['7'] });
  });
});

describe('what goes wrong is told apart', () => {
  const login = (number: number, message: string) => ({
    answer: () => done(),
    refuseLogin: [errorMessage(number, message, 14), errorMessage(18_456, "Login failed for user 'reader'.", 14)],
  });
  const refused = async (options: TdsServerOptions, more: Record<string, unknown> = {}): Promise<LakesteadError> => {
    await using server = await startTdsServer(options);
    const failure = await connect(server.port, more)
      .then(
        async (connector) =>
          await connector.read({ kind: 'query', text: 'SELECT' }, readOptions).finally(async () => await connector[Symbol.asyncDispose]()),
      )
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    if (!(failure instanceof LakesteadError)) throw new Error('it did not fail');
    expect(JSON.stringify(failure) + failure.message + failure.hint).not.toContain('p4ss');
    return failure;
  };

  test.for([
    ['a wrong database', login(4060, 'Cannot open database "sales" requested by the login. The login failed.'), 'CONNECT_DATABASE'],
    [
      'a wrong password',
      { answer: () => done(), refuseLogin: [errorMessage(18_456, "Login failed for user 'reader'.", 14)] },
      'CONNECT_LOGIN',
    ],
    [
      'no permission',
      {
        answer: () =>
          Buffer.concat([errorMessage(229, "The SELECT permission was denied on the object 'Address'.", 14), done(0, { failed: true })]),
      },
      'CONNECT_PERMISSION',
    ],
    [
      'no such table',
      { answer: () => Buffer.concat([errorMessage(208, "Invalid object name 'dbo.Nope'."), done(0, { failed: true })]) },
      'SQL_NAME_NOT_FOUND',
    ],
    ['an error of its own', { answer: () => Buffer.concat([errorMessage(50_000, 'raised'), done(0, { failed: true })]) }, 'CONNECT_FAILED'],
    ['a type without a place in the lake', { answer: () => colMetadata([{ name: 'v', type: types.sqlVariant }]) }, 'SQL_TYPE'],
    ['a CLR type', { answer: () => colMetadata([{ name: 'shape', type: types.clr('geography') }]) }, 'SQL_TYPE'],
    ['a column without a name', { answer: () => Buffer.concat([colMetadata([{ name: '', type: types.int }]), done()]) }, 'SQL_SYNTAX'],
    ['a statement without rows', { answer: () => done() }, 'SQL_SYNTAX'],
  ] as const)('%s', async ([, options, code]) => {
    expect((await refused(options)).code).toBe(code);
  });

  test('an error in the middle of the rows', async () => {
    const columns = [{ name: 'a', type: types.int }];
    const answer = () =>
      Buffer.concat([
        colMetadata(columns),
        row(columns, [bytes.int32(1)]),
        errorMessage(1205, 'was deadlocked', 13),
        done(0, { failed: true }),
      ]);
    await expect(readAll({ answer })).rejects.toMatchObject({ code: 'CONNECT_FAILED', message: expect.stringContaining('deadlocked') });
  });

  test('text whose code page is not known', async () => {
    const columns = [{ name: 'odd', type: types.varchar(9, collations.unknown) }];
    const answer = (text: Buffer) => () => Buffer.concat([colMetadata(columns), row(columns, [text]), done(1)]);
    expect(await readAll({ answer: answer(Buffer.from('plain')) })).toEqual({ odd: ['plain'] });
    await expect(readAll({ answer: answer(Buffer.from([0xe9])) })).rejects.toMatchObject({
      code: 'SQL_TYPE',
      message: expect.stringContaining('odd'),
    });
  });

  test('a connection that breaks inside of a row', async () => {
    const columns = [{ name: 'a', type: types.nvarchar(10) }];
    const breaking = async function* () {
      yield Buffer.concat([colMetadata(columns), row(columns, [bytes.national('whole')]), Buffer.from([0xd1, 20])]);
      await server[Symbol.asyncDispose]();
    };
    const server = await startTdsServer({ answer: breaking });
    await using connector = await connect(server.port);
    await expect(connector.read({ kind: 'query', text: 'SELECT' }, readOptions).then(textOf)).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
    });
  });

  test('nobody listens, no such name, no answer, given up', async () => {
    const server = await startTdsServer({ answer: () => done(), silent: true });
    await expect(connect(server.port, { connectTimeout: 1 })).rejects.toMatchObject({
      code: 'CONNECT_TCP',
      message: expect.stringContaining('does not answer'),
    });
    const cancel = new AbortController();
    setTimeout(() => cancel.abort(), 50);
    await expect(connect(server.port, {}, cancel.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
    await server[Symbol.asyncDispose]();
    await expect(connect(server.port)).rejects.toMatchObject({ code: 'CONNECT_TCP' });
    await expect(connect(1433, { server: 'no-such-host.invalid' })).rejects.toMatchObject({ code: 'CONNECT_DNS' });
  });
});

test('a procedure is called with its parameters, and its errors come', async () => {
  let fails = false;
  const answer = () => (fails ? Buffer.concat([errorMessage(229, 'The EXECUTE permission was denied.', 14), doneProc()]) : doneProc());
  await using server = await startTdsServer({ answer });
  await using connector = await connect(server.port);
  await connector.call('[dbo].[load]', [
    { name: '@name', value: 'Zürich', type: 'String' },
    { name: 'amount', value: '12345678901234567.8901', type: 'Decimal' },
    { name: 'on', value: true, type: 'Boolean' },
    { name: 'none', value: null },
  ]);
  const [call] = server.requests;
  expect(call).toMatchObject({ kind: 'rpc', text: '[dbo].[load]' });
  const sent = call?.bytes.toString('utf16le').concat(call.bytes.subarray(1).toString('utf16le'));
  for (const text of ['@name', 'Zürich', '@amount', '12345678901234567.8901', '@on', '@none']) expect(sent).toContain(text);
  fails = true;
  await expect(connector.call('[dbo].[load]', [])).rejects.toMatchObject({ code: 'CONNECT_PERMISSION' });
});

describe('encryption', () => {
  const certificate = makeCertificate('db.test');
  const answer = () =>
    Buffer.concat([colMetadata([{ name: 'a', type: types.int }]), row([{ name: 'a', type: types.int }], [bytes.int32(1)]), done(1)]);
  const read = async (port: number, more: Record<string, unknown>) => {
    await using connector = await connect(port, more);
    return await textOf(await connector.read({ kind: 'query', text: 'SELECT' }, readOptions));
  };

  test('a certificate that is trusted by setting carries the connection', async () => {
    await using server = await startTdsServer({ answer, tls: certificate });
    expect(await read(server.port, { encrypt: 'mandatory', trustServerCertificate: true })).toEqual({ a: ['1'] });
    // The server wants encryption though the client could do without.
    expect(await read(server.port, { encrypt: 'optional', trustServerCertificate: 'true' })).toEqual({ a: ['1'] });
  });

  test('one that nobody signed is refused, and so is a server without encryption', async () => {
    await using server = await startTdsServer({ answer, tls: certificate });
    await expect(read(server.port, { encrypt: 'mandatory' })).rejects.toMatchObject({
      code: 'CONNECT_TLS',
      hint: expect.stringContaining('trustServerCertificate'),
    });
    await using plain = await startTdsServer({ answer });
    await expect(read(plain.port, { encrypt: 'mandatory' })).rejects.toMatchObject({ code: 'CONNECT_TLS' });
    expect(plain.requests).toEqual([]);
  });
});

test("Microsoft's own driver reads the same values from these bytes", async ({ skip }) => {
  await using driver = await startSqlServerDriver();
  if (driver === undefined) return skip();
  const values = cases.map(([, , value]) => value);
  // hierarchyid comes to it as bytes; the sentences of the long texts are compared as they are.
  const comparable = cases.map(([, , , text, type], index) => ({ text, type, index })).filter(({ type }) => type !== 'hierarchyid');
  await using server = await startTdsServer({
    answer: () => Buffer.concat([colMetadata(everyColumn), row(everyColumn, values), nbcRow(everyColumn, values), done(2)]),
    packetSize: 4096,
  });
  const rows = await driver.run(`
import mssql_python, datetime, decimal, uuid
connection = mssql_python.connect("SERVER=127.0.0.1,${server.port};DATABASE=sales;UID=reader;PWD=secret;Encrypt=no;", autocommit=True)
cursor = connection.cursor()
cursor.execute("SELECT every, type")
def text(value):
    if isinstance(value, bool): return str(value).lower()
    if isinstance(value, bytes): return ''.join('\\\\x%02X' % byte for byte in value)
    if isinstance(value, decimal.Decimal): return format(value, 'f')
    if isinstance(value, uuid.UUID): return str(value).upper()
    if isinstance(value, datetime.datetime): return value.isoformat(' ')
    return str(value)
result = [[text(value) for value in row] for row in cursor.fetchall()]
connection.close()
`);
  const seen = (rows as string[][]).map((one) => comparable.map(({ type, index }) => normal(one[index] ?? '', type)));
  const ours = comparable.map(({ text, type }) => normal(text, type));
  expect(seen).toEqual([ours, ours]);
});

/** One way to write a value: Python's datetime ends at microseconds, writes +05:30 without a blank and drops zeros. */
function normal(text: string, type: string): string {
  if (/^(?:datetime|smalldatetime|time)/.test(type)) {
    return text
      .replace(/ ([+-]\d\d:\d\d)$/, '$1')
      .replace(/(\.\d{6})\d/, '$1')
      .replace(/(\.\d*?)0+(?=$|[+-])/, '$1')
      .replace(/\.(?=$|[+-])/, '');
  }
  return type === 'float' || type === 'real' ? String(Number(text)) : text;
}
