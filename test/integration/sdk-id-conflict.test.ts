import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createMesh } from '@weft/client-sdk';
import { silentLog } from '@weft/proto';
import { RegistryConnection } from '../../client-sdk/src/discovery/registry-connection.ts';
import { serveEcho } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { createTcpProxy } from '../support/tcp-proxy.ts';
import { TestMesh } from '../support/test-mesh.ts';

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterEach(() => stage.clear());
afterAll(() => stage.close());

describe('K9: an instance whose id another one holds', () => {
  it('reports it after two TTLs, asks no other replica, and registers once the id is free', async () => {
    const [first] = await stage.serve('taken', ['a']);
    const proxy = await createTcpProxy(stage.registry.address);
    stage.defer(() => proxy.close());
    const failover = jest.spyOn(RegistryConnection.prototype, 'failover');
    stage.defer(() => failover.mockRestore());
    const error = jest.fn();
    const mesh = createMesh({
      registry: [stage.registry.address, proxy.address],
      log: { ...silentLog, error },
    });
    stage.defer(() => mesh.close());
    const second = await serveEcho(mesh, 'a', { name: 'taken' });
    stage.defer(() => second.host.close());
    const refusal = {
      code: 'INSTANCE_EXISTS',
      message: expect.stringMatching(/instance 'a' of 'taken' is live at .*another id/),
    };
    const startedAt = performance.now();
    await expect(second.host.registered()).rejects.toMatchObject(refusal);
    expect(performance.now() - startedAt).toBeGreaterThan(3000);
    // Whoever asks later hears of it too.
    await expect(second.host.registered()).rejects.toMatchObject(refusal);
    expect(error).toHaveBeenCalledTimes(1);
    expect(failover).not.toHaveBeenCalled();
    await first?.host.close();
    await eventually(() => expect(second.host.isRegistered).toBe(true));
    expect((await second.host.registered()).id).toBe('a');
  });
});
