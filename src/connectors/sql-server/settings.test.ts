import { describe, expect, test } from 'vitest';

import { hierarchyIdText } from './hierarchy-id.ts';
import { parseServerName } from './server-name.ts';
import { readSqlServerSettings } from './settings.ts';

// Microsoft's documentation of the connection string's server, "Data Source".
test.for([
  ['HOST\\SALES', { host: 'HOST', instance: 'SALES' }],
  ['host,1444', { host: 'host', port: 1444 }],
  ['tcp:host,1444', { host: 'host', port: 1444 }],
  ['tcp:sales.database.windows.net', { host: 'sales.database.windows.net' }],
  ['(local)', { host: 'localhost' }],
  ['.', { host: 'localhost' }],
  ['.\\SQLEXPRESS', { host: 'localhost', instance: 'SQLEXPRESS' }],
  ['HOST\\SALES,1444', { host: 'HOST', port: 1444 }],
] as const)('the server %s', ([text, name]) => {
  expect(parseServerName(text)).toEqual(name);
});

test.for(['np:host', '(localdb)\\v11', '\\\\host\\pipe\\sql'])('%s is refused: it is not reached over TCP', (text) => {
  expect(() => parseServerName(text)).toThrow(expect.objectContaining({ code: 'FACTORY_UNSUPPORTED' }));
});

// Values of AdventureWorks' HumanResources.Employee and of the documentation of hierarchyid.
test.for([
  ['', '/'],
  ['58', '/1/'],
  ['5AC0', '/1/1/'],
  ['5AD6', '/1/1/1/'],
  ['5ADA', '/1/1/2/'],
  ['5AE1', '/1/1/4/'],
  ['5AE158', '/1/1/4/1/'],
  ['84', '/4/'],
  ['A2', '/8/'],
  ['C110', '/16/'],
  ['62C0', '/1.1/'],
])('the hierarchyid 0x%s is %s', ([hex = '', text]) => {
  expect(hierarchyIdText(Buffer.from(hex, 'hex'))).toBe(text);
});

test('bytes that are no hierarchyid are refused', () => {
  expect(() => hierarchyIdText(Buffer.from('01', 'hex'))).toThrow(expect.objectContaining({ code: 'SQL_TYPE' }));
});

describe('settings of a SQL Server', () => {
  const read = (properties: Record<string, unknown>) => readSqlServerSettings('onprem', properties);

  test('come from a connection string, and a property of its own wins', () => {
    const settings = read({
      connectionString:
        'Data Source=tcp:h,1;Initial Catalog=a;User ID=u;Password="p;w";Integrated Security=False;Encrypt=Strict;Connection Timeout=30',
      database: 'b',
    });
    expect(settings).toMatchObject({
      server: { host: 'h', port: 1 },
      database: 'b',
      user: 'u',
      encrypt: 'strict',
      connectTimeoutMs: 30_000,
    });
    expect(`${JSON.stringify(settings)}${String(settings.password)}`).not.toContain('p;w');
  });

  test.for([
    [{}, 'FACTORY_INVALID', 'no server'],
    [{ server: 'h', encrypt: 'perhaps' }, 'FACTORY_INVALID', 'encrypt "perhaps"'],
    [{ server: 'h', trustServerCertificate: 'maybe' }, 'FACTORY_INVALID', 'trust "maybe"'],
    [{ server: 'h', connectTimeout: 'soon' }, 'FACTORY_INVALID', 'connectTimeout "soon"'],
    [{ server: 'h', packetSize: 100 }, 'FACTORY_INVALID', 'packetSize "100"'],
    [{ server: 'h', authenticationType: 'Windows' }, 'FACTORY_UNSUPPORTED', 'logs in by Windows'],
    [{ connectionString: 'Server=h;Integrated Security=SSPI' }, 'FACTORY_UNSUPPORTED', 'Integrated Security'],
    [{ connectionString: 'Server=h;Column Encryption Setting=Enabled' }, 'FACTORY_UNSUPPORTED', 'column encryption setting'],
  ] as const)('%o is refused', ([properties, code, message]) => {
    expect(() => read(properties)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });
});
