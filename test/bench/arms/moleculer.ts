import { ServiceBroker } from 'moleculer';
import { type Caller, DEADLINE_MS, request } from './caller.ts';

const UNAVAILABLE = 14;

/** A node of Moleculer as its users run it here: TCP transporter, round robin, breaker on. */
function createBroker(nodeID: string, port: number | undefined, peers: readonly string[]) {
  const urls = peers.map((peer) => `tcp://${peer}`);
  const options: object = { udpDiscovery: false, port, urls };
  return new ServiceBroker({
    nodeID,
    logger: false,
    transporter: { type: 'TCP', options },
    registry: { strategy: 'RoundRobin', preferLocal: false },
    circuitBreaker: { enabled: true },
    requestTimeout: DEADLINE_MS,
  });
}

/** Offers the service of the benches. @param peers `host:port/nodeId` of the others */
export async function serveMoleculer(nodeID: string, port: number, peers: readonly string[]) {
  const broker = createBroker(nodeID, port, peers);
  broker.createService({
    name: 'user',
    actions: {
      getUser: ({ params }: { params: { id: string } }) => ({
        user: { id: params.id, name: 'Ada Lovelace', email: 'ada@example.org' },
      }),
    },
  });
  await broker.start();
  return broker;
}

/** Calls it from a node of its own. */
export async function moleculerCaller(addresses: readonly string[]): Promise<Caller> {
  const broker = createBroker('client', undefined, addresses);
  await broker.start();
  await broker.waitForServices('user', 10_000);
  return {
    async call() {
      try {
        await broker.call('user.getUser', request);
        return { code: 0, retries: 0 };
      } catch {
        return { code: UNAVAILABLE, retries: 0 };
      }
    },
    close: () => broker.stop(),
  };
}
