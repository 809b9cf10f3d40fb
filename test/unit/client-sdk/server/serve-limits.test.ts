import { describe, expect, it } from '@jest/globals';
import { resolveServeLimits, transportOf } from '../../../../client-sdk/src/server/serve-limits.ts';

describe('resolveServeLimits', () => {
  it('fills in the defaults', () => {
    expect(resolveServeLimits({})).toEqual({
      shedding: { maxLagMs: 500, pushbackMs: 250 },
      maxConcurrentStreams: 1000,
      maxConnectionAgeMs: 1_800_000,
      defaultDeadlineMs: 30_000,
      sizeLimits: {
        maxSendMessageBytes: 4_194_304,
        maxReceiveMessageBytes: 4_194_304,
        maxSendMetadataBytes: 32_768,
        maxReceiveMetadataBytes: 32_768,
      },
    });
  });

  it('takes what is given and fills in the rest', () => {
    expect(resolveServeLimits({ shedding: { maxLagMs: 50 } }).shedding).toEqual({
      maxLagMs: 50,
      pushbackMs: 250,
    });
    expect(resolveServeLimits({ shedding: false }).shedding).toBe(false);
    expect(resolveServeLimits({ maxSendMessageBytes: 5000 }).sizeLimits).toMatchObject({
      maxSendMessageBytes: 5000,
      maxReceiveMessageBytes: 4_194_304,
    });
  });
});

describe('transportOf', () => {
  it('bounds streams and age', () => {
    expect(
      transportOf(resolveServeLimits({ maxConcurrentStreams: 7, maxConnectionAgeMs: 60_000 })),
    ).toEqual({
      'grpc.max_concurrent_streams': 7,
      'grpc.max_connection_age_ms': 60_000,
      'grpc.max_connection_age_grace_ms': 300_000,
    });
  });

  it('leaves the age out when a connection may live for ever', () => {
    const limits = resolveServeLimits({ maxConnectionAgeMs: Number.POSITIVE_INFINITY });
    expect(transportOf(limits)).toEqual({ 'grpc.max_concurrent_streams': 1000 });
  });
});
