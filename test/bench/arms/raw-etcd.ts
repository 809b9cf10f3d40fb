import { Etcd3, type ILeaseKeepAliveResponse } from 'etcd3';
import { encodeInstance } from '../../../registry/src/store/instance-json.ts';
import { instanceOf, type LeaseCaller, renewOver, TTL_SECONDS } from './lease-caller.ts';

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
    async renew(renewing) {
      const stream = await etcd.leaseClient.leaseKeepAlive();
      const answered = await renewOver(
        stream,
        // etcd takes one lease to a message.
        { ...renewing, perMessage: 1 },
        ([leaseId]) => stream.write({ ID: `${leaseId}` }),
        ({ TTL }: ILeaseKeepAliveResponse) => [Number(TTL)],
      );
      // That ends it with an error, which nobody waits for any more.
      stream.cancel();
      return answered;
    },
    close: () => etcd.close(),
  };
}
