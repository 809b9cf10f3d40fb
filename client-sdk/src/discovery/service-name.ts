import { ConfigError } from '../errors.ts';

const LABEL = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Throws ConfigError unless a service can have this name, so that nothing is sent for one. */
export function checkServiceName(service: string): void {
  if (LABEL.test(service)) return;
  throw new ConfigError(
    'service',
    'a DNS label of at most 63 characters, such as user-service',
    JSON.stringify(service),
  );
}
