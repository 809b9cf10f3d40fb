import { createMesh } from '@weft/client-sdk';
import { route } from '@weft/proto';
import { OrderServiceDefinition } from '@weft/proto/order';
import { PaymentServiceDefinition } from '@weft/proto/payment';
import { createLog, databaseFile, startTracing } from '@weft/service-kit';
import { processingMs } from './config.ts';
import { createPaymentHandlers } from './handlers.ts';
import { PaymentRepository } from './repository.ts';
import { PaymentWorker } from './worker.ts';

const log = createLog('payment-service');
const stopTracing = await startTracing('payment-service', log);
const mesh = createMesh({ log });
const orders = mesh.client(OrderServiceDefinition);
const payments = await PaymentRepository.open(databaseFile('payment-service'));
const worker = new PaymentWorker({ payments, orders, processingMs: processingMs(), log });
worker.start();
await mesh.serve({
  name: 'payment-service',
  dependencies: ['order-service'],
  routes: [route(PaymentServiceDefinition, createPaymentHandlers({ payments, orders, worker }))],
  onClose: async () => {
    await worker.stop();
    payments.close();
    await stopTracing();
  },
});
