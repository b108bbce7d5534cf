import type { BlobServiceClient, StoragePipelineOptions } from '@azure/storage-blob';

import { LakesteadError } from '#core';

import type { AzureSettings } from './azure-settings.ts';

/**
 * Azure's client for an account. Azure's packages are loaded here and nowhere before: a project whose lake is a folder
 * does not pay for them.
 *
 * @throws {LakesteadError} `CONFIG_INVALID` for a key, connection string or address that cannot be one
 */
export async function openClient(settings: AzureSettings): Promise<BlobServiceClient> {
  const { BlobServiceClient: Client, StorageSharedKeyCredential } = await import('@azure/storage-blob');
  const { account, credential } = settings;
  const endpoint = settings.endpoint?.replace(/\/+$/, '') ?? `https://${account}.blob.core.windows.net`;
  // Attempts are counted, waited for and given up in one place, which is ours.
  const options: StoragePipelineOptions = { retryOptions: { maxTries: 1 }, userAgentOptions: { userAgentPrefix: 'lakestead' } };
  try {
    switch (credential.kind) {
      case 'accountKey':
        return new Client(endpoint, new StorageSharedKeyCredential(account, credential.key.reveal()), options);
      case 'sas':
        return new Client(`${endpoint}?${credential.token.reveal().replace(/^\?/, '')}`, undefined, options);
      case 'connectionString':
        return Client.fromConnectionString(credential.text.reveal(), options);
      case 'default': {
        const { DefaultAzureCredential } = await import('@azure/identity');
        return new Client(endpoint, new DefaultAzureCredential(), options);
      }
    }
  } catch {
    // The cause may quote the secret.
    throw new LakesteadError('CONFIG_INVALID', `the storage account ${account} cannot be opened with the ${nameOf(settings)} it is given`, {
      hint: 'copy it again from "Access keys" or "Shared access signature" of the account, and check endpoint',
    });
  }
}

function nameOf({ credential }: AzureSettings): string {
  return { accountKey: 'accountKey', sas: 'sasToken', connectionString: 'connectionString', default: 'address' }[credential.kind];
}
