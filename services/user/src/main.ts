import { createMesh } from '@weft/client-sdk';
import { route } from '@weft/proto';
import { UserServiceDefinition } from '@weft/proto/user';
import { databaseFile } from '@weft/service-kit';
import { pino } from 'pino';
import { createUserHandlers } from './handlers.ts';
import { UserRepository } from './repository.ts';

const log = pino({ name: 'user-service' });
const users = new UserRepository(databaseFile('user-service'));
await createMesh({ log }).serve({
  name: 'user-service',
  routes: [route(UserServiceDefinition, createUserHandlers(users))],
  onClose: () => users.close(),
});
