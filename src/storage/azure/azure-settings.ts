import type { Secret } from '#core';

import type { RetryLimits } from './retry.ts';

/** How a storage account is opened. `default` is Azure's own chain: environment, managed identity, Azure CLI and so on. */
export type AzureCredential =
  | { readonly kind: 'accountKey'; readonly key: Secret }
  | { readonly kind: 'sas'; readonly token: Secret }
  | { readonly kind: 'connectionString'; readonly text: Secret }
  | { readonly kind: 'default' };

/** A storage account of Azure (Blob, ADLS Gen2), or a part of one, as a place of the lake. */
export type AzureSettings = {
  readonly account: string;
  readonly credential: AzureCredential;
  /** The address of the blob service. Default `https://<account>.blob.core.windows.net`; Azurite and other clouds have their own. */
  readonly endpoint?: string | undefined;
  /** With it the store's paths are inside this container; without it their first part is the container. */
  readonly container?: string | undefined;
  /** A folder of the container: the store is what is below. Needs `container`. */
  readonly folder?: string | undefined;
  readonly retry?: { readonly [Limit in keyof RetryLimits]?: RetryLimits[Limit] | undefined } | undefined;
  /** Requests at a time. Default 16. */
  readonly maxParallel?: number | undefined;
  /** Entries of one page of a listing. Default: the service's own, 5,000. */
  readonly pageSize?: number | undefined;
  /** Bytes of one block of an upload or one part of a large read. Default 8 MiB. */
  readonly blockBytes?: number | undefined;
};
