import { alreadyExists, callFailure, notFound, resourceExhausted, unavailable } from '@weft/proto';
import type { Order, OrderServiceClient } from '@weft/proto/order';
import {
  type Payment,
  type PaymentServiceImplementation,
  PaymentStatus,
  ProcessPaymentRequest,
} from '@weft/proto/payment';
import { hashRequest } from '@weft/service-kit';
import {
  type Intent,
  orderAlreadyPaid,
  orderNotFound,
  paymentInProgress,
  refusalOf,
} from './refusals.ts';
import type { AcceptOutcome, EarlierPayment, NewPayment, PaymentRepository } from './repository.ts';
import { checkId, checkProcessPayment } from './validation.ts';
import type { PaymentWorker } from './worker.ts';

export interface PaymentDependencies {
  payments: PaymentRepository;
  orders: Pick<OrderServiceClient, 'getOrder'>;
  worker: PaymentWorker;
}

function existing(outcome: EarlierPayment): Payment {
  if (outcome.kind === 'existing') return outcome.payment;
  throw alreadyExists('the idempotency key was used with another body; take a new key', {
    reason: 'IDEMPOTENCY_KEY_REUSED',
  });
}

/** What answers payment.v1.PaymentService. */
export function createPaymentHandlers({
  payments,
  orders,
  worker,
}: PaymentDependencies): PaymentServiceImplementation {
  /** Undefined when there is none. @throws UNAVAILABLE when that cannot be told. */
  async function readOrder(id: string, signal: AbortSignal): Promise<Order | undefined> {
    try {
      return (await orders.getOrder({ id }, { signal })).order;
    } catch (error) {
      const failure = callFailure(error);
      if (failure === undefined) throw error;
      if (failure.reason === 'ORDER_NOT_FOUND') return undefined;
      throw unavailable(
        `order-service could not show order '${id}' (${failure.details}); nothing was charged, try again`,
        { reason: 'ORDER_SERVICE_UNAVAILABLE' },
      );
    }
  }

  /** The payment of this request: an earlier one under its key, or a new one now in work. */
  async function accept(request: NewPayment, signal: AbortSignal): Promise<Payment> {
    const earlier = payments.findByKey(request.idempotencyKey, request.requestHash);
    if (earlier !== undefined) return existing(earlier);

    const order = await readOrder(request.orderId, signal);
    const refusal =
      order === undefined ? orderNotFound(request.orderId) : refusalOf(order, request);
    if (refusal !== undefined) {
      // The order may be PAID by this very key, accepted elsewhere while the order was read.
      const meanwhile = payments.findByKey(request.idempotencyKey, request.requestHash);
      if (meanwhile === undefined) throw refusal;
      return existing(meanwhile);
    }

    if (!worker.hasRoom) {
      throw resourceExhausted('this instance has too many payments in work; try again later', {
        reason: 'TOO_MANY_PAYMENTS',
      });
    }
    return worker.keepRoom(async () =>
      begun(await payments.accept(request, worker.claim), request),
    );
  }

  function begun(outcome: AcceptOutcome, { orderId }: Intent): Payment {
    switch (outcome.kind) {
      case 'accepted':
        worker.take(outcome.payment);
        return outcome.payment;
      case 'order-taken':
        throw outcome.by.status === PaymentStatus.PAYMENT_STATUS_COMPLETED
          ? orderAlreadyPaid(orderId, outcome.by.id)
          : paymentInProgress(orderId, outcome.by.id);
      default:
        return existing(outcome);
    }
  }

  return {
    async processPayment(request, { signal }) {
      const amount = checkProcessPayment(request);
      const { id } = await accept(
        { ...request, amount, requestHash: hashRequest(ProcessPaymentRequest, request) },
        signal,
      );
      return { payment: await worker.waitForEnd(id, signal) };
    },

    async getPayment({ id }) {
      checkId(id);
      const payment = payments.get(id);
      if (payment === undefined) throw notFound('payment', id);
      return { payment };
    },
  };
}
