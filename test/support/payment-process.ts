/**
 * payment-service as a process of its own, to be killed: without the mesh, straight at the
 * order-service at $ORDER_ADDRESS, on $DATABASE_FILE. Prints its address; ends with its stdin.
 */
import { OrderServiceDefinition } from '@weft/proto/order';
import { connect, startPayments } from './services.ts';

const { ORDER_ADDRESS = '', DATABASE_FILE = '', PAYMENT_PROCESSING_MS } = process.env;
const cleanup = new AsyncDisposableStack();
const { address } = await startPayments(cleanup, {
  orders: connect(cleanup, OrderServiceDefinition, ORDER_ADDRESS),
  file: DATABASE_FILE,
  processingMs: Number(PAYMENT_PROCESSING_MS),
  claimMs: 1000,
});
console.log(address);
process.stdin.resume().on('end', () => void cleanup.disposeAsync());
