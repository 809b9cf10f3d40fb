import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PaymentStatus } from '@weft/proto/payment';
import { PaymentRepository } from '../../../../services/payment/src/repository.ts';

const HOUR_MS = 3_600_000;
const a = { worker: 'a', leaseMs: 3000 };
const b = { worker: 'b', leaseMs: 3000 };

describe('PaymentRepository: claims', () => {
  let now: number;
  let payments: PaymentRepository;

  beforeEach(async () => {
    now = 1_000_000_000;
    payments = await PaymentRepository.open(':memory:', () => now);
  });
  afterEach(() => payments.close());

  async function accept(key = 'k1'): Promise<string> {
    const outcome = await payments.accept(
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

  async function claimed(claim = b, limit = 10): Promise<string[]> {
    return (await payments.claimAbandoned(claim, limit)).map(({ id }) => id);
  }

  it('holds for its lease and no longer', async () => {
    const id = await accept();
    now += 2999;
    expect(await claimed()).toEqual([]);
    now += 1;
    expect(await claimed()).toEqual([id]);
    expect(await claimed(a)).toEqual([]);
  });

  it('holds as long as it is renewed', async () => {
    const id = await accept();
    for (let i = 0; i < 10; i += 1) {
      now += 1000;
      await payments.renew([id], a);
      expect(await claimed()).toEqual([]);
    }
  });

  it('lets a worker that lost its claim do nothing more', async () => {
    const id = await accept();
    now += 3000;
    expect(await claimed()).toEqual([id]);
    await payments.renew([id], { worker: 'a', leaseMs: HOUR_MS });
    await payments.release([id], 'a');
    expect(await claimed({ worker: 'c', leaseMs: 3000 })).toEqual([]);
    expect(await payments.charge(id, 'a')).toBe(false);
    expect(payments.isCharged(id)).toBe(false);
    expect(await payments.complete(id, 'a')).toBe(false);
    expect(await payments.fail(id, 'a', 'late')).toBe(false);
    expect(payments.get(id)?.status).toBe(PaymentStatus.PAYMENT_STATUS_PROCESSING);
    expect(await payments.charge(id, 'b')).toBe(true);
    expect(await payments.charge(id, 'b')).toBe(true);
    expect(await payments.complete(id, 'b')).toBe(true);
  });

  it('is free at once when released', async () => {
    const id = await accept();
    await payments.release([id], 'a');
    expect(await claimed()).toEqual([id]);
  });

  it('does not outlast a clock that is set back', async () => {
    const id = await accept();
    now -= HOUR_MS;
    expect(await claimed()).toEqual([id]);
    expect(await claimed(a)).toEqual([]);
  });

  it('is taken in bounded batches', async () => {
    for (let i = 0; i < 5; i += 1) await accept(`k${i}`);
    now += 3000;
    expect((await claimed(b, 2)).length).toBe(2);
    expect((await claimed(b, 0)).length).toBe(0);
    expect((await claimed(b, 10)).length).toBe(3);
  });

  it('leaves what is final alone, and its order closed or open again', async () => {
    const done = await accept('k1');
    const failed = await accept('k2');
    await payments.charge(done, 'a');
    await payments.complete(done, 'a');
    await payments.fail(failed, 'a', 'no');
    now += HOUR_MS;
    expect(await claimed()).toEqual([]);
    expect(await payments.complete(failed, 'a')).toBe(false);
    const again = async (orderId: string) => {
      const { kind } = await payments.accept(
        {
          orderId,
          userId: 'u',
          amount: { currencyCode: 'EUR', units: 1n, nanos: 0 },
          idempotencyKey: `again ${orderId}`,
          requestHash: 'h',
        },
        a,
      );
      return kind;
    };
    expect(await again('order-of-k1')).toBe('order-taken');
    expect(await again('order-of-k2')).toBe('accepted');
  });
});
