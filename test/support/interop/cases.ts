import { expect } from '@jest/globals';
import { type CallOptions, Metadata, Status } from 'nice-grpc';
import { collected } from '../stream-service.ts';
import type {
  InputRequest,
  InputResponse,
  OutputRequest,
  OutputResponse,
  Payload,
  SimpleRequest,
  SimpleResponse,
} from './contract.ts';

export type InteropCallOptions = CallOptions & { timeoutMs?: number };

/** What the cases call: a client of the mesh, or a stub of grpc-js behind the same methods. */
export interface InteropClient {
  emptyCall(request: object, options?: InteropCallOptions): Promise<object>;
  unaryCall(request: SimpleRequest, options?: InteropCallOptions): Promise<SimpleResponse>;
  unimplementedCall(request: object): Promise<object>;
  streamingInputCall(
    requests: AsyncIterable<InputRequest>,
    options?: InteropCallOptions,
  ): Promise<InputResponse>;
  streamingOutputCall(
    request: OutputRequest,
    options?: InteropCallOptions,
  ): AsyncIterable<OutputResponse>;
  fullDuplexCall(
    requests: AsyncIterable<OutputRequest>,
    options?: InteropCallOptions,
  ): AsyncIterable<OutputResponse>;
}

export interface InteropClients {
  readonly test: InteropClient;
  /** A client of the service that nobody offers. */
  readonly unimplemented: Pick<InteropClient, 'unimplementedCall'>;
}

const REQUEST_SIZES = [27_182, 8, 1828, 45_904];
const RESPONSE_SIZES = [31_415, 9, 2653, 58_979];
const WHITESPACE = '\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \u{1f608}\t\n';
const HEADER = 'x-grpc-test-echo-initial';
const TRAILER = 'x-grpc-test-echo-trailing-bin';

const payload = (size: number): Payload => ({ body: new Uint8Array(size) });
const sizeOf = (response: { payload?: Payload | undefined }) => response.payload?.body.length;

async function* each<T>(requests: readonly T[]): AsyncGenerator<T> {
  yield* requests;
}

