import { type Log, LakesteadError } from '#core';
import type { StatementShape } from '#engine';

import * as messages from './backend-messages.ts';
import type { ByteWriter } from './byte-writer.ts';
import { tagOf } from './command-tag.ts';
import { copyOut, parseCopy } from './copy.ts';
import { cursorOf, nameAfter, parseDeclare } from './cursor-statement.ts';
import type { Format, ValueStyle } from './encode-column.ts';
import { MessageBody } from './message-body.ts';
import type { FrontendMessage } from './message-reader.ts';
import { pgErrorOf } from './pg-error.ts';
import { duckdbTypeOf } from './pg-type.ts';
import { parameterOids, type Portal, type Prepared, valueOf } from './prepared.ts';
import { dataRows, RowSource } from './row-source.ts';
import { parseSetting } from './setting-statement.ts';
import { durationMs, type Settings } from './settings.ts';
import { type Statement, splitStatements } from './split-statements.ts';
import type { ParameterValue, SqlSession } from './sql-session.ts';
import { timeZoneStyle } from './time-zone.ts';

export type SessionOptions = {
  readonly sql: SqlSession;
  readonly settings: Settings;
  readonly out: ByteWriter;
  /** Sends what was written; waits while the client does not read. */
  readonly flush: () => Promise<void>;
  readonly next: () => Promise<FrontendMessage | undefined>;
  readonly log: Log;
  /** How many bytes of rows a suspended portal may keep in memory while its connection does something else. */
  readonly maxKeptBytes: number;
};

/** How many statements and portals a session may hold. */
const maxHeld = 10_000;

