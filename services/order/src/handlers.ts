import {
  alreadyExists,
  callFailure,
  failedPrecondition,
  moneyText,
  notFound,
  pageSize,
  pageToken,
  unavailable,
} from '@weft/proto';
import {
  CreateOrderRequest,
  type CreateOrderResponse,
  type OrderServiceImplementation,
} from '@weft/proto/order';
import type { UserServiceClient } from '@weft/proto/user';
import { hashRequest, pagePosition } from '@weft/service-kit';
import type { CreateOutcome, OrderRepository } from './repository.ts';
import { checkCreateOrder, checkId, checkMarkOrderPaid } from './validation.ts';

const DEFAULT_PAGE_SIZE = 50;

export interface OrderDependencies {
  orders: OrderRepository;
  users: Pick<UserServiceClient, 'getUser'>;
}

function created(outcome: CreateOutcome): CreateOrderResponse {
  if (outcome.kind === 'stored') return { order: outcome.order };
  throw alreadyExists('the idempotency key was used with another body; take a new key', {
    reason: 'IDEMPOTENCY_KEY_REUSED',
  });
}

/** What answers order.v1.OrderService. */
export function createOrderHandlers({
  orders,
  users,
}: OrderDependencies): OrderServiceImplementation {
  /** @throws FAILED_PRECONDITION when there is no such user, UNAVAILABLE when that cannot be told. */
  async function requireUser(id: string, signal: AbortSignal): Promise<void> {
    try {
      await users.getUser({ id }, { signal });
    } catch (error) {
      const failure = callFailure(error);
      if (failure === undefined) throw error;
      if (failure.reason === 'USER_NOT_FOUND') {
        throw failedPrecondition(`user '${id}' does not exist`, { reason: 'USER_NOT_FOUND' });
      }
      throw unavailable(
        `user-service could not tell whether user '${id}' exists (${failure.details}); try again`,
        { reason: 'USER_SERVICE_UNAVAILABLE' },
      );
    }
  }

  return {
    async createOrder(request, { signal }) {
      const total = checkCreateOrder(request);
      const requestHash = hashRequest(CreateOrderRequest, request);
      const earlier = orders.findByKey(request.idempotencyKey, requestHash);
      if (earlier !== undefined) return created(earlier);
      await requireUser(request.userId, signal);
      return created(await orders.create({ ...request, total, requestHash }));
    },

    async getOrder({ id }) {
      checkId(id, 'id', 'an order');
      const order = orders.get(id);
      if (order === undefined) throw notFound('order', id);
      return { order };
    },

    async listUserOrders({ userId, pageSize: size, pageToken: token }) {
      checkId(userId, 'user_id', 'a user');
      const limit = pageSize(size, DEFAULT_PAGE_SIZE);
      const page = orders.listOfUser(userId, pagePosition(token), limit);
      return {
        orders: page.orders,
        nextPageToken: page.next === undefined ? '' : pageToken(String(page.next)),
      };
    },

    async markOrderPaid(request) {
      const { orderId, paymentId } = request;
      const amount = checkMarkOrderPaid(request);
      const outcome = await orders.markPaid(orderId, paymentId, amount);
      switch (outcome.kind) {
        case 'paid':
          return { order: outcome.order };
        case 'not-found':
          throw notFound('order', orderId);
        case 'paid-by-another':
          throw failedPrecondition(`order '${orderId}' is paid by payment '${outcome.paymentId}'`, {
            reason: 'ORDER_ALREADY_PAID',
            metadata: { payment_id: outcome.paymentId },
          });
        case 'amount-mismatch':
          throw failedPrecondition(
            `order '${orderId}' costs ${moneyText(outcome.total)}, not ${moneyText(amount)}`,
            { reason: 'AMOUNT_MISMATCH' },
          );
      }
    },
  };
}
