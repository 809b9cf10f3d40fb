import type { Finding } from '../architecture/rules/rule.ts';

/** What a trial tries; each is a rule too. */
export const TRIAL_RULES = {
  'autonomous-start': 'each service starts while its dependencies are down',
  'autonomous-health': 'each service stays healthy while a dependency is down',
  'autonomous-calls': 'while a dependency is down only what needs it fails, UNAVAILABLE',
} as const;

export type TrialRule = keyof typeof TRIAL_RULES;

/** One thing that was tried. */
export interface TrialStep {
  readonly rule: TrialRule;
  readonly service: string;
  /** Services that were down meanwhile. */
  readonly down: readonly string[];
  readonly isHeld: boolean;
  /** What happened, a sentence. */
  readonly message: string;
}

/** What a trial has found. */
export function trialFindings(steps: readonly TrialStep[]): Finding[] {
  return steps
    .filter(({ isHeld }) => !isHeld)
    .map(({ rule, service, down, message }) => ({ rule, services: [service, ...down], message }));
}
