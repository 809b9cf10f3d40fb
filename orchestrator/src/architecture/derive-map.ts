import type { CallModel, CallSource, ServiceModel } from './architecture.ts';
import { isDomainInterface } from './interface-names.ts';
import type { LiveFacts } from './live-facts.ts';

type Call = Omit<CallModel, 'sources'> & { readonly source: CallSource };

/**
 * The map M: S x I -> S: who is called for which interface, and how that is known. What a service
 * depends on it calls by all that the other offers, until its traffic tells better.
 */
export function deriveMap(
  services: readonly ServiceModel[],
  live: LiveFacts | undefined,
): CallModel[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const callsOf = (caller: string, provider: string, source: CallSource): Call[] => {
    const offers = byName.get(provider)?.offers ?? [];
    const interfaces = offers.length > 0 ? offers : [''];
    return interfaces.map((each) => ({ caller, interface: each, provider, source }));
  };
  const calls: Call[] = [
    ...services.flatMap(({ name, dependencies }) =>
      dependencies.flatMap((provider) => callsOf(name, provider, 'declared')),
    ),
    ...(live?.instances ?? []).flatMap(({ service, dependencies }) =>
      dependencies.flatMap((provider) => callsOf(service, provider, 'listed')),
    ),
    ...(live?.calls ?? [])
      .filter((call) => isDomainInterface(call.interface))
      .map((call) => ({ ...call, source: 'observed' as const })),
  ];
  const keyOf = (call: Call) => [call.caller, call.interface, call.provider].join(' ');
  return [...Map.groupBy(calls, keyOf).values()].flatMap(([first, ...rest]) => {
    if (first === undefined) return [];
    const sources = [...new Set([first, ...rest].map(({ source }) => source))];
    return { caller: first.caller, interface: first.interface, provider: first.provider, sources };
  });
}