/** Requests that are sent one by one, as the test says. */
function byHand<T>() {
  const waiting: T[] = [];
  let isOver = false;
  let wake = () => {};
  const changed = () => {
    wake();
  };
  async function* requests(): AsyncGenerator<T> {
    for (;;) {
      const next = waiting.shift();
      if (next !== undefined) yield next;
      else if (isOver) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  return {
    requests: requests(),
    send: (request: T) => {
      waiting.push(request);
      changed();
    },
    end: () => {
      isOver = true;
      changed();
    },
  };
}

async function failureOf(call: Promise<unknown>): Promise<{ code?: number; name: string }> {
  return call.then(
    () => {
      throw new Error('the call succeeded');
    },
    (error) => error,
  );
}

/** A call that its caller cancels ends with an AbortError of the mesh, or with CANCELLED. */
async function expectCancelled(call: Promise<unknown>): Promise<void> {
  const { name, code } = await failureOf(call);
  expect(name === 'AbortError' || code === Status.CANCELLED).toBe(true);
}

/**
 * The cases of gRPC's interoperability tests that a client can run without TLS:
 * https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md
 */
export const interopCases: Record<string, (clients: InteropClients) => Promise<void>> = {
  async empty_unary({ test }) {
    await test.emptyCall({});
  },

  async large_unary({ test }) {
    const response = await test.unaryCall({ responseSize: 314_159, payload: payload(271_828) });
    expect(sizeOf(response)).toBe(314_159);
  },

  async client_streaming({ test }) {
    const requests = REQUEST_SIZES.map((size) => ({ payload: payload(size) }));
    const response = await test.streamingInputCall(each(requests));
    expect(response.aggregatedPayloadSize).toBe(74_922);
  },

  async server_streaming({ test }) {
    const responseParameters = RESPONSE_SIZES.map((size) => ({ size }));
    const responses = await collected(test.streamingOutputCall({ responseParameters }));
    expect(responses.map(sizeOf)).toEqual(RESPONSE_SIZES);
  },

  async ping_pong({ test }) {
    const { requests, send, end } = byHand<OutputRequest>();
    const responses = test.fullDuplexCall(requests)[Symbol.asyncIterator]();
    for (const [index, size] of RESPONSE_SIZES.entries()) {
      send({ responseParameters: [{ size }], payload: payload(REQUEST_SIZES[index] ?? 0) });
      const { value } = await responses.next();
      expect(sizeOf(value)).toBe(size);
    }
    end();
    expect(await responses.next()).toMatchObject({ done: true });
  },

  async empty_stream({ test }) {
    expect(await collected(test.fullDuplexCall(each([])))).toEqual([]);
  },

  async timeout_on_sleeping_server({ test }) {
    const { requests, send, end } = byHand<OutputRequest>();
    send({ payload: payload(27_182) });
    const failure = failureOf(collected(test.fullDuplexCall(requests, { timeoutMs: 1 })));
    expect(await failure).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    end();
  },

  async cancel_after_begin({ test }) {
    const { requests, end } = byHand<InputRequest>();
    const caller = new AbortController();
    const call = test.streamingInputCall(requests, { signal: caller.signal });
    caller.abort();
    await expectCancelled(call);
    end();
  },

  async cancel_after_first_response({ test }) {
    const { requests, send, end } = byHand<OutputRequest>();
    const caller = new AbortController();
    const stream = test.fullDuplexCall(requests, { signal: caller.signal });
    const responses = stream[Symbol.asyncIterator]();
    send({ responseParameters: [{ size: 31_415 }], payload: payload(27_182) });
    expect(sizeOf((await responses.next()).value)).toBe(31_415);
    caller.abort();
    await expectCancelled(responses.next());
    end();
  },

  async status_code_and_message({ test }) {
    const responseStatus = { code: Status.UNKNOWN, message: 'test status message' };
    const expected = { code: Status.UNKNOWN, details: responseStatus.message };
    expect(await failureOf(test.unaryCall({ responseStatus }))).toMatchObject(expected);
    const stream = test.fullDuplexCall(each([{ responseStatus }]));
    expect(await failureOf(collected(stream))).toMatchObject(expected);
  },

  async special_status_message({ test }) {
    const responseStatus = { code: Status.UNKNOWN, message: WHITESPACE };
    const expected = { code: Status.UNKNOWN, details: WHITESPACE };
    expect(await failureOf(test.unaryCall({ responseStatus }))).toMatchObject(expected);
  },

  async custom_metadata({ test }) {
    const trailing = new Uint8Array([0xab, 0xab, 0xab]);
    const metadata = Metadata({ [HEADER]: 'test_initial_metadata_value', [TRAILER]: trailing });
    const received: Metadata[] = [];
    const keep = (each: Metadata) => void received.push(each);
    const options = { metadata, onHeader: keep, onTrailer: keep };
    const body = { payload: payload(1) };
    await test.unaryCall({ responseSize: 1, ...body }, options);
    const request = { responseParameters: [{ size: 1 }], ...body };
    expect(await collected(test.fullDuplexCall(each([request]), options))).toHaveLength(1);
    expect(received).toHaveLength(4);
    for (const [index, each] of received.entries()) {
      const isHeader = index % 2 === 0;
      const value = each.get(isHeader ? HEADER : TRAILER);
      if (isHeader) expect(value).toBe('test_initial_metadata_value');
      else expect(new Uint8Array(value as unknown as Uint8Array)).toEqual(trailing);
    }
  },

  async unimplemented_method({ test }) {
    const failure = await failureOf(test.unimplementedCall({}));
    expect(failure).toMatchObject({ code: Status.UNIMPLEMENTED });
  },

  async unimplemented_service({ unimplemented }) {
    const failure = await failureOf(unimplemented.unimplementedCall({}));
    expect(failure).toMatchObject({ code: Status.UNIMPLEMENTED });
  },
};
