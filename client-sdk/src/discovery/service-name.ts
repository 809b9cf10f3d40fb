import { SERVICE_NAME } from '@weft/proto';
import { ConfigError } from '../errors.ts';

/** Throws ConfigError unless a service can have this name, so that nothing is sent for one. */
export function checkServiceName(service: string, setting = 'service'): void {
  if (typeof service === 'string' && SERVICE_NAME.pattern.test(service)) return;
  throw new ConfigError(setting, SERVICE_NAME.mustBe, JSON.stringify(service));
}
