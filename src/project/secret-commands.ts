import { z } from 'zod';

import { Secret } from '#core';

import { type Command, command } from './command.ts';

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,126}$/, 'a name of letters, digits and dashes, as Key Vault has them');

/** `secret set|list|rm`: the local vault. Values go in and are never given out. */
export const secretCommands: Readonly<Record<string, Command>> = {
  'secret set': command(z.object({ name, value: z.string().min(1) }), async (project, args) => {
    const vault = project.vault();
    await vault.set(args.name, new Secret(args.value, 'standard input'));
    return { name: args.name };
  }),
  'secret list': command(z.object({}), async (project) => await project.vault().list()),
  'secret rm': command(z.object({ name: z.string() }), async (project, args) => {
    const vault = project.vault();
    await vault.remove(args.name);
    return { name: args.name };
  }),
};
