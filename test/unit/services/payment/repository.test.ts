import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PaymentStatus } from '@weft/proto/payment';
import { PaymentRepository } from '../../../../services/payment/src/repository.ts';

const HOUR_MS = 3_600_000;
const a = { worker: 'a', leaseMs: 3000 };
const b = { worker: 'b', leaseMs: 3000 };

describe('PaymentRepository: claims', () => {
  let now: number;
  let payments: PaymentRepository;

  beforeEach(() => {
    now = 1_000_000_000;
    payments = new PaymentRepository(':memory:', () => now);
  });
  afterEach(() => payments.close());

  function accept(key = 'k1'): string {
    const outcome = payments.accept(
      {
        orderId: `order-of-${key}`,
        userId: 'u',
        amount: { currencyCode: 'EUR', units: 1n, nanos: 0 },
        idempotencyKey: key,
        requestHash: 'h',
      },
      a,
    );
    if (outcome.kind !== 'accepted') throw new Error(outcome.kind);
    return outcome.payment.id;
  }

  function claimed(claim = b, limit = 10): string[] {
    return payments.claimAbandoned(claim, limit).map(({ id }) => id);
  }

  it('holds for its lease and no longer', () => {
    const id = accept();
    now += 2999;
    expect(claimed()).toEqual([]);
    now += 1;
    expect(claimed()).toEqual([id]);
    expect(claimed(a)).toEqual([]);
  });

  it('holds as long as it is renewed', () => {
    const id = accept();
    for (let i = 0; i < 10; i += 1) {
      now += 1000;
      payments.renew([id], a);
      expect(claimed()).toEqual([]);
    }
  });

  it('lets a worker that lost its claim do nothing more', () => {
    const id = accept();
    now += 3000;
    expect(claimed()).toEqual([id]);
    payments.renew([id], { worker: 'a', leaseMs: HOUR_MS });
    payments.release([id], 'a');
    expect(claimed({ worker: 'c', leaseMs: 3000 })).toEqual([]);
    expect(payments.charge(id, 'a')).toBe(false);
    expect(payments.isCharged(id)).toBe(false);
    expect(payments.complete(id, 'a')).toBe(false);
    expect(payments.fail(id, 'a', 'late')).toBe(false);
    expect(payments.get(id)?.status).toBe(PaymentStatus.PAYMENT_STATUS_PROCESSING);
    expect(payments.charge(id, 'b')).toBe(true);
    expect(payments.charge(id, 'b')).toBe(true);
    expect(payments.complete(id, 'b')).toBe(true);
  });

  it('is free at once when released', () => {
    const id = accept();
    payments.release([id], 'a');
    expect(claimed()).toEqual([id]);
  });

  it('does not outlast a clock that is set back', () => {
    const id = accept();
    now -= HOUR_MS;
    expect(claimed()).toEqual([id]);
    expect(claimed(a)).toEqual([]);
  });

  it('is taken in bounded batches', () => {
    for (let i = 0; i < 5; i += 1) accept(`k${i}`);
    now += 3000;
    expect(claimed(b, 2).length).toBe(2);
    expect(claimed(b, 0).length).toBe(0);
    expect(claimed(b, 10).length).toBe(3);
  });

  it('leaves what is final alone, and its order closed or open again', () => {
    const done = accept('k1');
    const failed = accept('k2');
    payments.charge(done, 'a');
    payments.complete(done, 'a');
    payments.fail(failed, 'a', 'no');
    now += HOUR_MS;
    expect(claimed()).toEqual([]);
    expect(payments.complete(failed, 'a')).toBe(false);
    const again = (orderId: string) =>
      payments.accept(
        {
          orderId,
          userId: 'u',
          amount: { currencyCode: 'EUR', units: 1n, nanos: 0 },
          idempotencyKey: `again ${orderId}`,
          requestHash: 'h',
        },
        a,
      ).kind;
    expect(again('order-of-k1')).toBe('order-taken');
    expect(again('order-of-k2')).toBe('accepted');
  });
});
