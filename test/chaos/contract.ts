import { GetUserRequest, GetUserResponse } from '@weft/proto/user';

const messages = { requestType: GetUserRequest, responseType: GetUserResponse } as const;
const unary = { ...messages, requestStream: false, responseStream: false } as const;

/**
 * The service of the chaos test. Each request carries a `Script` as JSON in its id. The id of a response is
 * its number, from 0, and its name the id of the instance.
 */
export const ChaosServiceDefinition = {
  name: 'ChaosService',
  fullName: 'test.v1.ChaosService',
  methods: {
    /** May be sent more than once. */
    get: { ...unary, name: 'Get', options: { idempotencyLevel: 'NO_SIDE_EFFECTS' } },
    /** Must be sent once. */
    put: { ...unary, name: 'Put', options: {} },
    /** Streams responses. */
    list: { ...messages, name: 'List', requestStream: false, responseStream: true, options: {} },
  },
} as const;

/** What a handler does with one call. */
export interface Script {
  /** Id of the call, unique in a run of the test. */
  readonly call: string;
  /** How long the handler takes for a response, in ms. */
  readonly sleepMs: number;
  /** Number of responses; 1 for unary calls. */
  readonly responses: number;
  /** Status to fail with after the last response; 0 for none. */
  readonly code: number;
  /** Pushback that goes with it, in ms; undefined for none. */
  readonly pushbackMs?: number | undefined;
}

/** Message of every status that a handler fails with. */
export const AS_TOLD = 'as told: % ü';
