import { hostname } from 'node:os';
import { basename } from 'node:path';

/** What a program that offers no service is called by people: `buy.mts@host:4711`. */
export function clientName(): string {
  const program = basename(process.argv[1] ?? 'node');
  return `${program}@${hostname()}:${process.pid}`.slice(0, 128);
}
