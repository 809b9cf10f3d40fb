import {
  checkMoney,
  FieldChecks,
  fitsMoney,
  invalidArgument,
  isText,
  moneyFromNanos,
  moneyToNanos,
} from '@weft/proto';
import type { Money } from '@weft/proto/money';
import type { CreateOrderRequest, MarkOrderPaidRequest, OrderLine } from '@weft/proto/order';

const MAX_LINES = 1000;
const MAX_QUANTITY = 1_000_000;
const MAX_PRODUCT_ID_LENGTH = 64;
/** Named at most; an answer that names thousands would not fit the headers it travels in. */
const MAX_BAD_LINES_NAMED = 10;

/**
 * Checks a new order and answers its total.
 * @throws INVALID_ARGUMENT naming the bad fields, those of the first ten bad lines at most.
 */
export function checkCreateOrder({ userId, lines, idempotencyKey }: CreateOrderRequest): Money {
  const checks = new FieldChecks();
  checks.check(isText(userId, 64), 'user_id', 'must be the id of a user');
  checks.check(
    idempotencyKey === '' || isText(idempotencyKey, 128),
    'idempotency_key',
    'must be at most 128 characters, not blank, without control characters',
  );
  const total = checkLines(checks, lines);
  checks.throwIfAny();
  return total;
}

/** Their sum, zero when there are none; only worth something if `checks` holds no violation. */
function checkLines(checks: FieldChecks, lines: readonly OrderLine[]): Money {
  const currencyCode = lines[0]?.unitPrice?.currencyCode ?? '';
  let total = 0n;
  if (checks.check(lines.length > 0 && lines.length <= MAX_LINES, 'lines', 'must be 1 to 1000')) {
    const products = new Set<string>();
    let bad = 0;
    for (const [index, line] of lines.entries()) {
      const price = checkLine(checks, line, `lines[${index}]`, { products, currencyCode });
      if (price === undefined) {
        bad += 1;
        if (bad === MAX_BAD_LINES_NAMED) break;
        continue;
      }
      const sum = total + price;
      const fits = fitsMoney(sum);
      checks.check(
        fits,
        `lines[${index}].unit_price.units`,
        'takes the total of the order over the largest amount, 9,223,372,036,854,775,807 units',
      );
      if (!fits) break;
      total = sum;
    }
  }
  return moneyFromNanos(currencyCode, total);
}

interface Seen {
  products: Set<string>;
  currencyCode: string;
}

/** Price of the line in nanos, undefined if anything is wrong with it. */
function checkLine(
  checks: FieldChecks,
  { productId, quantity, unitPrice }: OrderLine,
  field: string,
  { products, currencyCode }: Seen,
): bigint | undefined {
  const isSound = [
    checks.check(
      isText(productId, MAX_PRODUCT_ID_LENGTH),
      `${field}.product_id`,
      `must be 1 to ${MAX_PRODUCT_ID_LENGTH} characters, not blank, without control characters`,
    ),
    checks.check(
      !products.has(productId),
      `${field}.product_id`,
      'is on an earlier line already; add the quantities up in one line',
    ),
    checks.check(
      quantity >= 1 && quantity <= MAX_QUANTITY,
      `${field}.quantity`,
      'must be 1 to 1,000,000',
    ),
  ].every(Boolean);
  products.add(productId);
  if (!checkMoney(checks, unitPrice, `${field}.unit_price`)) return undefined;
  const isSame = checks.check(
    unitPrice.currencyCode === currencyCode,
    `${field}.unit_price.currency_code`,
    'must be the currency of the first line',
  );
  return isSound && isSame ? moneyToNanos(unitPrice) * BigInt(quantity) : undefined;
}

/** @throws INVALID_ARGUMENT naming every bad field. */
export function checkMarkOrderPaid({ orderId, paymentId, amount }: MarkOrderPaidRequest): Money {
  const checks = new FieldChecks();
  checks.check(isText(orderId, 64), 'order_id', 'must be the id of an order');
  checks.check(isText(paymentId, 64), 'payment_id', 'must be the id of a payment');
  const isSound = checkMoney(checks, amount, 'amount');
  checks.throwIfAny();
  if (!isSound) throw new Error('unreachable: a bad amount has been recorded');
  return amount;
}

/** @throws INVALID_ARGUMENT unless it can be the id of something. */
export function checkId(id: string, field: 'id' | 'user_id', of: 'an order' | 'a user'): void {
  if (!isText(id, 64)) throw invalidArgument({ field, description: `must be the id of ${of}` });
}
