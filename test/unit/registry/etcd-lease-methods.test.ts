import { describe, expect, it } from '@jest/globals';
import { leaseGrant, leaseKeepAlive } from '../../../registry/src/store/etcd-lease-methods.ts';

const MAX_ID = 2n ** 63n - 1n;

describe('the messages of leases', () => {
  it('are sent as the contract of etcd has them', () => {
    const grant = leaseGrant.encode({ leaseId: 0x1234n, ttlSeconds: 300 });
    expect(grant.toString('hex')).toBe('08ac02' + '10b424');
    expect(leaseKeepAlive.encode(0x1234n).toString('hex')).toBe('08b424');
    expect(leaseKeepAlive.encode(MAX_ID).toString('hex')).toBe('08ffffffffffffffff7f');
  });

  it('are read without what is of no use, or new', () => {
    // A header (field 1), ID, TTL, an error (field 4) and a field that etcd has yet to have.
    const answer = Buffer.from(
      '0a020801' + '10ffffffffffffffff7f' + '183c' + '22026e6f' + '7801',
      'hex',
    );
    expect(leaseGrant.decode(answer)).toEqual({ leaseId: MAX_ID, ttlSeconds: 60 });
    expect(leaseKeepAlive.decode(answer)).toEqual({ leaseId: MAX_ID, ttlSeconds: 60 });
  });

  it('tell of a lease that is not there by no seconds', () => {
    const answer = Buffer.from('10b424', 'hex');
    expect(leaseKeepAlive.decode(answer)).toEqual({ leaseId: 0x1234n, ttlSeconds: 0 });
  });
});
