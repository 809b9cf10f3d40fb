import { addressText } from '@weft/proto';
import { InstanceStatus } from '@weft/proto/registry';
import type { RegistryView } from '../registry-view.ts';
import { GrpcHealth } from './grpc-health.ts';
import type { Probe } from './probe.ts';

/** Looks at a gRPC server at a known address. */
export function grpcProbe(address: string): Probe {
  const health = new GrpcHealth();
  return {
    async read(timeoutMs) {
      const isHealthy = await health.isServing(address, '', timeoutMs);
      return { address, isHealthy, isReady: isHealthy, isExcused: false };
    },
    close: () => health.close(),
  };
}

/** Looks at etcd through its health page. */
export function etcdProbe(address: string): Probe {
  return {
    async read(timeoutMs) {
      const isHealthy = await fetch(`http://${address}/health`, {
        signal: AbortSignal.timeout(timeoutMs),
      }).then(
        async (response) => response.ok && /"true"/.test(await response.text()),
        () => false,
      );
      return { address, isHealthy, isReady: isHealthy, isExcused: false };
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
      if (address === '') return { address, isHealthy: false, isReady: false, isExcused };
      const isHealthy = await health.isServing(address, service, timeoutMs);
      const isListed = instance?.status === InstanceStatus.INSTANCE_STATUS_RUNNING;
      return { address, isHealthy, isReady: isHealthy && isListed, isExcused };
    },
    close: () => health.close(),
  };
}
