import { inspect } from 'node:util';

const hidden = new WeakMap<Secret, string>();

/**
 * A value that must not be seen: printing, serialising or inspecting it gives `***`. It is passed on as it is and
 * opened by {@link Secret.reveal} only where a connection is made or a key is used.
 */
export class Secret {
  /** Where it came from, for messages: `secret:sql-password`, `env:PASSWORD`. Holds nothing of the value. */
  readonly origin: string;

  constructor(value: string, origin: string) {
    hidden.set(this, value);
    this.origin = origin;
  }

  /** The value itself. Call it as late as possible and keep the result nowhere. */
  reveal(): string {
    return hidden.get(this) ?? '';
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [inspect.custom](): string {
    return '***';
  }
}
