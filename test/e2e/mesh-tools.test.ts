import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { eventually } from '../support/eventually.ts';
import { grpcurl, grpcurlCall } from '../support/grpcurl.ts';
import { type ShopMesh, startShopMesh } from '../support/shop-mesh.ts';
import { describeWith } from '../support/tools.ts';

interface Listed {
  instances: { id: string; service: string; status: string; address: { port: number } }[];
}

describeWith(['etcd', 'etcdctl', 'grpcurl'], 'a mesh seen with grpcurl and etcdctl', () => {
  let shop: ShopMesh;
  let mesh: Mesh;

  beforeAll(async () => {
    shop = await startShopMesh();
    mesh = createMesh({ registry: shop.registry });
  }, 60_000);

  afterAll(async () => {
    mesh?.close();
    await shop?.close();
  }, 60_000);

  it('is listed by grpcurl: the registry, and six instances with addresses', async () => {
    expect(await grpcurl(shop.registry, 'list')).toMatch(/^weft\.registry\.v1\.RegistryService$/m);
    const method = 'weft.registry.v1.RegistryService/ListInstances';
    const { instances } = await grpcurlCall<Listed>(shop.registry, method);
    expect(instances.map(({ service }) => service).sort()).toEqual([
      'order-service',
      'order-service',
      'payment-service',
      'payment-service',
      'user-service',
      'user-service',
    ]);
    for (const { address, status } of instances) {
      expect(address).toEqual({ host: '127.0.0.1', port: expect.any(Number) });
      expect(status).toBe('INSTANCE_STATUS_RUNNING');
    }
  });

  it('sells to grpcurl alone: user, order, payment, list', async () => {
    const [users] = await shop.stored('user-service');
    const [orders, otherOrders] = await shop.stored('order-service');
    const [payments] = await shop.stored('payment-service');
    const created = await grpcurlCall<{ user: { id: string } }>(
      users?.address ?? '',
      'user.v1.UserService/CreateUser',
      { name: 'Grace Hopper', email: 'grace@example.com' },
    );
    const userId = created.user.id;
    const unitPrice = { currencyCode: 'EUR', units: 12, nanos: 500_000_000 };
    const ordered = await grpcurlCall<{ order: { id: string; status: string } }>(
      orders?.address ?? '',
      'order.v1.OrderService/CreateOrder',
      { userId, lines: [{ productId: 'compiler', quantity: 2, unitPrice }] },
    );
    const orderId = ordered.order.id;
    expect(ordered.order.status).toBe('ORDER_STATUS_PENDING');
    const paid = await grpcurlCall<{ payment: { id: string; status: string } }>(
      payments?.address ?? '',
      'payment.v1.PaymentService/ProcessPayment',
      { orderId, userId, amount: { currencyCode: 'EUR', units: 25 }, idempotencyKey: 'grace-1' },
    );
    expect(paid.payment.status).toBe('PAYMENT_STATUS_COMPLETED');
    const list = await grpcurlCall<{ orders: object[] }>(
      otherOrders?.address ?? '',
      'order.v1.OrderService/ListUserOrders',
      { userId },
    );
    expect(list.orders).toEqual([
      expect.objectContaining({
        id: orderId,
        status: 'ORDER_STATUS_PAID',
        paymentId: paid.payment.id,
        total: { currencyCode: 'EUR', units: '25' },
      }),
    ]);
  });

  it('stands in etcd as six readable values and the registry, each on a lease of its own', async () => {
    const stored = await shop.stored();
    expect(stored).toHaveLength(6);
    for (const { key, service, id } of stored)
      expect(key).toBe(`/weft/v1/services/${service}/${id}`);
    const [count, ...leases] = (await shop.etcd.ctl('lease', 'list')).trim().split('\n');
    expect(count).toBe('found 7 leases');
    const attached = await Promise.all(
      leases.map((lease) => shop.etcd.ctl('lease', 'timetolive', lease, '--keys')),
    );
    const keys = attached.map((text) => /attached keys\(\[([^\]]*)\]\)/.exec(text)?.[1]);
    const [registry, ...instances] = keys.sort();
    expect(registry).toMatch(/^\/weft\/v1\/registries\//);
    expect(instances).toEqual(stored.map(({ key }) => key).sort());
  });

  it('loses an instance whose key is deleted within a second, and has it back by itself', async () => {
    const known = async () =>
      (await mesh.discover('user-service')).instances.map(({ id }) => id).sort();
    const before = await known();
    expect(before).toHaveLength(2);
    const [{ key = '', id = '' } = {}] = await shop.stored('user-service');
    const pids = (await shop.processes()).map(({ pid }) => pid);

    await shop.etcd.ctl('del', key);
    // A client that watches sees it go, however soon the instance registers again.
    const deleted = performance.now();
    const gone = await eventually(
      async () => {
        expect(await known()).toEqual(before.filter((one) => one !== id));
        return performance.now() - deleted;
      },
      { withinMs: 1000, everyMs: 1 },
    );
    expect(gone).toBeLessThan(1000);
    await eventually(async () => expect(await known()).toEqual(before), { withinMs: 15_000 });
    expect((await shop.stored('user-service')).map(({ key: one }) => one)).toContain(key);
    expect((await shop.processes()).map(({ pid }) => pid)).toEqual(pids);
  }, 30_000);

  it('ends at Ctrl-C with no process and no key left', async () => {
    mesh.close();
    const pids = (await shop.processes()).map(({ pid }) => pid);
    // Six instances and the registry.
    expect(pids).toHaveLength(7);
    expect(await shop.stop()).toEqual({ code: 0, keysLeft: [] });
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  }, 30_000);
});
