import { createMesh } from '@weft/client-sdk';
import { OrderServiceDefinition } from '@weft/proto/order';
import { PaymentServiceDefinition } from '@weft/proto/payment';
import { UserServiceDefinition } from '@weft/proto/user';

const BUYERS = 6;
const PAUSE_MS = 40;

/** Buys something again and again until `ended`: what a shop looks like in use. */
export async function buySteadily(registry: string, ended: AbortSignal): Promise<void> {
  const mesh = createMesh({ registry, telemetry: { intervalMs: 500 } });
  const users = mesh.client(UserServiceDefinition);
  const orders = mesh.client(OrderServiceDefinition);
  const payments = mesh.client(PaymentServiceDefinition);
  const buy = async (buyer: number) => {
    const email = `ada-${buyer}@example.com`;
    const { user } = await users.createUser({
      ...{ name: 'Ada Lovelace', email, idempotencyKey: email },
    });
    const userId = user?.id ?? '';
    for (let count = 0; !ended.aborted; count += 1) {
      const key = `${buyer}-${count}`;
      const unitPrice = { currencyCode: 'EUR', units: 12n, nanos: 0 };
      const { order } = await orders.createOrder({
        ...{ userId, idempotencyKey: key },
        lines: [{ productId: 'engine', quantity: 1, unitPrice }],
      });
      await payments.processPayment({
        ...{ orderId: order?.id ?? '', userId, idempotencyKey: key },
        amount: order?.total,
      });
      await orders.listUserOrders({ userId });
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  };
  try {
    await Promise.all(Array.from({ length: BUYERS }, (_, buyer) => buy(buyer)));
  } finally {
    mesh.close();
  }
}
