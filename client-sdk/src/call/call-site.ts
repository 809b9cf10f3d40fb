import type { Channel } from '@grpc/grpc-js';
import type { PolicyBook } from '../policy/policy-book.ts';
import type { ResolvedPolicy, SitePolicy } from '../policy/service-policy.ts';
import type { CallSettings } from './call-settings.ts';
import type { MethodPlan } from './method-plan.ts';

/** How one place in a program calls one service. */
export interface CallSite {
  /** The channel itself, and as grpc-js stubs and streams use it. */
  readonly channel: Channel;
  readonly stub: Channel;
  /** What each call is made with, if the site asks for anything of its own. */
  readonly settings: CallSettings | undefined;
  /** The plan of a method as of now. */
  planOf(path: string): MethodPlan;
}

/** Settings of a site with a policy of its own, which follow every change of the service's. */
export function siteSettings(book: PolicyBook, service: string, own: SitePolicy): CallSettings {
  let version = book.version;
  let policy: ResolvedPolicy = book.policyOf(service, own);
  return {
    get policy() {
      if (version !== book.version) {
        version = book.version;
        policy = book.policyOf(service, own);
      }
      return policy;
    },
  };
}
