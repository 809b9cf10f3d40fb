import { freePort } from '../../../orchestrator/src/process/ports.ts';
import type { Stage } from '../harness/stage.ts';

/** Service with one instance, and service with three. */
export const ONE = 'bench-one';
export const THREE = 'bench-three';

/** Three server processes with an instance each of THREE; the first has the one of ONE too. */
export async function offerServices(stage: Stage): Promise<{ one: string; three: string[] }> {
  const servers = [stage.server(), stage.server(), stage.server()] as const;
  const one = await stage.serve(servers[0], { service: ONE, id: 'one' });
  const three = await Promise.all(
    servers.map((server, index) => stage.serve(server, { service: THREE, id: `three-${index}` })),
  );
  return { one, three };
}

/** Three nodes of Moleculer with the same service. Answers `host:port/nodeId` of each. */
export async function offerMoleculer(stage: Stage): Promise<string[]> {
  const nodes: { id: string; port: number; url: string }[] = [];
  for (const id of ['node-0', 'node-1', 'node-2']) {
    const port = await freePort('127.0.0.1');
    nodes.push({ id, port, url: `127.0.0.1:${port}/${id}` });
  }
  const urls = nodes.map(({ url }) => url);
  await Promise.all(
    nodes.map(({ id, port, url }) =>
      stage.start('processes/moleculer-server.ts').ask('serve', {
        id,
        port,
        peers: urls.filter((each) => each !== url),
      }),
    ),
  );
  return urls;
}
