import { expect, test } from 'vitest';

import { parseConnectionString } from './connection-string.ts';

// The rules are those of the pages "Connection String Syntax" (ADO.NET) and "SQLDriverConnect" (ODBC) of Microsoft's documentation.
const cases: readonly (readonly [claim: string, text: string, settings: Record<string, string>])[] = [
  ['keys are in lower case', 'Data Source=sql01,1433;Initial Catalog=Sales', { 'data source': 'sql01,1433', 'initial catalog': 'Sales' }],
  ['blanks around keys and bare values do not count', ' User ID = etl user ; Encrypt = yes ', { 'user id': 'etl user', encrypt: 'yes' }],
  ['a value in double quotes holds semicolons', 'Password="a;b=c";Port=1', { password: 'a;b=c', port: '1' }],
  ['a doubled quote is one', `Password="a""b";Other='it''s'`, { password: 'a"b', other: "it's" }],
  ['the other quote stands for itself', `A="it's";B='say "x"'`, { a: "it's", b: 'say "x"' }],
  ['blanks inside quotes count', 'Password=" x " ;', { password: ' x ' }],
  ['a value in braces is as ODBC writes it', 'Driver={ODBC Driver 18};PWD={a;b}}c}', { driver: 'ODBC Driver 18', pwd: 'a;b}c' }],
  ['a doubled equals sign in a key is one', 'a==b=c', { 'a=b': 'c' }],
  ['equals signs in a value stand for themselves', 'AccountKey=abc==;x=1', { accountkey: 'abc==', x: '1' }],
  ['a bare value may hold quotes inside', `Password=a"b'c;x=1`, { password: `a"b'c`, x: '1' }],
  ['of a key that is there twice the last counts', 'Port=1;PORT=2', { port: '2' }],
  ['a value may be empty', 'Password=;User=a', { password: '', user: 'a' }],
  ['empty parts are nothing', ';;A=1;; ;', { a: '1' }],
  ['nothing is no settings', '  ', {}],
  ['a line break between parts is a blank', 'A=1;\n  B=2\n', { a: '1', b: '2' }],
];
for (const [claim, text, settings] of cases)
  test(claim, () => {
    expect(parseConnectionString(text)).toEqual(settings);
  });

test('a key like a property of every object is a key', () => {
  expect(Object.entries(parseConnectionString('__proto__=x;constructor=y'))).toEqual([
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
  expect(parseConnectionString('A=1')['constructor']).toBeUndefined();
});

test('what is no connection string is refused, and its text is not shown', () => {
  for (const text of [
    'hunter2',
    'Password="hunter2',
    "Password='hunter2",
    'PWD={hunter2',
    'Password="a"hunter2',
    '=hunter2',
    'Password==hunter2',
  ]) {
    const parse = () => parseConnectionString(`Server=x;${text}`);
    expect(parse).toThrow(expect.objectContaining({ code: 'FACTORY_INVALID' }));
    try {
      parse();
    } catch (error) {
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('hunter2');
    }
  }
});

test('a long run of blanks takes no time', () => {
  expect(() => parseConnectionString(`${' '.repeat(50_000)}x`)).toThrow(expect.objectContaining({ code: 'FACTORY_INVALID' }));
});
