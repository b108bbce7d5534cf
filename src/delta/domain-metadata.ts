import { z } from 'zod';

import { LakesteadError } from '#core';

import type { DomainMetadata } from './actions.ts';
import { parseJson } from './parse-json.ts';

const clusteringSchema = z.object({ clusteringColumns: z.array(z.array(z.string().min(1)).min(1)) });
const rowTrackingSchema = z.object({ rowIdHighWaterMark: z.int() });

/** The names under which the log keeps the facts of features. */
export const domainNames = { clustering: 'delta.clustering', rowTracking: 'delta.rowTracking' } as const;

/** The columns by which a table is clustered, as paths of physical names; none where it is not. Throws `DELTA_CORRUPT`. */
export function clusteringColumns(domains: ReadonlyMap<string, DomainMetadata>): readonly (readonly string[])[] {
  return parseDomain(domains.get(domainNames.clustering), clusteringSchema)?.clusteringColumns ?? [];
}

/** The highest row id that was given out; `undefined` for none. Throws `DELTA_CORRUPT`. */
export function rowIdHighWaterMark(domain: DomainMetadata | undefined): number | undefined {
  return parseDomain(domain, rowTrackingSchema)?.rowIdHighWaterMark;
}

function parseDomain<T>(found: DomainMetadata | undefined, schema: z.ZodType<T>): T | undefined {
  if (found === undefined || found.removed) return undefined;
  const result = schema.safeParse(parseJson(found.configuration));
  if (result.success) return result.data;
  throw new LakesteadError('DELTA_CORRUPT', `the log's facts of ${found.domain} cannot be read: ${z.prettifyError(result.error)}`, {
    cause: result.error,
    hint: 'its writer did not keep to the protocol: write them again with the engine that the table belongs to',
  });
}
