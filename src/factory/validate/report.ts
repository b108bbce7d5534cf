import { nearMisses, type SourcePlace } from '#core';

import type { Finding } from '../load/factory.ts';

/** Adds findings about one file: about an activity of it where one is named. */
export type Report = {
  readonly findings: Finding[];
  say(severity: Finding['severity'], code: string, message: string, place?: SourcePlace, hint?: string): void;
  /** A reference to what is not there, with the names that were probably meant. */
  notFound(what: string, name: string, known: Iterable<string>, place?: SourcePlace): void;
};

export function newReport(file: string, activity?: string, place?: SourcePlace): Report {
  const findings: Finding[] = [];
  const say: Report['say'] = (severity, code, message, at = place, hint) => {
    findings.push({
      file,
      severity,
      code,
      message,
      ...(activity === undefined ? {} : { activity }),
      ...(at?.line === undefined ? {} : { line: at.line }),
      ...(at?.column === undefined ? {} : { column: at.column }),
      ...(hint === undefined ? {} : { hint }),
    });
  };
  return {
    findings,
    say,
    notFound: (what, name, known, at) => {
      if (name.startsWith('[') && name.endsWith(']')) {
        say(
          'error',
          'FACTORY_UNSUPPORTED',
          `${what} is named by an expression of an ARM template: ${name}`,
          at,
          'write the name that it becomes',
        );
        return;
      }
      const near = nearMisses(name, known);
      say(
        'error',
        'FACTORY_NOT_FOUND',
        `${what} '${name}' is not there`,
        at,
        near.length === 0 ? undefined : `did you mean ${near.join(' or ')}?`,
      );
    },
  };
}
