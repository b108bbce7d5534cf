import { LakesteadError } from '#core';
import type { Warehouse } from '#warehouse';

import type { Connector } from './connector.ts';
import { openEmbeddedConnector } from './embedded.ts';

/** What is opened: a database of this project, or a linked service whose secrets are resolved (`Secret` values). */
export type ConnectorTarget =
  | { readonly kind: 'embedded'; readonly database: string; readonly warehouse: Warehouse }
  | { readonly kind: 'service'; readonly name: string; readonly type: string; readonly typeProperties: Readonly<Record<string, unknown>> };

/** Opens a source by the type of its linked service. Types without a connector are refused by name. */
export async function openConnector(target: ConnectorTarget): Promise<Connector> {
  if (target.kind === 'embedded') return await openEmbeddedConnector(target);
  throw new LakesteadError('FACTORY_UNSUPPORTED', `there is no connector for linked services of type ${target.type} ('${target.name}')`, {
    hint: 'let an embedded database stand in: environments.<name>.linkedServices in lakestead.yaml',
  });
}
