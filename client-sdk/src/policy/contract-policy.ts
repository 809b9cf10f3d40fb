import type { TsProtoServiceDefinition } from 'nice-grpc';
import type { MethodPolicy, SitePolicy } from './service-policy.ts';

declare const reason: unique symbol;

/** No value has this type: it stands, with the reason, where nothing but `false` may. */
export interface NotIdempotent<Method extends string> {
  readonly [reason]: `${Method} is not marked idempotent in its contract (idempotency_level), so it may not be sent twice`;
}

type Methods<Definition extends TsProtoServiceDefinition> = Definition['methods'];

/** What a method may be sent twice by: `IDEMPOTENT` or `NO_SIDE_EFFECTS` as its `idempotency_level`. */
type SentOnce<Name extends string> = Omit<MethodPolicy, 'retry' | 'hedging'> & {
  retry?: false | NotIdempotent<Name>;
  hedging?: false | NotIdempotent<Name>;
};

type PolicyOf<Method extends Methods<TsProtoServiceDefinition>[string]> =
  Method['options'] extends {
    readonly idempotencyLevel: 'IDEMPOTENT' | 'NO_SIDE_EFFECTS';
  }
    ? MethodPolicy
    : SentOnce<Method['name']>;

/**
 * What a client of one contract may do otherwise than the policy of its service: `methods` has the contract's
 * methods, as the client calls them (`getUser`) or as the contract does (`GetUser`), and `retry` and
 * `hedging` only where the contract marks the method idempotent. The type of a contract that is not
 * known before run time allows every name; `checkContractPolicy` then tells.
 */
export type ContractPolicy<Definition extends TsProtoServiceDefinition> =
  string extends keyof Methods<Definition>
    ? SitePolicy
    : Omit<SitePolicy, 'methods'> & {
        methods?: {
          readonly [Key in keyof Methods<Definition> as
            | Key
            | Methods<Definition>[Key]['name']]?: PolicyOf<Methods<Definition>[Key]>;
        };
      };
