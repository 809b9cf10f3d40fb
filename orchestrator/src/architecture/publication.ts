import { resolve } from 'node:path';
import { CallSource, type PublishArchitectureRequest, Verdict } from '@weft/proto/architecture';
import { ruleVerdicts } from '../output/rules-report.ts';
import type { Verification } from './verify-architecture.ts';

/** What the registry takes of a text. */
const MAX_TEXT = 1000;

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
      services: services.map(({ name, offers, dependencies, isDeclared }) => {
        return { name, offers: [...offers], dependencies: [...dependencies], isDeclared };
      }),
      interfaces: interfaces.map(({ name, methods, providers }) => {
        return { name, methods: [...methods], providers: [...providers] };
      }),
      stores: stores.map(({ service, name }) => ({ service, name: short(name) })),
      configuration: configuration.map(({ service, name, value }) => {
        return { service, name: short(name), value: short(value) };
      }),
      nodes: nodes.map(({ service, instance, address, isLive }) => {
        return { service, instance, address, isLive };
      }),
      calls: map.map(({ caller, interface: name, provider, sources }) => {
        return { caller, interface: name, provider, sources: sources.map((how) => SOURCES[how]) };
      }),
    },
    rules: ruleVerdicts(findings, { isLive: true, isTried: false }).map(
      ({ rule, holds, verdict }) => ({
        id: rule,
        holds,
        verdict: VERDICTS[verdict],
        breaches: findings
          .filter((finding) => finding.rule === rule)
          .map((breach) => ({ services: [...breach.services], message: short(breach.message) })),
      }),
    ),
  };
}
