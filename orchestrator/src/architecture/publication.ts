import { resolve } from 'node:path';
import { PUBLICATION_LIMITS } from '@weft/proto';
import { CallSource, type PublishArchitectureRequest, Verdict } from '@weft/proto/architecture';
import { ruleVerdicts } from '../output/rules-report.ts';
import type { Finding } from './rules/rule.ts';
import type { Verification } from './verify-architecture.ts';

const { text: MAX_TEXT, breachesOfRule: MAX_BREACHES, members: MOST } = PUBLICATION_LIMITS;

const SOURCES = {
  declared: CallSource.CALL_SOURCE_DECLARED,
  listed: CallSource.CALL_SOURCE_LISTED,
  observed: CallSource.CALL_SOURCE_OBSERVED,
} as const;

const VERDICTS = {
  holds: Verdict.VERDICT_HOLDS,
  broken: Verdict.VERDICT_BROKEN,
  unknown: Verdict.VERDICT_UNSPECIFIED,
} as const;

function short(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
}

/** The breaches of a rule; where there are too many to tell the last one says so. */
function breachesOf(found: readonly Finding[]) {
  const told = found.map(({ services, message }) => ({
    services: [...services],
    message: short(message),
  }));
  if (told.length <= MAX_BREACHES) return told;
  const more = told.length - MAX_BREACHES + 1;
  return [...told.slice(0, MAX_BREACHES - 1), { services: [], message: `and ${more} more` }];
}

/**
 * What a registry is told of the architecture of a mesh that is up.
 * @param file of weft.yaml
 */
export function publicationOf(
  { architecture, findings }: Verification,
  file: string,
): PublishArchitectureRequest {
  const { services, interfaces, stores, configuration, nodes, map } = architecture;
  return {
    source: short(`weft up of ${resolve(file)}`),
    architecture: {
      services: services
        .slice(0, MOST.services)
        .map(({ name, offers, dependencies, isDeclared }) => {
          return { name, offers: [...offers], dependencies: [...dependencies], isDeclared };
        }),
      interfaces: interfaces.slice(0, MOST.interfaces).map(({ name, methods, providers }) => {
        return { name, methods: [...methods], providers: [...providers] };
      }),
      stores: stores
        .slice(0, MOST.stores)
        .map(({ service, name }) => ({ service, name: short(name) })),
      configuration: configuration.slice(0, MOST.configuration).map(({ service, name, value }) => {
        return { service, name: short(name), value: short(value) };
      }),
      nodes: nodes.slice(0, MOST.nodes).map(({ service, instance, address, isLive }) => {
        return { service, instance, address, isLive };
      }),
      calls: map.slice(0, MOST.calls).map(({ caller, interface: name, provider, sources }) => {
        return { caller, interface: name, provider, sources: sources.map((how) => SOURCES[how]) };
      }),
    },
    rules: ruleVerdicts(findings, { isLive: true, isTried: false }).map(
      ({ rule, holds, verdict }) => ({
        id: rule,
        holds,
        verdict: VERDICTS[verdict],
        breaches: breachesOf(findings.filter((finding) => finding.rule === rule)),
      }),
    ),
  };
}
