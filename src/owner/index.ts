export { type OpenedProject, performCommand, type PerformOptions } from './perform-command.ts';
export type { CommandEvent, CommandRequest, Performer } from './protocol.ts';
