import { addressText } from '@weft/proto';
import { InstanceStatus } from '@weft/proto/registry';
import type { RegistryView } from '../registry-view.ts';
import { type Finding, GrpcHealth } from './grpc-health.ts';
import type { Probe, Reading } from './probe.ts';

function readingOf(address: string, finding: Finding, lacks = ''): Reading {
  const isHealthy = finding === 'serving';
  const isSilent = finding === 'silent';
  return { address, isHealthy, isReady: isHealthy, isExcused: false, isSilent, lacks };
}

/** Looks at a gRPC server at a known address. */
export function grpcProbe(address: string): Probe {
  const health = new GrpcHealth();
  return {
    async read(timeoutMs) {
      const finding = await health.look(address, '', timeoutMs);
      return readingOf(address, finding, `grpc.health.v1 at ${address} does not answer SERVING`);
    },
    close: () => health.close(),
  };
}

/** Looks at etcd through its health page. */
export function etcdProbe(address: string): Probe {
  return {
    async read(timeoutMs) {
      const get = (path: string) =>
        fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(timeoutMs) });
      const isHealthy = get('/health').then(
        async (response) => response.ok && /"true"/.test(await response.text()),
      );
      // A member of a cluster that has lost its majority gives no answer there, but tells its version.
      const [health, version] = await Promise.allSettled([isHealthy, get('/version')]);
      if (health.status === 'fulfilled' && health.value) return readingOf(address, 'serving');
      const isSilent = health.status === 'rejected' && version.status === 'rejected';
      const lacks = `http://${address}/health does not answer that it is healthy`;
      return readingOf(address, isSilent ? 'silent' : 'refusing', lacks);
    },
    close() {},
  };
}

/** Looks at an instance where the registry lists it; ready once it is RUNNING there and SERVING. */
export function instanceProbe(view: RegistryView, instanceId: string, service: string): Probe {
  const health = new GrpcHealth();
  let address = '';
  return {
    async read(timeoutMs) {
      const isExcused = !view.isCurrent;
      const instance = view.instance(instanceId);
      // One that left the registry is still asked where it was: it may be there, and come back.
      if (instance?.address) address = addressText(instance.address);
      if (address === '') {
        const lacks = isExcused
          ? 'the registry does not answer'
          : `it has not registered as ${instanceId}; a program that does not use the SDK needs \`register: true\``;
        return { ...readingOf(address, 'silent', lacks), isExcused };
      }
      const finding = await health.look(address, service, timeoutMs);
      const what = service === '' ? '' : ` for ${service}`;
      const lacks =
        finding === 'serving'
          ? 'the registry does not list it as RUNNING'
          : `grpc.health.v1 at ${address} does not answer SERVING${what}`;
      const isListed = instance?.status === InstanceStatus.INSTANCE_STATUS_RUNNING;
      const reading = readingOf(address, finding, lacks);
      return { ...reading, isReady: reading.isHealthy && isListed, isExcused };
    },
    close: () => health.close(),
  };
}
