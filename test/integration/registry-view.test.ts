import { expect, it } from '@jest/globals';
import { RegistryServiceDefinition } from '@weft/proto/registry';
import { createServer } from 'nice-grpc';
import { RegistryView } from '../../orchestrator/src/registry-view.ts';
import { eventually } from '../support/eventually.ts';

const { watch } = RegistryServiceDefinition.methods;

it('takes a large snapshot that comes in parts for one, and no part of it for the whole', async () => {
  const rest = Promise.withResolvers<void>();
  const server = createServer();
  const part = (id: string, more: boolean) => ({
    snapshot: { instances: [{ service: 'shop', id }], revision: 7n, more },
  });
  server.add(
    { ...RegistryServiceDefinition, methods: { watch } },
    {
      async *watch(_request, { signal }) {
        yield part('a', true);
        await rest.promise;
        yield part('b', false);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    },
  );
  const port = await server.listen('127.0.0.1:0');
  const view = new RegistryView(`127.0.0.1:${port}`);
  try {
    view.start();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(view.isCurrent).toBe(false);
    rest.resolve();
    await eventually(() => expect(view.isCurrent).toBe(true));
    expect(['a', 'b'].map((id) => view.instance(id)?.id)).toEqual(['a', 'b']);
  } finally {
    await view.close();
    server.forceShutdown();
  }
});
