import type { Address, Instance } from '@weft/proto/registry';

type Assigned = 'leaseId' | 'ttlSeconds' | 'createRevision' | 'modRevision' | 'health';

/** An instance as its owner describes it: checked, with the defaults filled in. */
export interface InstanceDescription extends Omit<Instance, Assigned | 'address' | 'weight'> {
  address: Address;
  weight: number;
}

/** An instance as listed. Never changed in place: a change makes another one. */
export interface StoredInstance extends InstanceDescription, Pick<Instance, Assigned> {
  startTime: Date;
}