/** One client's session after it was let in: takes its messages and answers them, until it goes. */
export class Session {
  readonly #options: SessionOptions;
  readonly #prepared = new Map<string, Prepared>();
  readonly #portals = new Map<string, Portal>();
  #status: messages.TransactionStatus = 'I';
  #style: ValueStyle;
  #running = new AbortController();
  #isSkipping = false;
  #isIdle = false;
  /** The statement that is looked at, for the places of errors. */
  #current: Statement | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#style = timeZoneStyle(options.settings.get('timezone') ?? 'UTC');
  }

  /** True while the client's next message is waited for. */
  get isIdle(): boolean {
    return this.#isIdle;
  }

  /** Ends what the session runs now. */
  cancel(reason = new LakesteadError('CANCELLED', 'the statement was cancelled by its client')): void {
    this.#running.abort(reason);
  }

  /** Serves the client until it says goodbye or goes away. */
  async serve(): Promise<void> {
    messages.readyForQuery(this.#options.out, this.#status);
    await this.#options.flush();
    for (;;) {
      this.#isIdle = true;
      const message = await this.#options.next();
      this.#isIdle = false;
      if (message === undefined || message.type === 'X') break;
      await this.#answer(message);
    }
    for (const { rows } of this.#portals.values()) await rows?.close();
  }

  async #answer({ type, body }: FrontendMessage): Promise<void> {
    const { out, flush } = this.#options;
    if (type === 'S') {
      this.#isSkipping = false;
      if (this.#status === 'I') await this.#closePortals();
      messages.readyForQuery(out, this.#status);
      return await flush();
    }
    if (type === 'Q') {
      this.#isSkipping = false;
      await this.#simpleQuery(new MessageBody(body));
      messages.readyForQuery(out, this.#status);
      return await flush();
    }
    if (this.#isSkipping) return;
    if (type === 'H') return await flush();
    // What is left of a COPY that failed.
    if (type === 'd' || type === 'c' || type === 'f') return;
    this.#running = new AbortController();
    this.#current = undefined;
    try {
      await this.#extended(type, new MessageBody(body));
    } catch (error) {
      this.#fail(error, this.#current);
      this.#isSkipping = true;
      // Whoever waits for the answer may have sent no Sync yet.
      await flush();
    }
    if (out.isFull) await flush();
  }

  #fail(error: unknown, text?: Statement): void {
    const described = pgErrorOf(error, 'ERROR', text?.text);
    if (described.state.startsWith('XX')) this.#options.log.error('a statement failed in a way that was ruled out', { error });
    if (this.#status === 'T') this.#status = 'E';
    messages.errorResponse(this.#options.out, described.position === undefined || text === undefined ? described : { ...described, position: described.position + text.start }); // prettier-ignore
  }

  async #simpleQuery(body: MessageBody): Promise<void> {
    const { out } = this.#options;
    this.#running = new AbortController();
    let current: Statement | undefined;
    try {
      const statements = splitStatements(body.text());
      if (statements.length === 0) messages.plainMessage(out, 'I');
      for (const statement of statements) {
        current = statement;
        const portal: Portal = { statement, values: new Map(), formats: [], shape: undefined, isDone: false };
        await this.#perform(portal, 0, true);
        if (out.isFull) await this.#options.flush();
      }
    } catch (error) {
      this.#fail(error, current);
    }
    // The unnamed portal and statement do not outlive a simple query.
    await this.#closePortal('');
    this.#prepared.delete('');
    if (this.#status === 'I') await this.#closePortals();
  }

  async #extended(type: string, body: MessageBody): Promise<void> {
    const { out } = this.#options;
    switch (type) {
      case 'P':
        return await this.#parse(body);
      case 'B':
        return await this.#bind(body);
      case 'D':
        return await this.#describe(body);
      case 'E': {
        const name = body.text();
        const most = body.int32();
        const portal = this.#portals.get(name);
        if (portal === undefined) throw noSuch('portal', name);
        this.#current = portal.statement;
        return await this.#perform(portal, Math.max(0, most), false);
      }
      case 'C': {
        const isStatement = String.fromCharCode(body.byte()) === 'S';
        const name = body.text();
        if (isStatement) this.#prepared.delete(name);
        else await this.#closePortal(name);
        return messages.plainMessage(out, '3');
      }
      case 'F':
        throw new LakesteadError('SQL_NOT_SUPPORTED', 'function calls by message are not supported: use SELECT');
      default:
        throw new LakesteadError('PROTOCOL_VIOLATION', `a message of type ${JSON.stringify(type)} is not known`);
    }
  }

  async #parse(body: MessageBody): Promise<void> {
    const name = body.text();
    const text = body.text();
    const oids = body.uint32s();
    if (name !== '' && this.#prepared.has(name)) {
      throw new LakesteadError('SQL_TYPE', `there is a prepared statement ${JSON.stringify(name)} already`, {
        data: { sqlstate: '42P05' },
      });
    }
    const statements = splitStatements(text);
    const [statement] = statements;
    if (statements.length > 1) {
      throw new LakesteadError('SQL_SYNTAX', 'a prepared statement is one statement, not several');
    }
    if (this.#prepared.size >= maxHeld) throw tooMany('prepared statements');
    this.#refuseInFailed(statement);
    const prepared: Prepared = { statement, oids };
    this.#current = statement;
    if (statement !== undefined && this.#isForEngine(statement)) prepared.shape = await this.#shapeOf(statement, oids);
    this.#prepared.set(name, prepared);
    messages.plainMessage(this.#options.out, '1');
  }

  async #shapeOf(statement: Statement, oids: readonly number[]): Promise<StatementShape> {
    const types = new Map<number, string>();
    for (const [index, oid] of oids.entries()) {
      const type = oid === 0 || oid === 705 ? undefined : duckdbTypeOf(oid);
      if (type !== undefined && type !== 'DECIMAL') types.set(index + 1, type);
    }
    await this.#keepOpenPortals();
    return await this.#options.sql.describe(statement.text, types, this.#running.signal);
  }

  async #bind(body: MessageBody): Promise<void> {
    const portalName = body.text();
    const name = body.text();
    const formats = body.int16s();
    const values = body.values();
    const resultFormats = body.int16s();
    const prepared = this.#prepared.get(name);
    if (prepared === undefined) throw noSuch('prepared statement', name);
    const wanted = Math.max(prepared.shape?.parameters.length ?? 0, ...(prepared.statement?.parameters.map(({ number }) => number) ?? []));
    if (values.length !== wanted) {
      throw new LakesteadError('PROTOCOL_VIOLATION', `${values.length} parameters were given where the statement has ${wanted}`);
    }
    if (portalName !== '' && this.#portals.has(portalName)) {
      throw new LakesteadError('SQL_TYPE', `there is a portal ${JSON.stringify(portalName)} already`, { data: { sqlstate: '42P03' } });
    }
    if (this.#portals.size >= maxHeld) throw tooMany('portals');
    this.#refuseInFailed(prepared.statement);
    await this.#closePortal(portalName);
    const bound = new Map(
      values.map((value, index): [number, ParameterValue] => {
        const isBinary = (formats.length === 1 ? formats[0] : formats[index]) === 1;
        return [index + 1, valueOf(value, isBinary, prepared, index)];
      }),
    );
    this.#portals.set(portalName, {
      statement: prepared.statement,
      values: bound,
      formats: resultFormats,
      shape: prepared.shape,
      isDone: false,
    });
    messages.plainMessage(this.#options.out, '2');
  }

  async #describe(body: MessageBody): Promise<void> {
    const { out } = this.#options;
    const isStatement = String.fromCharCode(body.byte()) === 'S';
    const name = body.text();
    const found = isStatement ? this.#prepared.get(name) : this.#portals.get(name);
    if (found === undefined) throw noSuch(isStatement ? 'prepared statement' : 'portal', name);
    if (isStatement) messages.parameterDescription(out, parameterOids(found as Prepared));
    const columns = 'rows' in found && found.rows !== undefined ? found.rows.columns : await this.#columnsOf(found.statement, found.shape);
    if (columns.length === 0) return messages.plainMessage(out, 'n');
    messages.rowDescription(out, columns, isStatement ? () => 'text' : formatAt((found as Portal).formats));
  }

  /** The columns that a statement gives; none for one that gives no rows. */
  async #columnsOf(statement: Statement | undefined, shape: StatementShape | undefined): Promise<StatementShape['columns']> {
    if (shape !== undefined) return givesRows(shape) ? shape.columns : [];
    if (statement === undefined) return [];
    if (statement.words[0] === 'FETCH') return this.#portals.get(cursorOf(statement).name)?.rows?.columns ?? [];
    return parseSetting(statement)?.kind === 'show' ? showColumns(statement) : [];
  }

  #refuseInFailed(statement: Statement | undefined): void {
    if (this.#status !== 'E' || statement === undefined) return;
    const [word = ''] = statement.words;
    if (['ROLLBACK', 'ABORT', 'COMMIT', 'END'].includes(word)) return;
    throw new LakesteadError('SQL_NOT_SUPPORTED', 'the transaction has failed: statements are ignored until it ends', {
      hint: 'ROLLBACK ends it',
      data: { sqlstate: '25P02' },
    });
  }

  #refuseWrite({ words: [first = ''] }: Statement): void {
    const { settings } = this.#options;
    const name = this.#status === 'I' ? 'default_transaction_read_only' : 'transaction_read_only';
    if (settings.get(name) !== 'on' || !writeWords.has(first)) return;
    throw new LakesteadError('SQL_NOT_SUPPORTED', `${first} cannot be in a transaction that only reads`, { data: { sqlstate: '25006' } });
  }

  /** True for a statement that the session does not answer by itself. */
  #isForEngine(statement: Statement): boolean {
    const [word = ''] = statement.words;
    return !(
      sessionWords.has(word) ||
      (word === 'COPY' && parseCopy(statement.text) !== undefined) ||
      parseSetting(statement, this.#options.settings) !== undefined
    );
  }

  /** Runs a portal's statement, or goes on with its rows, and says what came of it; not for longer than `statement_timeout`. */
  async #perform(portal: Portal, most: number, isSimple: boolean): Promise<void> {
    const limitMs = durationMs(this.#options.settings.get('statement_timeout') ?? '0');
    const end = () => this.cancel(new LakesteadError('TIMEOUT', `the statement took longer than statement_timeout, ${limitMs} ms`));
    const timer = limitMs === 0 ? undefined : setTimeout(end, limitMs);
    try {
      await this.#performNow(portal, most, isSimple);
    } finally {
      clearTimeout(timer);
    }
  }

  async #performNow(portal: Portal, most: number, isSimple: boolean): Promise<void> {
    const { out } = this.#options;
    const { statement } = portal;
    if (statement === undefined) return messages.plainMessage(out, 'I');
    this.#refuseInFailed(statement);
    if (portal.rows === undefined && !portal.isDone && (await this.#performHere(statement, isSimple))) {
      portal.isDone = true;
      return;
    }
    if (portal.isDone) return messages.commandComplete(out, tagOf(statement, 0, 'SELECT'));
    if (portal.rows === undefined) {
      this.#refuseWrite(statement);
      await this.#keepOpenPortals();
      const copy = statement.words[0] === 'COPY' ? parseCopy(statement.text) : undefined;
      if (copy !== undefined) return await this.#copyOut(copy);
      const stream = await this.#options.sql.run(statement.text, portal.values, this.#running.signal);
      if (stream.gives !== 'rows') {
        for await (const _ of stream.batches) void _; // nothing comes, but the connection is free only then
        portal.isDone = true;
        return messages.commandComplete(out, tagOf(statement, stream.rowsChanged, stream.statement));
      }
      portal.rows = new RowSource(stream);
      portal.running = this.#running;
      if (isSimple) messages.rowDescription(out, stream.columns, () => 'text');
    }
    const source = portal.rows;
    const before = source.taken;
    const write = dataRows(source.columns, isSimple ? () => 'text' : formatAt(portal.formats), this.#style, out);
    const isDone = await this.#whileReading(portal, async () => await source.write(most, this.#options, write));
    if (!isDone) return messages.plainMessage(out, 's');
    portal.isDone = true;
    messages.commandComplete(out, tagOf(statement, source.taken - before, 'SELECT'));
  }

  /** Whoever cancels meanwhile ends the portal's own statement, which may have begun messages ago. */
  async #whileReading<T>({ running }: Portal, work: () => Promise<T>): Promise<T> {
    const before = this.#running;
    this.#running = running ?? before;
    try {
      return await work();
    } finally {
      this.#running = before;
    }
  }

  async #copyOut(copy: NonNullable<ReturnType<typeof parseCopy>>): Promise<void> {
    const { out, sql } = this.#options;
    const stream = await sql.run(copy.query, new Map(), this.#running.signal);
    const rows = new RowSource(stream);
    messages.copyOutResponse(out, stream.columns.length, copy.format === 'binary');
    const count = await copyOut(rows, copy, this.#style, this.#options);
    messages.plainMessage(out, 'c');
    messages.commandComplete(out, `COPY ${count}`);
  }

  /** Performs what the session itself answers; false for what the engine must. */
  async #performHere(statement: Statement, isSimple: boolean): Promise<boolean> {
    const { out, settings } = this.#options;
    const [first = '', second] = statement.words;
    const setting = parseSetting(statement, settings);
    if (setting !== undefined) {
      if (setting.kind === 'show') this.#show(setting.name, isSimple, statement);
      else {
        if (setting.kind === 'set' && setting.name.toLowerCase() === 'timezone') await this.#setZone(setting.value);
        const changed = setting.kind === 'reset' ? settings.reset(setting.name) : settings.set(setting.name, setting.value);
        if (changed.includes('timezone') && setting.kind === 'reset') await this.#setZone(settings.get('timezone') ?? 'UTC');
        this.#report(changed);
        messages.commandComplete(out, setting.kind === 'reset' ? 'RESET' : 'SET');
      }
      return true;
    }
    switch (first) {
      case 'BEGIN':
      case 'START':
        if (this.#status === 'I') {
          await this.#statement('BEGIN TRANSACTION');
          this.#status = 'T';
          const mode = /\bread\s+(only|write)\b/i.exec(statement.text)?.[1]?.toLowerCase();
          const isReadOnly = mode === undefined ? settings.get('default_transaction_read_only') === 'on' : mode === 'only';
          settings.set('transaction_read_only', isReadOnly ? 'on' : 'off');
        } else this.#notice('25001', 'there is a transaction already');
        messages.commandComplete(out, first === 'BEGIN' ? 'BEGIN' : 'START TRANSACTION');
        return true;
      case 'COMMIT':
      case 'END':
      case 'ROLLBACK':
      case 'ABORT': {
        if (statement.words.includes('TO')) throw noSavepoints();
        await this.#endTransaction(first === 'COMMIT' || first === 'END');
        return true;
      }
      case 'SAVEPOINT':
      case 'RELEASE':
        throw noSavepoints();
      case 'LISTEN':
      case 'NOTIFY':
      case 'UNLISTEN':
        if (first === 'UNLISTEN') {
          messages.commandComplete(out, 'UNLISTEN');
          return true;
        }
        throw new LakesteadError('SQL_NOT_SUPPORTED', `${first} is not supported: there are no notifications between sessions`);
      case 'DISCARD':
        if (this.#status !== 'I')
          throw new LakesteadError('SQL_NOT_SUPPORTED', 'DISCARD cannot be in a transaction', { data: { sqlstate: '25001' } });
        await this.#closePortals();
        if (second === 'ALL') {
          this.#prepared.clear();
          const changed = settings.reset();
          if (changed.includes('timezone')) await this.#setZone(settings.get('timezone') ?? 'UTC');
          this.#report(changed);
        }
        messages.commandComplete(out, `DISCARD ${second ?? 'ALL'}`);
        return true;
      case 'DEALLOCATE': {
        const name = nameAfter(statement.text, /^\s*deallocate\s+(?:prepare\s+)?/i);
        if (name.toLowerCase() === 'all') this.#prepared.clear();
        else if (!this.#prepared.delete(name)) throw noSuch('prepared statement', name);
        messages.commandComplete(out, name.toLowerCase() === 'all' ? 'DEALLOCATE ALL' : 'DEALLOCATE');
        return true;
      }
      case 'DECLARE':
        await this.#declare(statement);
        return true;
      case 'FETCH':
      case 'MOVE':
        await this.#fetch(statement, isSimple);
        return true;
      case 'CLOSE': {
        const name = nameAfter(statement.text, /^\s*close\s+/i);
        if (name.toLowerCase() === 'all') await this.#closePortals();
        else if (!(await this.#closePortal(name))) throw noSuch('cursor', name, '34000');
        messages.commandComplete(out, 'CLOSE CURSOR');
        return true;
      }
      default:
        return false;
    }
  }

  async #endTransaction(isCommit: boolean): Promise<void> {
    const { out } = this.#options;
    const status = this.#status;
    await this.#closePortals();
    if (status === 'I') {
      this.#notice('25P01', 'there is no transaction in progress');
      return messages.commandComplete(out, isCommit ? 'COMMIT' : 'ROLLBACK');
    }
    this.#status = 'I';
    const isCommitted = isCommit && status === 'T';
    try {
      await this.#statement(isCommitted ? 'COMMIT' : 'ROLLBACK');
    } catch (error) {
      // Nothing of it is there in either case; of a failed one the engine may have let go by itself.
      if (isCommitted) throw error;
    }
    messages.commandComplete(out, isCommitted ? 'COMMIT' : 'ROLLBACK');
  }

  async #statement(text: string): Promise<void> {
    await this.#keepOpenPortals();
    for await (const _ of (await this.#options.sql.run(text, new Map(), this.#running.signal)).batches) void _;
  }

  async #setZone(zone: string): Promise<void> {
    const style = timeZoneStyle(zone);
    await this.#keepOpenPortals();
    await this.#options.sql.setTimeZone(zone);
    this.#style = style;
  }

  /** Tells the client of settings that changed, as far as clients are told of them. */
  #report(changed: readonly string[]): void {
    const { out, settings } = this.#options;
    for (const [name, value] of settings.reported()) if (changed.includes(name.toLowerCase())) messages.parameterStatus(out, name, value);
  }

  #show(name: string, isSimple: boolean, statement: Statement): void {
    const { out, settings } = this.#options;
    const isAll = name.toLowerCase() === 'all';
    const rows = isAll ? settings.all().map(([key, value]) => [key, value, '']) : [[settings.get(name) ?? '']];
    if (isSimple) messages.rowDescription(out, showColumns(statement), () => 'text');
    for (const row of rows) {
      out.byte(0x44);
      out.counted(() => {
        out.int16(row.length);
        for (const value of row) out.counted(() => out.text(value));
      }, 4);
    }
    messages.commandComplete(out, 'SHOW');
  }

  async #declare(statement: Statement): Promise<void> {
    const { out, sql } = this.#options;
    const { name, isBinary, isHeld, query } = parseDeclare(statement);
    if (isHeld) throw new LakesteadError('SQL_NOT_SUPPORTED', 'cursors WITH HOLD are not supported: fetch the rows within the transaction');
    if (this.#status === 'I') {
      throw new LakesteadError('SQL_NOT_SUPPORTED', 'DECLARE CURSOR can only be in a transaction', { data: { sqlstate: '25P01' } });
    }
    if (this.#portals.has(name))
      throw new LakesteadError('SQL_TYPE', `there is a cursor ${JSON.stringify(name)} already`, { data: { sqlstate: '42P03' } });
    if (this.#portals.size >= maxHeld) throw tooMany('cursors');
    await this.#keepOpenPortals();
    const stream = await sql.run(query, new Map(), this.#running.signal);
    const formats = isBinary ? [1] : [];
    this.#portals.set(name, {
      statement,
      values: new Map(),
      formats,
      shape: undefined,
      rows: new RowSource(stream),
      running: this.#running,
      isDone: false,
    });
    messages.commandComplete(out, 'DECLARE CURSOR');
  }

  async #fetch(statement: Statement, isSimple: boolean): Promise<void> {
    const { out } = this.#options;
    const { name, count } = cursorOf(statement);
    const portal = this.#portals.get(name);
    if (portal?.rows === undefined) throw noSuch('cursor', name, '34000');
    const { rows } = portal;
    if (statement.words[0] === 'MOVE')
      return messages.commandComplete(
        out,
        `MOVE ${count === 0 ? 0 : await this.#whileReading(portal, async () => await rows.skip(count ?? 0))}`,
      );
    if (isSimple) messages.rowDescription(out, rows.columns, formatAt(portal.formats));
    const before = rows.taken;
    const write = dataRows(rows.columns, formatAt(portal.formats), this.#style, out);
    if (count !== 0) await this.#whileReading(portal, async () => await rows.write(count ?? 0, this.#options, write));
    messages.commandComplete(out, `FETCH ${rows.taken - before}`);
  }

  /** What portals have not given yet is taken into memory: on one connection the next statement would end their rows. */
  async #keepOpenPortals(): Promise<void> {
    for (const [name, { rows, isDone }] of this.#portals) {
      if (rows === undefined || isDone || (await rows.keepRest(this.#options.maxKeptBytes))) continue;
      await this.#closePortal(name);
      throw new LakesteadError(
        'ENGINE_OUT_OF_MEMORY',
        `the rows that the portal ${JSON.stringify(name)} has not given yet are too many to keep`,
        {
          hint: 'read it to its end before the next statement, or use a second connection',
        },
      );
    }
  }

  async #closePortal(name: string): Promise<boolean> {
    const portal = this.#portals.get(name);
    this.#portals.delete(name);
    await portal?.rows?.close();
    return portal !== undefined;
  }

  async #closePortals(): Promise<void> {
    for (const name of this.#portals.keys()) await this.#closePortal(name);
  }

  #notice(state: string, message: string): void {
    messages.noticeResponse(this.#options.out, { severity: 'WARNING', state, message });
  }
}

/** Statements that change something. */
const writeWords = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'TRUNCATE', 'CREATE', 'DROP', 'ALTER']);

/** Statements that the session answers by itself. */
const sessionWords = new Set([
  'BEGIN', 'START', 'COMMIT', 'END', 'ROLLBACK', 'ABORT', 'SAVEPOINT', 'RELEASE', 'LISTEN', 'NOTIFY', 'UNLISTEN', 'DISCARD', 'DEALLOCATE',
  'DECLARE', 'FETCH', 'MOVE', 'CLOSE',
]); // prettier-ignore

function formatAt(formats: readonly number[]): (index: number) => Format {
  return (index) => ((formats.length === 1 ? formats[0] : formats[index]) === 1 ? 'binary' : 'text');
}

function givesRows({ columns, statement }: StatementShape): boolean {
  if (columns.length === 0) return false;
  // The engine describes the count of a change as a column.
  const [first] = columns;
  const isCount = columns.length === 1 && first?.name === 'Count' && /^(?:INSERT|UPDATE|DELETE|CREATE|COPY|MERGE_INTO)$/.test(statement);
  const isOnlySuccess = columns.length === 1 && first?.name === 'Success';
  return !isCount && !isOnlySuccess;
}

function showColumns(statement: Statement): StatementShape['columns'] {
  const setting = parseSetting(statement);
  if (setting?.kind === 'show' && setting.name.toLowerCase() === 'all')
    return ['name', 'setting', 'description'].map((name) => ({ name, type: 'VARCHAR' }));
  return [{ name: setting?.name ?? 'setting', type: 'VARCHAR' }];
}

function noSuch(what: string, name: string, state = what === 'portal' ? '34000' : '26000'): LakesteadError {
  return new LakesteadError('SQL_NAME_NOT_FOUND', `there is no ${what} ${JSON.stringify(name)}`, { data: { sqlstate: state } });
}

function tooMany(what: string): LakesteadError {
  return new LakesteadError('SQL_NOT_SUPPORTED', `a session holds at most ${maxHeld} ${what}`, { data: { sqlstate: '54000' } });
}

function noSavepoints(): LakesteadError {
  return new LakesteadError('SQL_NOT_SUPPORTED', 'savepoints are not supported yet');
}
