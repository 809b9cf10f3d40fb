import { Etcd3 } from 'etcd3';
import { encodeInstance } from '../../../registry/src/store/instance-json.ts';
import { instanceOf, type LeaseCaller, leaseCycle, TTL_SECONDS } from './lease-caller.ts';

/** Where this puts its keys: no registry sees them. */
export const RAW_PREFIX = '/raw/';

/** etcd by its client alone: a lease and a key for each instance, one stream for the renewals. */
export function rawEtcdCaller(endpoint: string): LeaseCaller {
  const etcd = new Etcd3({ hosts: endpoint });
  const register = async (index: number) => {
    const { ID } = await etcd.leaseClient.leaseGrant({ TTL: TTL_SECONDS });
    const instance = instanceOf('bench', index);
    await etcd.kv.put({
      key: Buffer.from(`${RAW_PREFIX}${instance.service}/${instance.id}`),
      value: Buffer.from(encodeInstance(instance)),
      lease: ID,
    });
  };
  return {
    register,
    async registerMany(first, count) {
      await Promise.all(Array.from({ length: count }, (_, index) => register(first + index)));
    },
    async leases(count) {
      const granted = Array.from({ length: count }, () =>
        etcd.leaseClient.leaseGrant({ TTL: TTL_SECONDS }),
      );
      return (await Promise.all(granted)).map(({ ID }) => BigInt(ID));
    },
    async renew({ leaseIds, atOnce, ms }) {
      const stream = await etcd.leaseClient.leaseKeepAlive();
      const next = leaseCycle(leaseIds);
      const end = performance.now() + ms;
      let answered = 0;
      let open = 0;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const send = () => {
        open += 1;
        const [leaseId] = next(1);
        stream.write({ ID: `${leaseId}` });
      };
      stream.on('data', ({ TTL }) => {
        open -= 1;
        answered += 1;
        if (Number(TTL) <= 0) reject(new Error('a lease is not there any more'));
        if (performance.now() < end) send();
        else if (open === 0) resolve();
      });
      // Its own end, once all is answered, is an error too, which nobody waits for any more.
      stream.on('error', reject);
      for (let count = 0; count < atOnce; count += 1) send();
      await promise;
      stream.cancel();
      return answered;
    },
    close: () => etcd.close(),
  };
}
