import { setImmediate } from 'node:timers/promises';
import {
  answersInOrder,
  FieldChecks,
  isStatusError,
  resourceExhausted,
  statusMessage,
} from '@weft/proto';
import {
  type RegisterManyRequest,
  RegisterRequest,
  type RegisterResponse,
  RegisterResult,
} from '@weft/proto/registry';
import { ANSWER_BYTES } from './message-size.ts';

const MAX_REGISTRATIONS = 1000;
/** Of one request, under way at once: others who register get their turn meanwhile. */
const AT_ONCE = 64;
/** How long a request is worked on before others get their turn: refusals wait for nothing else. */
const TURN_MS = 10;
/** What an answer has besides what was asked, for each: ids, leases, revisions, times. */
const EXTRA_BYTES = 256;

/**
 * Answers each of many registrations as `register` does, or with the status it fails with.
 * @throws INVALID_ARGUMENT for none or too many, RESOURCE_EXHAUSTED for more than can be answered in
 * one message; nothing is registered then
 */
export async function registerEach(
  { registrations }: RegisterManyRequest,
  register: (request: RegisterRequest) => Promise<RegisterResponse>,
): Promise<RegisterResult[]> {
  const checks = new FieldChecks();
  const { length } = registrations;
  const rule = `must be 1 to ${MAX_REGISTRATIONS} registrations`;
  checks.check(length >= 1 && length <= MAX_REGISTRATIONS, 'registrations', rule);
  checks.throwIfAny();
  const bytes = sum(registrations.map((each) => RegisterRequest.encode(each).finish().length));
  if (bytes + length * EXTRA_BYTES > ANSWER_BYTES) {
    throw resourceExhausted(
      `${length} registrations of ${bytes} bytes cannot be answered at once; send fewer`,
      { reason: 'TOO_LARGE', metadata: { max_bytes: `${ANSWER_BYTES}` } },
    );
  }
  const one = async (request: RegisterRequest): Promise<RegisterResult> => {
    try {
      return { registered: await register(request) };
    } catch (error) {
      if (isStatusError(error)) return { refused: statusMessage(error) };
      throw error;
    }
  };
  const results: RegisterResult[] = [];
  for await (const result of answersInOrder(inTurns(registrations), one, AT_ONCE))
    results.push(result);
  return fitting(results);
}

async function* inTurns<T>(items: readonly T[]): AsyncGenerator<T, void, undefined> {
  let since = performance.now();
  for (const item of items) {
    if (performance.now() - since > TURN_MS) {
      await setImmediate();
      since = performance.now();
    }
    yield item;
  }
}

/** Results that fit into a message: where refusals take too much room, they lose their details. */
function fitting(results: RegisterResult[]): RegisterResult[] {
  if (results.every(({ refused }) => refused === undefined)) return results;
  const bytes = sum(results.map((result) => RegisterResult.encode(result).finish().length + 8));
  if (bytes <= ANSWER_BYTES) return results;
  return results.map((result) => {
    const { refused } = result;
    if (refused === undefined) return result;
    return {
      refused: {
        code: refused.code,
        message: 'too many refusals to say why; send fewer',
        details: [],
      },
    };
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
