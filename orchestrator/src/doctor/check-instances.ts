import { addressText, isGrpcServer, isPlainTcp } from '@weft/proto';
import { Health, type Instance, InstanceStatus } from '@weft/proto/registry';
import { OrchestratorError } from '../errors.ts';
import { readInstances } from '../mesh-view/read-catalog.ts';
import { weftCommand } from '../output/weft-command.ts';
import { answersServing } from '../slot/grpc-health.ts';
import { type Check, type Diagnosis, fail, pass, skip, warn } from './check.ts';
import { summaryOf } from './check-registry.ts';

const ANSWER_MS = 2000;
/** So many are asked, side by side; in a larger mesh the first ones. */
const MOST_ASKED = 200;

const nameOf = ({ service, id }: Instance) => `${service}/${id}`;

async function diagnose(instance: Instance): Promise<Diagnosis[]> {
  const { status, health } = instance;
  if (status === InstanceStatus.INSTANCE_STATUS_ERROR) {
    return [fail(`${nameOf(instance)} says that it cannot serve`, 'see its log for why')];
  }
  if (health === Health.HEALTH_NOT_SERVING) {
    return [fail(`${nameOf(instance)} fails its health check`, 'see its log; it gets no calls')];
  }
  // One that starts or drains does not serve, and nobody calls it; not all that is listed speaks gRPC.
  const isToServe = status === InstanceStatus.INSTANCE_STATUS_RUNNING;
  if (!isToServe || isPlainTcp(instance.type) || !isGrpcServer(instance)) return [];
  const address = addressText(instance.address);
  const service = instance.healthCheck?.service ?? '';
  if (await answersServing(address, service, ANSWER_MS)) return [];
  return [
    fail(
      `${nameOf(instance)} does not answer SERVING at ${address} from here`,
      'see whether it runs and that address is reached from here; if not, correct its WEFT_HOST',
    ),
  ];
}

/** What is listed: whether it answers where it says, and whether anything is missing. */
export const checkInstances: Check = {
  name: 'instances',
  async look({ registry, topology, state }) {
    if (registry === undefined) return [skip('no registry to ask')];
    if ((await summaryOf(registry)) instanceof OrchestratorError) {
      return [skip('the registry does not answer')];
    }
    const { items } = await readInstances(registry.registry);
    const found = (await Promise.all(items.slice(0, MOST_ASKED).map(diagnose))).flat();
    // What weft.yaml names is to be there when it is this mesh that is asked.
    const isOurs = state !== undefined && state.registry === registry.address;
    for (const { name, instances } of (isOurs && topology?.services) || []) {
      if (instances === 0 || items.some(({ service }) => service === name)) continue;
      found.push(
        fail(`no instance of ${name} is listed`, `see \`${weftCommand(`logs ${name}`)}\``),
      );
    }
    if (items.length > MOST_ASKED) {
      found.push(
        warn(`only ${MOST_ASKED} of ${items.length} were asked`, 'ask service by service'),
      );
    }
    return found.length > 0 ? found : [pass(`${items.length} are listed, and answer from here`)];
  },
};
