import { InvalidArgumentError } from 'commander';

const MOST = 3600;

/** Reads a time on a command line, above 0 s and at most an hour. */
export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text !== '' && seconds > 0 && seconds <= MOST) return seconds;
  throw new InvalidArgumentError(`It must be above 0 and at most ${MOST} seconds.`);
}
