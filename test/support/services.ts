import { GrpcServer, type Route, route } from '@weft/proto';
import { type OrderServiceClient, OrderServiceDefinition } from '@weft/proto/order';
import { PaymentServiceDefinition } from '@weft/proto/payment';
import { type UserServiceClient, UserServiceDefinition } from '@weft/proto/user';
import {
  ClientError,
  createChannel,
  createClientFactory,
  Status,
  type TsProtoServiceDefinition,
} from 'nice-grpc';
import { errorDetailsClientMiddleware, RichClientError } from 'nice-grpc-error-details';
import { createOrderHandlers } from '../../services/order/src/handlers.ts';
import { OrderRepository } from '../../services/order/src/repository.ts';
import { createPaymentHandlers } from '../../services/payment/src/handlers.ts';
import { PaymentRepository } from '../../services/payment/src/repository.ts';
import { PaymentWorker } from '../../services/payment/src/worker.ts';
import { createUserHandlers } from '../../services/user/src/handlers.ts';
import { UserRepository } from '../../services/user/src/repository.ts';

/** What was started and must be stopped, last first. */
export type Cleanup = AsyncDisposableStack;

/** Serves routes, on a free port unless told, and answers the address. */
export async function serve(cleanup: Cleanup, routes: Route[] = [], port = 0): Promise<string> {
  const server = new GrpcServer({ routes });
  const taken = await server.listen(`127.0.0.1:${port}`);
  cleanup.defer(async () => void (await server.close(1000)));
  return `127.0.0.1:${taken}`;
}

/** A client straight at an address, with error details, as the SDK's clients have them. */
export function connect<Definition extends TsProtoServiceDefinition>(
  cleanup: Cleanup,
  definition: Definition,
  address: string,
) {
  const channel = createChannel(address);
  cleanup.defer(() => channel.close());
  return createClientFactory().use(errorDetailsClientMiddleware).create(definition, channel);
}

/** user-service over real sockets, on a database file or in memory. */
export async function startUsers(cleanup: Cleanup, file = ':memory:') {
  const users = await UserRepository.open(file);
  cleanup.defer(() => users.close());
  const address = await serve(cleanup, [route(UserServiceDefinition, createUserHandlers(users))]);
  return { address, users, client: connect(cleanup, UserServiceDefinition, address) };
}

/** order-service over real sockets; asks `users` whether a user exists. */
export async function startOrders(
  cleanup: Cleanup,
  users: Pick<UserServiceClient, 'getUser'>,
  { file = ':memory:', port = 0 }: { file?: string; port?: number } = {},
) {
  const orders = await OrderRepository.open(file);
  cleanup.defer(() => orders.close());
  const handlers = createOrderHandlers({ orders, users });
  const address = await serve(cleanup, [route(OrderServiceDefinition, handlers)], port);
  return { address, orders, client: connect(cleanup, OrderServiceDefinition, address) };
}

export interface StartPayments {
  orders: Pick<OrderServiceClient, 'getOrder' | 'markOrderPaid'>;
  /** Default: in memory. */
  file?: string;
  /** Default 0. */
  processingMs?: number;
  /** Default 300. */
  claimMs?: number;
  /** Default 1000. */
  maxActive?: number;
}

/** payment-service over real sockets, its worker started. */
export async function startPayments(
  cleanup: Cleanup,
  { orders, file = ':memory:', processingMs = 0, claimMs = 300, maxActive }: StartPayments,
) {
  const payments = await PaymentRepository.open(file);
  cleanup.defer(() => payments.close());
  const worker = new PaymentWorker({ payments, orders, processingMs, claimMs, maxActive });
  cleanup.defer(() => worker.stop());
  worker.start();
  const handlers = createPaymentHandlers({ payments, orders, worker });
  const address = await serve(cleanup, [route(PaymentServiceDefinition, handlers)]);
  return { address, payments, worker, client: connect(cleanup, PaymentServiceDefinition, address) };
}

/** A failed call as tests compare it: `{ code: 'NOT_FOUND', reason: 'USER_NOT_FOUND' }`. */
export interface Failure {
  code: string;
  reason?: string;
  /** The fields of BadRequest details. */
  fields?: string[];
}

/** How a call that must fail failed. @throws Error when it succeeded or failed without a status. */
export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  const error = await call.then(
    () => new Error('the call succeeded; it was expected to fail'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ClientError)) throw error;
  const failure: Failure = { code: Status[error.code] };
  for (const detail of error instanceof RichClientError ? error.extra : []) {
    if (detail.$type === 'google.rpc.ErrorInfo') failure.reason = detail.reason;
    if (detail.$type === 'google.rpc.BadRequest') {
      failure.fields = detail.fieldViolations.map(({ field }) => field);
    }
  }
  return failure;
}

/** INVALID_ARGUMENT naming exactly these fields. */
export function badFields(...fields: string[]): Failure {
  return { code: 'INVALID_ARGUMENT', reason: 'INVALID_FIELD', fields };
}
