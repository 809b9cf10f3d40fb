import { createMesh } from '@weft/client-sdk';
import { route } from '@weft/proto';
import { OrderServiceDefinition } from '@weft/proto/order';
import { UserServiceDefinition } from '@weft/proto/user';
import { createLog, databaseFile, startTracing } from '@weft/service-kit';
import { createOrderHandlers } from './handlers.ts';
import { OrderRepository } from './repository.ts';

const log = createLog('order-service');
const stopTracing = await startTracing('order-service', log);
const mesh = createMesh({ log });
const orders = await OrderRepository.open(databaseFile('order-service'));
const users = mesh.client(UserServiceDefinition);
await mesh.serve({
  name: 'order-service',
  dependencies: ['user-service'],
  routes: [route(OrderServiceDefinition, createOrderHandlers({ orders, users }))],
  onClose: async () => {
    orders.close();
    await stopTracing();
  },
});
