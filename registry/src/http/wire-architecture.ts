import { CallSource, Verdict } from '@weft/proto/architecture';
import type { Publication } from '../architecture/architecture-book.ts';
import type { ArchitectureMessage, CallSourceName, WireRule } from '../page/wire.ts';

const SOURCES: Readonly<Record<number, CallSourceName>> = {
  [CallSource.CALL_SOURCE_DECLARED]: 'declared',
  [CallSource.CALL_SOURCE_LISTED]: 'listed',
  [CallSource.CALL_SOURCE_OBSERVED]: 'observed',
};

const VERDICTS: Readonly<Record<number, WireRule['verdict']>> = {
  [Verdict.VERDICT_HOLDS]: 'holds',
  [Verdict.VERDICT_BROKEN]: 'broken',
};

/** An architecture as the page is told of it. */
export function wireArchitecture({
  source,
  time,
  architecture,
  rules,
}: Publication): ArchitectureMessage {
  const { services = [], interfaces = [], stores = [] } = architecture ?? {};
  const { configuration = [], nodes = [], calls = [] } = architecture ?? {};
  return {
    kind: 'architecture',
    architecture: {
      source,
      time: time.getTime(),
      services,
      interfaces,
      stores,
      configuration,
      nodes,
      calls: calls.map((call) => ({
        ...call,
        sources: call.sources.flatMap((each) => SOURCES[each] ?? []),
      })),
      rules: rules.map((rule) => ({ ...rule, verdict: VERDICTS[rule.verdict] ?? 'unknown' })),
    },
  };
}
