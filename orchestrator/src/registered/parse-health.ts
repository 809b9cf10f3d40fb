import { InvalidArgumentError } from 'commander';
import type { HealthMethod } from './health-check.ts';

const EXPECTED = 'It must be grpc, grpc:<service>, http:/path, tcp or none.';

/** Reads how a program is checked from a command line. @throws InvalidArgumentError */
export function parseHealth(text: string): HealthMethod {
  const [, type = '', rest = ''] = /^([a-z]+)(?::(.*))?$/.exec(text) ?? [];
  switch (type) {
    case 'grpc':
      if (/^[\w.]*$/.test(rest)) return { type, service: rest, path: '/' };
      break;
    case 'http':
      if (rest === '' || /^\/[\x21-\x7e]*$/.test(rest)) {
        return { type, service: '', path: rest || '/' };
      }
      break;
    case 'tcp':
    case 'none':
      if (rest === '') return { type, service: '', path: '/' };
  }
  throw new InvalidArgumentError(EXPECTED);
}
