import { LakesteadError } from '#core';

/** A SQL Server by its written name: `HOST\INSTANCE`, `host,port`, `tcp:host`, `(local)`, `.`. */
export type SqlServerName = { readonly host: string; readonly port?: number; readonly instance?: string };

/** @throws FACTORY_UNSUPPORTED for named pipes and local databases, which are not reached over TCP */
export function parseServerName(text: string): SqlServerName {
  const trimmed = text.trim();
  const [, protocol, rest = ''] = /^(?:([a-z]+):)?(.*)$/is.exec(trimmed) ?? [];
  if (protocol !== undefined && protocol.toLowerCase() !== 'tcp') {
    throw new LakesteadError('FACTORY_UNSUPPORTED', `${protocol}: is not supported in the server name ${text}`, {
      hint: 'write host, host,port or host\\instance: TCP is used',
    });
  }
  if (/^\\\\|^\(localdb\)/i.test(rest))
    throw new LakesteadError('FACTORY_UNSUPPORTED', `${text} is no server that is reached over TCP`, {
      hint: 'write host, host,port or host\\instance',
    });
  const [, name = '', instance, port] = /^([^\\,]*)(?:\\([^,]*))?(?:,\s*(\d+))?$/.exec(rest) ?? [];
  const host = ['', '.', '(local)'].includes(name.trim().toLowerCase()) ? 'localhost' : name.trim();
  // A port says all: the instance beside it is not looked up, as in Microsoft's own drivers.
  if (port !== undefined) return { host, port: Number(port) };
  return instance === undefined || instance === '' ? { host } : { host, instance };
}
