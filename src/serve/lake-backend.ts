import type { Gateway, Principal } from '#access';
import { LakesteadError } from '#core';
import type { Engine, Lease, VectorStream } from '#engine';
import { literal, render, sql, unsafeSql } from '#sql';

import { replaceParameters } from './pgwire/engine-session.ts';
import type { ParameterValue, PgBackend, SqlSession } from './pgwire/index.ts';

export type LakeBackendOptions = {
  readonly engine: Engine;
  readonly gateway: Gateway;
  /** Who may come in, by name: the verifier of the password, and who it is for the gateway. */
  readonly users: ReadonlyMap<string, { readonly verifier: string; readonly principal: Principal }>;
  /** The only database. */
  readonly database: string;
};

/** The lake of a project: each statement passes the gateway, and reads the newest commit of its tables. */
export function lakeBackend({ engine, gateway, users, database }: LakeBackendOptions): PgBackend {
  return {
    isOpen: false,
    verifierOf: async (user) => users.get(user)?.verifier,
    open: async (user, asked) => {
      const found = users.get(user);
      if (found === undefined) throw new LakesteadError('ACCESS_DENIED', `the user ${JSON.stringify(user)} may not come in`);
      // A client that names no database asks for one that is called as the user.
      if (asked !== database && asked !== user) {
        throw new LakesteadError('CONNECT_DATABASE', `there is no database ${JSON.stringify(asked)}`, { hint: `the lake is ${database}`, data: { sqlstate: '3D000' } }); // prettier-ignore
      }
      return lakeSession(gateway, found.principal, await engine.lease());
    },
  };
}

function lakeSession(gateway: Gateway, principal: Principal, lease: Lease): SqlSession {
  const compile = async (text: string, signal: AbortSignal) =>
    (await gateway.compile({ principal, dialect: 'duckdb', text, lease, signal })).sql;
  return {
    describe: async (text, types, signal) => {
      // The gateway's dialect has no parameters: constants stand in their places. One without a type becomes what it stands beside; what
      // cannot be read as a number is NULL.
      const describe = async (unknown: string | null) => {
        const constants = withConstants(text, (number) => typed(types.has(number) ? null : unknown, types.get(number)));
        return await lease.describe(await compile(constants, signal), { signal });
      };
      const { columns, statement } = await describe('0').catch(async (error: unknown) => {
        if (types.size >= countParameters(text)) throw error;
        return await describe(null);
      });
      return {
        columns,
        statement,
        parameters: Array.from({ length: countParameters(text) }, (_, index) => types.get(index + 1) ?? 'UNKNOWN'),
      };
    },
    run: async (text, values, signal) => {
      if (/^\s*(?:begin|commit|rollback)\b/i.test(text)) return nothing;
      return await lease.vectors(
        await compile(
          withConstants(text, (number) => constant(values.get(number))),
          signal,
        ),
        { signal },
      );
    },
    setTimeZone: async (zone) => void (await lease.run(sql`SET TimeZone = ${literal(zone)}`)),
    [Symbol.asyncDispose]: async () => await lease[Symbol.asyncDispose](),
  };
}

/** A statement that only begins or ends a transaction: one of the lake reads what is committed. */
const nothing: VectorStream = {
  columns: [],
  gives: 'nothing',
  statement: 'TRANSACTION',
  rowsChanged: 0,
  batches: (async function* none() {})(),
};

function constant(value: ParameterValue | undefined): string {
  return value === undefined ? 'NULL' : typed(value.text, value.type);
}

/** A text stays a literal without a type, which the engine makes what it stands beside; anything else is cast. */
function typed(text: string | null, type: string | undefined): string {
  const plain = render(literal(text)).text;
  const isBare = type === undefined || type === 'UNKNOWN' || (type === 'VARCHAR' && text !== null);
  return isBare ? plain : `CAST(${plain} AS ${type})`;
}

function withConstants(text: string, constantOf: (number: number) => string): string {
  return render(replaceParameters(text, (number) => unsafeSql(constantOf(number)))).text;
}

function countParameters(text: string): number {
  let most = 0;
  replaceParameters(text, (number) => {
    most = Math.max(most, number);
    return unsafeSql('');
  });
  return most;
}
