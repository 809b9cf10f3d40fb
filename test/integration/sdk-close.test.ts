import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { serveEcho } from '../support/echo-service.ts';
import { TestMesh } from '../support/test-mesh.ts';

let stage: TestMesh;
beforeAll(async () => {
  stage = await TestMesh.start();
});
afterAll(() => stage.close());

it('a service that closes waits a bounded time for its own onClose, and says that it gave up', async () => {
  const { host } = await serveEcho(stage.host, 'a', {
    onClose: () => new Promise(() => {}),
    onCloseTimeoutMs: 100,
  });
  await host.registered();
  const closing = host.close().then(
    () => 'closed',
    (error: Error) => error.message,
  );
  const late = new Promise((resolve) => setTimeout(resolve, 5000, 'still closing').unref());
  expect(await Promise.race([closing, late])).toMatch(/onClose of echo did not end within 100 ms/);
  expect(host.status).toBe('STOPPED');
});
