import { existsSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { identityOf } from '../../orchestrator/src/process/process-identity.ts';
import { run } from '../../scripts/tools/program.ts';

describe('npm run demo', () => {
  it('buys something on a mesh of two instances each, and leaves nothing behind', async () => {
    const { code, output } = await run('npm', ['run', 'demo'], {
      env: { ...process.env, NO_COLOR: '1' },
    });
    expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });

    const [userId] = /(?<="user": \{\s+"id": ")[^"]+/.exec(output) ?? [];
    const [orderId] = /(?<="order": \{\s+"id": ")[^"]+/.exec(output) ?? [];
    const [paymentId] = /(?<="payment": \{\s+"id": ")[^"]+/.exec(output) ?? [];
    expect(output).toMatch(/store: (etcd|memory) \(/);
    expect(output).toContain(`"userId": "${userId}"`);
    expect(output).toMatch(/"status": "PAYMENT_STATUS_COMPLETED"/);
    const [, listed = ''] = output.split('ListUserOrders');
    expect(listed).toContain(`"id": "${orderId}"`);
    expect(listed).toMatch(/"status": "ORDER_STATUS_PAID"/);
    expect(listed).toContain(`"paymentId": "${paymentId}"`);
    for (const service of ['user-service', 'order-service', 'payment-service']) {
      expect(output).toMatch(new RegExp(`${service} +│ 2 +│ 2 +│ \\d+, \\d+ +│ SERVING`));
    }

    const pids = [...output.matchAll(/\(pid (\d+)/g)].map(([, pid]) => Number(pid));
    expect(pids.length).toBeGreaterThanOrEqual(7);
    expect(pids.filter((pid) => identityOf(pid) !== undefined)).toEqual([]);
    const [folder = ''] = /\S+weft-demo-\S+/.exec(output) ?? [];
    expect(folder).not.toBe('');
    expect(existsSync(folder)).toBe(false);
  }, 60_000);
});
