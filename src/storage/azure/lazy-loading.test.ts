import { execFileSync } from 'node:child_process';

import { expect, test } from 'vitest';

test("Azure's packages are not loaded before a storage account is opened, and its sign-in only where it is used", () => {
  const program = `
    import { registerHooks } from 'node:module';
    const seen = new Set();
    registerHooks({ resolve: (specifier, context, next) => {
      seen.add(specifier);
      return next(specifier, context);
    } });
    const { openAzureStore, openLake } = await import('#storage');
    const { Secret } = await import('#core');
    openLake({ defaultRoot: '/nowhere' });
    const before = [...seen].filter((name) => name.startsWith('@azure/'));
    await openAzureStore({ account: 'a', credential: { kind: 'accountKey', key: new Secret('a2V5', 'x') } });
    const [blob, identity] = [seen.has('@azure/storage-blob'), seen.has('@azure/identity')];
    await openAzureStore({ account: 'a', credential: { kind: 'default' } });
    console.log(JSON.stringify({ before, blob, identity, signIn: seen.has('@azure/identity') }));
  `;
  const env = { ...process.env, NODE_OPTIONS: '' };
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', env });
  expect(JSON.parse(said)).toEqual({ before: [], blob: true, identity: false, signIn: true });
});
