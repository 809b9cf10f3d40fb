import { checkMoney, FieldChecks, invalidArgument, isText } from '@weft/proto';
import type { Money } from '@weft/proto/money';
import type { ProcessPaymentRequest } from '@weft/proto/payment';

/**
 * Checks a request to pay and answers its amount.
 * @throws INVALID_ARGUMENT naming every bad field.
 */
export function checkProcessPayment(request: ProcessPaymentRequest): Money {
  const { orderId, userId, amount, idempotencyKey } = request;
  const checks = new FieldChecks();
  checks.check(isText(orderId, 64), 'order_id', 'must be the id of an order');
  checks.check(isText(userId, 64), 'user_id', 'must be the id of a user');
  checks.check(
    isText(idempotencyKey, 128),
    'idempotency_key',
    'is required: 1 to 128 characters, not blank, without control characters',
  );
  const isSound = checkMoney(checks, amount, 'amount');
  checks.throwIfAny();
  if (!isSound) throw new Error('unreachable: a bad amount has been recorded');
  return amount;
}

/** @throws INVALID_ARGUMENT unless it can be the id of a payment. */
export function checkId(id: string): void {
  if (!isText(id, 64)) {
    throw invalidArgument({ field: 'id', description: 'must be the id of a payment' });
  }
}
