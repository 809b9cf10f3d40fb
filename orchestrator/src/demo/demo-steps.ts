import { OrchestratorError } from '../errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';

/** One call of the demonstration and what came of it. */
export interface DemoStep {
  /** What it does, for people. */
  readonly title: string;
  readonly service: string;
  readonly method: string;
  readonly request: JsonObject;
  readonly response: JsonObject;
}

/** Calls a method by name. */
export type Call = (service: string, method: string, request: JsonObject) => Promise<JsonValue>;

function object(value: JsonValue | undefined, what: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw new OrchestratorError(`the answer holds no ${what}: ${JSON.stringify(value)}`);
}

function text(value: JsonValue | undefined, field: string): string {
  const found = object(value, field)[field];
  if (typeof found === 'string') return found;
  throw new OrchestratorError(`the answer holds no ${field}: ${JSON.stringify(value)}`);
}

function expectStatus(value: JsonObject, wanted: string, what: string): void {
  if (value.status === wanted) return;
  throw new OrchestratorError(`${what} should be ${wanted} and is ${String(value.status)}`);
}

/**
 * Buys something, from the user to the paid order, yielding each step as it is done.
 * @throws OrchestratorError when an answer is not what it must be; what `call` throws passes through.
 */
export async function* runDemoSteps(call: Call): AsyncGenerator<DemoStep, void, undefined> {
  const step = async (title: string, service: string, method: string, request: JsonObject) => {
    const response = object(await call(service, method, request), method);
    return { title, service, method, request, response };
  };

  const created = await step('Create a user', 'user-service', 'CreateUser', {
    name: 'Ada Lovelace',
    email: 'ada@example.com',
  });
  yield created;
  const userId = text(created.response.user, 'id');

  const ordered = await step('Create an order', 'order-service', 'CreateOrder', {
    userId,
    lines: [
      {
        productId: 'analytical-engine',
        quantity: 2,
        unitPrice: { currencyCode: 'EUR', units: '12', nanos: 500_000_000 },
      },
    ],
    idempotencyKey: 'demo-order-1',
  });
  yield ordered;
  const order = object(ordered.response.order, 'order');
  const orderId = text(order, 'id');
  const total = object(order.total, 'total');
  expectStatus(order, 'ORDER_STATUS_PENDING', 'the new order');

  const paid = await step('Pay it', 'payment-service', 'ProcessPayment', {
    orderId,
    userId,
    amount: total,
    idempotencyKey: 'demo-payment-1',
  });
  yield paid;
  expectStatus(object(paid.response.payment, 'payment'), 'PAYMENT_STATUS_COMPLETED', 'the payment');

  const listed = await step("List the user's orders", 'order-service', 'ListUserOrders', {
    userId,
  });
  yield listed;
  const orders = Array.isArray(listed.response.orders) ? listed.response.orders : [];
  const found = orders.map((one) => object(one, 'order')).find(({ id }) => id === orderId);
  expectStatus(object(found, "order in the user's list"), 'ORDER_STATUS_PAID', 'the order');
}
