import { type HttpHandler, hostProblem } from '@weft/proto';
import type { Catalog } from '../store/catalog.ts';
import type { StoredInstance } from '../store/stored-instance.ts';

/** The label under which an instance tells where its `/metrics` is, `host:port`. */
const METRICS_LABEL = 'metrics';

/** Whether something can be asked there; whoever registers can write anything into a label. */
function isTarget(address: string): boolean {
  const [, host = '', port] = /^(.+):(\d{1,5})$/.exec(address) ?? [];
  const bare = host.replace(/^\[(.*:.*)\]$/, '$1');
  const isBracketed = bare !== host;
  if (bare.includes(':') !== isBracketed || hostProblem(bare) !== undefined) return false;
  return Number(port) >= 1 && Number(port) <= 65_535;
}

function targetOf({ service, id, zone, metadata }: StoredInstance) {
  const address = metadata.get(METRICS_LABEL);
  if (address === undefined || !isTarget(address)) return [];
  const ofZone = zone === '' ? {} : { zone };
  return [{ targets: [address], labels: { service, instance: id, ...ofZone } }];
}

/**
 * Answers `GET /sd`, Prometheus's HTTP service discovery: each instance that tells where its metrics are,
 * with its service, id and zone. Answered 503 until the instances are known: Prometheus then goes on with
 * those it had.
 */
export function targetsPage(
  catalog: Pick<Catalog, 'isComplete' | 'services' | 'instances'>,
): HttpHandler {
  return (_request, response) => {
    if (!catalog.isComplete) {
      response.writeHead(503).end('the instances are not known yet\n');
      return;
    }
    const targets = catalog.services.flatMap((service) =>
      catalog.instances(service).flatMap(targetOf),
    );
    response.setHeader('content-type', 'application/json').end(JSON.stringify(targets));
  };
}
