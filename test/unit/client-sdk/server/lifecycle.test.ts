import { describe, expect, it } from '@jest/globals';
import { InstanceStatus } from '@weft/proto/registry';
import {
  type LifecycleStatus,
  listedStatus,
  transition,
} from '../../../../client-sdk/src/server/lifecycle.ts';

const all: LifecycleStatus[] = ['STARTING', 'RUNNING', 'STOPPING', 'STOPPED', 'ERROR'];

describe('transition', () => {
  it.each<[LifecycleStatus, LifecycleStatus]>([
    ['STARTING', 'RUNNING'],
    ['STARTING', 'STOPPING'],
    ['RUNNING', 'ERROR'],
    ['RUNNING', 'STOPPING'],
    ['ERROR', 'RUNNING'],
    ['ERROR', 'STOPPING'],
    ['STOPPING', 'STOPPED'],
  ])('%s becomes %s', (from, to) => {
    expect(transition(from, to)).toBe(to);
  });

  it('lets nothing come back from STOPPED, nor from STOPPING to service', () => {
    for (const to of all) {
      expect(() => transition('STOPPED', to)).toThrow(/STOPPED cannot become/);
      if (to !== 'STOPPED') expect(() => transition('STOPPING', to)).toThrow(/STOPPING cannot/);
    }
  });
});

describe('listedStatus', () => {
  it('has the same name in the registry', () => {
    for (const status of all) {
      const name = `INSTANCE_STATUS_${status}` as const;
      expect(listedStatus(status)).toBe(InstanceStatus[name]);
    }
  });
});
