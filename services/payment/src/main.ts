import { createMesh } from '@weft/client-sdk';
import { route } from '@weft/proto';
import { OrderServiceDefinition } from '@weft/proto/order';
import { PaymentServiceDefinition } from '@weft/proto/payment';
import { databaseFile } from '@weft/service-kit';
import { pino } from 'pino';
import { processingMs } from './config.ts';
import { createPaymentHandlers } from './handlers.ts';
import { PaymentRepository } from './repository.ts';
import { PaymentWorker } from './worker.ts';

const log = pino({ name: 'payment-service' });
const mesh = createMesh({ log });
const orders = mesh.client(OrderServiceDefinition);
const payments = new PaymentRepository(databaseFile('payment-service'));
const worker = new PaymentWorker({ payments, orders, processingMs: processingMs(), log });
worker.start();
await mesh.serve({
  name: 'payment-service',
  dependencies: ['order-service'],
  routes: [route(PaymentServiceDefinition, createPaymentHandlers({ payments, orders, worker }))],
  onClose: async () => {
    await worker.stop();
    payments.close();
  },
});
