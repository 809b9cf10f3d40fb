/**
 * Drain, restart, scale down and the age of connections, all under calls of 0.1 to 20 s of every kind, by a client
 * of Weft, of grpc-js and of grpc-go: `node --conditions=weft-source test/soak/long-calls.ts [rounds [services]]`.
 * Takes about two minutes a round; 10 rounds of all services unless told. Exits with 1 if a call has failed.
 */

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Channel, ChannelCredentials } from '@grpc/grpc-js';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { createClient } from 'nice-grpc';
import { eventually } from '../support/eventually.ts';
import { callForLong, callFromGo, type FailedCall, type LongLoad } from '../support/long-calls.ts';
import { StreamServiceDefinition } from '../support/stream-service.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { meshStateOf, runWeft, startWeft, writeWeftYaml } from '../support/weft-process.ts';

const LENGTHS_MS = [100, 1000, 2500, 5000, 10_000, 20_000];
const rounds = Number(process.argv[2] ?? 10);
const program = join(import.meta.dirname, '..', 'fixtures', 'long-call-service.ts');

const folder = tempFolder('weft-long-calls-');
const specified = (name: string, environment = {}) => ({
  command: ['node', '--conditions=weft-source', program, name],
  instances: 3,
  environment,
});
writeWeftYaml(folder.path, {
  registry: { port: 0, store: 'memory' },
  services: {
    drained: specified('drained'),
    restarted: specified('restarted'),
    scaled: specified('scaled'),
    aged: specified('aged', { MAX_AGE_MS: '6000' }),
  },
});
const weft = (...words: string[]) => runWeft(words, { folder: folder.path });

async function addressesOf(mesh: Mesh, service: string): Promise<string[]> {
  const { instances } = await mesh.discover(service);
  return instances.map(({ address }) => `${address?.host}:${address?.port}`);
}

/** What is done to each service amid its calls. */
const events: Record<string, (mesh: Mesh) => Promise<unknown>> = {
  async drained() {
    const one = meshStateOf(folder.path).processes.find(({ name }) => name.startsWith('drained'));
    if (one === undefined) throw new Error('no instance of drained');
    process.kill(one.pid, 'SIGTERM');
    await pause(25_000);
  },
  scaled: async () => {
    await weft('scale', 'scaled=2');
    await pause(15_000);
  },
  restarted: () => weft('restart', 'restarted'),
  aged: () => pause(25_000),
};

async function roundOf(service: string, mesh: Mesh): Promise<FailedCall[]> {
  const addresses = await addressesOf(mesh, service);
  const channel = new Channel(`ipv4:${addresses.join(',')}`, ChannelCredentials.createInsecure(), {
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    'grpc.use_local_subchannel_pool': 1,
  });
  const weftClient = mesh.client(StreamServiceDefinition, { service });
  const clients = { weft: weftClient, grpcJs: createClient(StreamServiceDefinition, channel) };
  // From here on it is connected: a machine with too much to do may need a second for that.
  for (const client of Object.values(clients)) {
    await eventually(() => client.unary({ id: '0' }), { withinMs: 30_000 });
  }
  // A client with fixed addresses cannot follow instances to new ports: a restart is for clients of the mesh.
  const isFollowed = service === 'restarted';
  const loads: LongLoad[] = isFollowed
    ? [callForLong({ weft: weftClient }, LENGTHS_MS)]
    : [callForLong(clients, LENGTHS_MS), callFromGo(addresses, LENGTHS_MS)];
  await pause(5000);
  await events[service]?.(mesh);
  await Promise.all(loads.map((load) => load.stop()));
  channel.close();
  const calls = loads.map((load) => load.calls).join(' + ');
  const failures = loads.flatMap((load) => load.failures);
  console.log(`  ${service}: ${calls} calls, ${failures.length} failed`);
  for (const failure of failures) console.log(JSON.stringify(failure));
  return failures;
}

const up = startWeft(['up'], { folder: folder.path });
const failures: FailedCall[] = [];
try {
  await up.waitFor(/healthy/, 60_000);
  const { registry } = meshStateOf(folder.path);
  for (let round = 1; round <= rounds; round += 1) {
    console.log(`round ${round}`);
    const mesh = createMesh({ registry });
    const all = process.argv[3]?.split(',') ?? Object.keys(events);
    for (const service of all) {
      while ((await addressesOf(mesh, service).catch(() => [])).length < 3) await pause(200);
    }
    for (const pair of [all.slice(0, 2), all.slice(2)]) {
      const failed = await Promise.all(pair.map((service) => roundOf(service, mesh)));
      failures.push(...failed.flat());
    }
    mesh.close();
    await weft('scale', 'scaled=3');
    await pause(3000);
  }
} finally {
  up.signal('SIGTERM');
  await up.exited;
  folder[Symbol.dispose]();
}
console.log(`${failures.length} failed calls in ${rounds} rounds`);
process.exit(failures.length > 0 ? 1 : 0);
