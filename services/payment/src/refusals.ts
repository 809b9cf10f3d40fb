import { failedPrecondition, isSameMoney, moneyText } from '@weft/proto';
import type { Money } from '@weft/proto/money';
import { type Order, OrderStatus } from '@weft/proto/order';

/** What a payer asks to pay. */
export interface Intent {
  orderId: string;
  userId: string;
  amount: Money;
}

type Refusal = ReturnType<typeof failedPrecondition>;

export function orderNotFound(orderId: string): Refusal {
  return failedPrecondition(`order '${orderId}' does not exist`, { reason: 'ORDER_NOT_FOUND' });
}

export function orderAlreadyPaid(orderId: string, paymentId: string): Refusal {
  return failedPrecondition(`order '${orderId}' is paid already by payment '${paymentId}'`, {
    reason: 'ORDER_ALREADY_PAID',
    metadata: { payment_id: paymentId },
  });
}

export function paymentInProgress(orderId: string, paymentId: string): Refusal {
  return failedPrecondition(
    `order '${orderId}' is being paid by payment '${paymentId}', under another idempotency key`,
    { reason: 'PAYMENT_IN_PROGRESS', metadata: { payment_id: paymentId } },
  );
}

/** Why this order cannot be paid so, as FAILED_PRECONDITION; undefined when it can. */
export function refusalOf(order: Order, { orderId, userId, amount }: Intent): Refusal | undefined {
  if (order.userId !== userId) {
    return failedPrecondition(`order '${orderId}' belongs to another user`, {
      reason: 'ORDER_OF_ANOTHER_USER',
    });
  }
  if (order.status === OrderStatus.ORDER_STATUS_PAID) {
    return orderAlreadyPaid(orderId, order.paymentId);
  }
  if (order.total === undefined || !isSameMoney(order.total, amount)) {
    const total = order.total === undefined ? 'nothing' : moneyText(order.total);
    return failedPrecondition(`order '${orderId}' costs ${total}, not ${moneyText(amount)}`, {
      reason: 'AMOUNT_MISMATCH',
    });
  }
  return undefined;
}
