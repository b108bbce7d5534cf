import { connectEngine, type ConnectOptions } from './connect-engine.ts';
import type { Engine } from './engine.ts';
import { makeLine } from './message.ts';
import { type EngineSettings, serveEngine } from './serve-engine.ts';

export type EngineOptions = EngineSettings & ConnectOptions;

/** An engine in this process, which is given its work by messages as one elsewhere would be. */
export async function openDuckdbEngine({ maxLeases, ...settings }: EngineOptions = {}): Promise<Engine> {
  const { client, host } = makeLine();
  await serveEngine(host, settings);
  return connectEngine(client, { maxLeases });
}
