import type { SizeLimits } from '@weft/proto';
import { CallRecord, type CallTraits } from '../balancer/call-record.ts';
import type { MethodPlan } from './method-plan.ts';

/** A call under way, with the plan of its method. */
export class PlannedCall extends CallRecord {
  readonly plan: MethodPlan;
  /** When it began, on the monotonic clock in ms. */
  readonly startedAt: number;
  /** How large its messages and metadata may be. */
  readonly sizeLimits: SizeLimits;

  constructor(
    plan: MethodPlan,
    startedAt: number,
    traits: CallTraits,
    sizeLimits: SizeLimits = plan.sizeLimits,
  ) {
    super(traits);
    this.plan = plan;
    this.startedAt = startedAt;
    this.sizeLimits = sizeLimits;
  }
}
