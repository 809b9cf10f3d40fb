import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { silentLog } from '@weft/proto';
import { ArchitecturePublisher } from '../../orchestrator/src/architecture/architecture-publisher.ts';
import { meshFolder } from '../../orchestrator/src/mesh-folder.ts';
import { loadTopology } from '../../orchestrator/src/topology/load-topology.ts';
import type { StreamMessage, WireArchitecture } from '../../registry/src/page/wire.ts';
import { eventually } from '../support/eventually.ts';
import { TestMesh } from '../support/test-mesh.ts';

const file = join(import.meta.dirname, '..', 'fixtures', 'architecture', 'sound.yaml');

let stage: TestMesh;
beforeAll(async () => {
  stage = await TestMesh.start({ httpPort: 0 });
});
afterAll(() => stage.close());

/** What the page is told of the architecture, the latest last. */
async function followPage(): Promise<WireArchitecture[]> {
  const stopper = new AbortController();
  const { body } = await fetch(`http://${stage.registry.httpAddress}/api/stream`, stopper);
  const seen: WireArchitecture[] = [];
  const reading = (async () => {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of body ?? []) {
      const parts = (text + decoder.decode(chunk, { stream: true })).split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) {
        const message: StreamMessage = JSON.parse(part.replace('data: ', ''));
        if (message.kind === 'architecture') seen.push(message.architecture);
      }
    }
  })().catch(() => {});
  stage.defer(async () => {
    stopper.abort();
    await reading;
  });
  return seen;
}

it('shows the page the architecture of a mesh that is up, and again when it changes', async () => {
  await stage.serve('user-service', ['user-1']);
  const seen = await followPage();
  const topology = loadTopology(file);
  const registry = stage.registry.address;
  const folder = meshFolder(join(topology.folder, '.weft'));
  const publisher = new ArchitecturePublisher({ topology, folder, registry, log: silentLog });
  stage.defer(() => publisher.close());
  await eventually(() => expect(seen).toHaveLength(1));
  const [first] = seen;
  expect(first?.source).toBe(`weft up of ${file}`);
  expect(first?.services.map(({ name }) => name)).toContain('user-service');
  expect(first?.nodes).toMatchObject([
    { service: 'user-service', instance: 'user-1', isLive: true },
  ]);
  expect(first?.rules.find(({ id }) => id === 'data-isolation')).toMatchObject({
    verdict: 'holds',
  });
  await stage.serve('stray-service', ['stray-1']);
  publisher.changed();
  await eventually(() => {
    const latest = seen.at(-1);
    expect(latest?.nodes).toHaveLength(2);
    const [breach] = latest?.rules.find(({ id }) => id === 'unknown-service')?.breaches ?? [];
    expect(breach?.services).toEqual(['stray-service']);
  });
});
