import { describe, expect, it } from '@jest/globals';
import { createMesh, type ServicePolicy, type SitePolicy } from '@weft/client-sdk';
import { UserServiceDefinition } from '@weft/proto/user';
import {
  checkServicePolicy,
  checkSitePolicy,
} from '../../../../client-sdk/src/policy/resolve-policy.ts';

const own: Required<SitePolicy> = {
  strategy: 'random',
  hashHeader: 'x-user',
  preferZone: true,
  defaultDeadlineMs: 100,
  maxSendMessageBytes: 2000,
  maxReceiveMessageBytes: 3000,
  maxSendMetadataBytes: 4000,
  maxReceiveMetadataBytes: 5000,
  retry: { maxAttempts: 2 },
  hedging: false,
  methods: { GetUser: { retry: false } },
};

const shared: Required<Omit<ServicePolicy, keyof SitePolicy>> = {
  retryBudget: { ratio: 0.1 },
  breaker: { failures: 1 },
  outlierEjection: false,
  panicThreshold: 0,
  maxInFlightPerInstance: 1,
  maxInFlight: 1,
  slowStartMs: 0,
  subset: false,
};

describe('the policy of a call site', () => {
  it('takes every field that a call is made by', () => {
    expect(checkSitePolicy(own)).toEqual(own);
    expect(checkServicePolicy({ ...own, ...shared })).toEqual({ ...own, ...shared });
  });

  it.each(Object.entries(shared))('refuses %s, and says where to set it', (field, value) => {
    const complaint = new RegExp(`^belongs to the service.* services\\.<name>\\.${field}`);
    const refused = { setting: `policy.${field}`, complaint: expect.stringMatching(complaint) };
    const mesh = createMesh({ registry: '127.0.0.1:1' });
    const policy = { ...own, [field]: value };
    const uses = [
      () => mesh.client(UserServiceDefinition, { policy }),
      () => mesh.channel('user-service', { policy }),
      () => mesh.channel('user-service', { policy, contract: UserServiceDefinition }),
    ];
    try {
      for (const use of uses) expect(use).toThrow(expect.objectContaining(refused));
      expect(() => mesh.configure('user-service', { ...policy })).not.toThrow();
    } finally {
      mesh.close();
    }
  });

  it('does not compile with a field of the service, or an unknown one', () => {
    const mesh = createMesh({ registry: '127.0.0.1:1' });
    try {
      // @ts-expect-error the subset is the service's
      expect(() => mesh.channel('echo', { policy: { subset: false } })).toThrow('policy.subset');
      // @ts-expect-error there is no stratgy
      expect(() => mesh.channel('echo', { policy: { stratgy: 'random' } })).toThrow(
        'policy.stratgy is no known field; did you mean strategy?',
      );
    } finally {
      mesh.close();
    }
  });

  it('names all that is wrong at once', () => {
    expect(() => checkSitePolicy({ breaker: {}, retry: 3, maxInFlight: 'x' })).toThrow(
      /policy\.breaker belongs.*; policy\.retry must be.*; policy\.maxInFlight belongs/,
    );
  });
});
