import { messageOf } from '@weft/proto';
import { type Check, type Diagnosis, fail, type Surroundings } from './check.ts';
import { checkDisk } from './check-disk.ts';
import { checkEtcd } from './check-etcd.ts';
import { checkInstances } from './check-instances.ts';
import { checkLeftovers } from './check-leftovers.ts';
import { checkFixedPorts } from './check-ports.ts';
import { checkPrograms } from './check-programs.ts';
import { checkProxy } from './check-proxy.ts';
import { checkRegistry } from './check-registry.ts';

export const CHECKS: readonly Check[] = [
  checkPrograms,
  checkFixedPorts,
  checkLeftovers,
  checkEtcd,
  checkRegistry,
  checkInstances,
  checkProxy,
  checkDisk,
];

/** What one check found. */
export interface Finding extends Diagnosis {
  readonly check: string;
}

/** Puts all checks to the surroundings, side by side. Answers what they found, in their order. */
export async function examine(
  surroundings: Surroundings,
  checks: readonly Check[] = CHECKS,
): Promise<Finding[]> {
  const found = checks.map(async (check) => {
    try {
      return (await check.look(surroundings)).map((one) => ({ check: check.name, ...one }));
    } catch (error) {
      const reason = messageOf(error);
      const advice = 'see that what it asks is up, and can be reached from here';
      return [{ check: check.name, ...fail(`could not be looked at: ${reason}`, advice) }];
    }
  });
  return (await Promise.all(found)).flat();
}
