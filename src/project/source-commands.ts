import { z } from 'zod';

import { LakesteadError, nearMisses } from '#core';
import { generateDemo } from '#demo';
import { type EffectiveService, loadFactory, toPlain } from '#factory';
import { loadSource } from '#warehouse';

import { type Command, command } from './command.ts';
import type { SourceLoadDocument } from './documents.ts';
import type { Project } from './project.ts';

const serviceArgs = z.object({ linkedService: z.string() });

/** `source load|check|tables` and the generator of the demo's data. */
export const sourceCommands: Readonly<Record<string, Command>> = {
  'source check': command(serviceArgs, async (project, args, { signal }) => {
    await using connector = await project.connector(findService(project, args.linkedService));
    return await connector.check({ signal });
  }),
  'source tables': command(serviceArgs, async (project, args, { signal }) => {
    await using connector = await project.connector(findService(project, args.linkedService));
    return await connector.tables({ signal });
  }),
  'source load': command(
    serviceArgs.extend({ from: z.string(), columns: z.string() }),
    async (project, args, { signal }): Promise<SourceLoadDocument> => {
      const started = performance.now();
      const service = findService(project, args.linkedService);
      if (service.kind !== 'embedded')
        throw new LakesteadError('USAGE', `${args.linkedService} is no embedded database here`, {
          hint: `lakestead.yaml: environments.<name>.linkedServices: { ${args.linkedService}: { embedded: <database> } }`,
        });
      const tables = await loadSource({
        engine: await project.engine(),
        database: await project.embedded(service.database),
        folder: args.from,
        columnsFile: args.columns,
        signal,
      });
      return { tables, durationMs: performance.now() - started };
    },
  ),
  'demo generate': command(z.object({ scale: z.int().min(1), seed: z.int().min(0) }), async (project, { scale, seed }, { signal }) => {
    const database = await project.embedded('AdventureWorksLT');
    return { tables: await generateDemo({ engine: await project.engine(), database, scale, seed, signal }) };
  }),
};

/** A linked service of the environment or of the factory. */
function findService(project: Project, name: string): EffectiveService {
  const { environment } = project.config;
  const override = [...environment.linkedServices].find(([one]) => one.toLowerCase() === name.toLowerCase())?.[1];
  if (override?.kind === 'embedded') return { kind: 'embedded', name, database: override.database };
  const services = loadFactory(project.config.factory).factory.folders.flatMap((folder) => [...folder.linkedServices.values()]);
  const service = services.find((one) => one.name.toLowerCase() === name.toLowerCase());
  const type = override?.type ?? service?.type;
  if (type !== undefined) {
    const own =
      service === undefined ? {} : Object.fromEntries(Object.entries(service.typeProperties).map(([key, value]) => [key, toPlain(value)]));
    return { kind: 'service', name, type, typeProperties: override?.typeProperties ?? own };
  }
  const known = [...environment.linkedServices.keys(), ...services.map((one) => one.name)];
  const near = nearMisses(name, known);
  throw new LakesteadError('FACTORY_NOT_FOUND', `there is no linked service '${name}'`, {
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : `linked services: ${[...new Set(known)].join(', ') || 'none'}`,
  });
}
