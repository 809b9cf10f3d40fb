import { InvalidArgumentError } from 'commander';

/** Reads a port of a command line; 0 for any. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be 0 to 65535.');
}
