import { LakesteadError } from '#core';

import type { FailedTry } from './retry.ts';

/** What Azure's client says of a failed request. */
type Answer = { readonly status?: number; readonly code: string; readonly message: string; readonly retryAfterMs?: number };

/** Codes that say that the name is taken: of `If-None-Match: *`, also behind a hierarchical namespace. */
const taken = new Set(['BlobAlreadyExists', 'ConditionNotMet', 'TargetConditionNotMet', 'PathAlreadyExists', 'ResourceAlreadyExists']);
const absent = new Set(['BlobNotFound', 'ContainerNotFound', 'ResourceNotFound', 'PathNotFound', 'CannotVerifyCopySource']);

/**
 * An error of Azure's client as one of ours. Nothing of the request goes along: it holds the signature or token.
 *
 * @param what the work and its address, for the message
 */
export function classifyAzureError(error: unknown, what: string): FailedTry {
  if (error instanceof LakesteadError) return { error };
  const answer = readAnswer(error);
  const make = (code: LakesteadError['code'], hint: string | undefined, retryable = false) => ({
    error: new LakesteadError(code, `${what}: ${answer.message}`, {
      retryable,
      ...(hint === undefined ? {} : { hint }),
      data: { azureCode: answer.code, ...(answer.status === undefined ? {} : { status: answer.status }) },
    }),
    retryAfterMs: answer.retryAfterMs,
  });
  if (answer.status === undefined) {
    if (/Credential|Authentication/.test(answer.code) || /authentication/i.test(answer.message)) return make('STORAGE_DENIED', loginHint);
    return make('STORAGE_UNREACHABLE', 'check the network and the address of the storage account in lakestead.yaml', true);
  }
  switch (answer.status) {
    case 401:
    case 403:
      return make('STORAGE_DENIED', rightsHint);
    case 404:
      return make('STORAGE_NOT_FOUND', undefined);
    case 409:
    case 412:
      if (taken.has(answer.code)) return make('STORAGE_EXISTS', undefined);
      if (absent.has(answer.code)) return make('STORAGE_NOT_FOUND', undefined);
      return make('STORAGE_FAILED', undefined, ['ContainerBeingDeleted', 'OperationTimedOut'].includes(answer.code));
    case 429:
    case 503:
      return make('STORAGE_THROTTLED', 'the account is busy: try again later, or lower maxParallel in lakestead.yaml', true);
    case 408:
    case 500:
    case 502:
    case 504:
      return make('STORAGE_FAILED', 'the storage service failed: try again later', true);
    default:
      return make('STORAGE_FAILED', undefined);
  }
}

const loginHint =
  'no credential of Azure was found: sign in with "az login", set AZURE_CLIENT_ID and the like, or give accountKey or sasToken';
const rightsHint =
  'check the key or token; an identity needs the role Storage Blob Data Contributor, and the machine a way through the firewall of the account';

/** Azure's code of an error (`BlobNotFound`), '' when it has none. */
export function azureCode(error: unknown): string {
  return readAnswer(error).code;
}

/** True when a range began behind the end of the object. */
export function isBehindEnd(error: unknown): boolean {
  return readAnswer(error).status === 416;
}

function readAnswer(error: unknown): Answer {
  if (!(error instanceof Error)) return { code: '', message: 'the request failed' };
  const status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined;
  const fromBody =
    field('details' in error ? error.details : undefined, 'errorCode') ?? field('details' in error ? error.details : undefined, 'Code');
  const code = fromBody ?? field(error, 'code') ?? (error.name === 'RestError' ? '' : error.name);
  const retryAfter = Number(readHeader(error, 'retry-after'));
  return {
    ...(status === undefined ? {} : { status }),
    code,
    message: describe(error, code, status),
    ...(retryAfter > 0 ? { retryAfterMs: retryAfter * 1000 } : {}),
  };
}

/** Answers without a body (to HEAD) have only the code of the header. */
function describe(error: Error, code: string, status: number | undefined): string {
  const first = (error.message.split('\n')[0] ?? '').replaceAll(/([?&](?:sig|se|sp|sv|skoid)=)[^&\s]*/gi, '$1***').slice(0, 300);
  if (first !== '') return code === '' || first.includes(code) ? first : `${code}: ${first}`;
  return code === '' ? `the service answered ${String(status)}` : code;
}

function field(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null || !(name in value)) return undefined;
  const found: unknown = Reflect.get(value, name);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

function readHeader(error: Error, name: string): string | undefined {
  const response: unknown = 'response' in error ? error.response : undefined;
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined;
  const { headers } = response;
  if (typeof headers !== 'object' || headers === null || !('get' in headers) || typeof headers.get !== 'function') return undefined;
  const found: unknown = headers.get(name);
  return typeof found === 'string' ? found : undefined;
}
