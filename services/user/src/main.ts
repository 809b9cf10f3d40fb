import { createMesh } from '@weft/client-sdk';
import { route } from '@weft/proto';
import { UserServiceDefinition } from '@weft/proto/user';
import { createLog, databaseFile, startTracing } from '@weft/service-kit';
import { createUserHandlers } from './handlers.ts';
import { UserRepository } from './repository.ts';

const log = createLog('user-service');
const stopTracing = await startTracing('user-service', log);
const users = await UserRepository.open(databaseFile('user-service'));
await createMesh({ log }).serve({
  name: 'user-service',
  routes: [route(UserServiceDefinition, createUserHandlers(users))],
  onClose: async () => {
    users.close();
    await stopTracing();
  },
});
