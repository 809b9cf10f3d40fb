import { RegistryServiceDefinition } from '@weft/proto/registry';
import { Etcd3 } from 'etcd3';
import { createChannel, createClient } from 'nice-grpc';
import { encodeInstance } from '../../../registry/src/store/instance-json.ts';
import { answerCommands } from '../harness/commands.ts';
import { describedInstance } from '../harness/described-instance.ts';
import { sharedNow } from '../harness/open-loop.ts';

const TTL_SECONDS = 600;

/** One way to list an instance of a service and to take it back. */
interface Registrar {
  register(id: string): Promise<void>;
  deregister(id: string): Promise<void>;
}

let registrar: Registrar | undefined;

function opened(): Registrar {
  if (registrar === undefined) throw new Error('nothing is open');
  return registrar;
}

function throughRegistry(address: string, service: string): Registrar {
  const client = createClient(RegistryServiceDefinition, createChannel(address));
  return {
    async register(id) {
      const instance = { ...describedInstance(service, 0), id };
      await client.register({ instance, ttlSeconds: TTL_SECONDS, skipCallback: true });
    },
    async deregister(id) {
      await client.deregister({ service, id });
    },
  };
}

/** By hand: a lease, and a key on it. */
function throughEtcd(address: string, prefix: string): Registrar {
  const etcd = new Etcd3({ hosts: address });
  const leases = new Map<string, string>();
  return {
    async register(id) {
      const { ID } = await etcd.leaseClient.leaseGrant({ TTL: TTL_SECONDS });
      leases.set(id, ID);
      const value = Buffer.from(encodeInstance({ ...describedInstance('raw', 0), id }));
      await etcd.kv.put({ key: Buffer.from(`${prefix}${id}`), value, lease: ID });
    },
    async deregister(id) {
      await etcd.leaseClient.leaseRevoke({ ID: leases.get(id) ?? '' });
      leases.delete(id);
    },
  };
}

/** Does it, and answers when it began, on the shared clock. */
async function timed(task: Promise<void>): Promise<number> {
  const start = sharedNow();
  await task;
  return start;
}

answerCommands({
  open({ kind, address, of }: { kind: 'sdk' | 'etcd'; address: string; of: string }) {
    registrar = kind === 'sdk' ? throughRegistry(address, of) : throughEtcd(address, of);
  },
  register: (id: string) => timed(opened().register(id)),
  deregister: (id: string) => timed(opened().deregister(id)),
});
