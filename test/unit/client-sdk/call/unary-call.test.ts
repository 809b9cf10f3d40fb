import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, it, jest } from '@jest/globals';
import { isAbortError } from 'abort-controller-x';
import { type UnaryCallOptions, unaryCall } from '../../../../client-sdk/src/call/unary-call.ts';

type Listener = Parameters<ReturnType<typeof stub>['call']['start']>[1];

/** A channel whose one call the test answers. */
function stub() {
  let listener: Listener | undefined;
  const call = {
    start: jest.fn((_metadata: Metadata, given: Record<string, (argument: never) => void>) => {
      listener = given;
    }),
    startRead: jest.fn(),
    sendMessageWithContext: jest.fn(),
    halfClose: jest.fn(),
    cancelWithStatus: jest.fn(),
  };
  const createCall = jest.fn((..._how: unknown[]) => call);
  const tell = (what: string, argument: unknown) => listener?.[what]?.(argument as never);
  return { call, createCall, tell };
}

function begin(options: UnaryCallOptions = {}) {
  const channel = stub();
  const answer = unaryCall(channel as never, '/a.B/C', Buffer.from('request'), options).then(
    (response) => ({ response: response.toString() }),
    (failure: unknown) => ({ failure }),
  );
  return { ...channel, answer };
}

const ok = () => ({ code: status.OK, details: '', metadata: new Metadata() });

describe('unaryCall', () => {
  it('sends one message and answers with the one that comes, when the status is there', async () => {
    const deadline = Date.now() + 1000;
    const { call, createCall, tell, answer } = begin({ deadline });
    expect(createCall).toHaveBeenCalledWith('/a.B/C', deadline, null, null, null);
    expect(call.sendMessageWithContext).toHaveBeenCalledWith({}, Buffer.from('request'));
    expect(call.halfClose).toHaveBeenCalledTimes(1);
    expect(call.startRead).toHaveBeenCalledTimes(1);
    tell('onReceiveMessage', Buffer.from('response'));
    tell('onReceiveStatus', ok());
    expect(await answer).toEqual({ response: 'response' });
  });

  it('has no deadline unless given one', () => {
    const { createCall } = begin();
    expect(createCall.mock.calls[0]).toEqual([
      '/a.B/C',
      Number.POSITIVE_INFINITY,
      null,
      null,
      null,
    ]);
  });

  it('C12: returns an empty message, and fails UNIMPLEMENTED without any', async () => {
    const empty = begin();
    empty.tell('onReceiveMessage', Buffer.alloc(0));
    empty.tell('onReceiveStatus', ok());
    expect(await empty.answer).toEqual({ response: '' });
    const none = begin();
    none.tell('onReceiveStatus', ok());
    expect(await none.answer).toMatchObject({
      failure: { error: { code: status.UNIMPLEMENTED, details: 'No message received' } },
    });
  });

  it('fails with what it ended with, a response or not', async () => {
    const { tell, answer } = begin();
    const metadata = new Metadata();
    tell('onReceiveMessage', Buffer.from('response'));
    tell('onReceiveStatus', { code: status.UNAVAILABLE, details: 'gone', metadata });
    expect(await answer).toMatchObject({
      failure: { error: { path: '/a.B/C', code: status.UNAVAILABLE, details: 'gone' } },
    });
    const { failure } = (await answer) as { failure: { trailers: Metadata } };
    expect(failure.trailers).toBe(metadata);
  });

  it('makes no call of one that was cancelled before', async () => {
    const { createCall, answer } = begin({ signal: AbortSignal.abort() });
    expect(createCall).not.toHaveBeenCalled();
    const { failure } = (await answer) as { failure: unknown };
    expect(isAbortError(failure)).toBe(true);
  });

  it('cancels one that is under way, and is not disturbed by how that ends', async () => {
    const controller = new AbortController();
    const onTrailer = jest.fn();
    const { call, tell, answer } = begin({ signal: controller.signal, onTrailer });
    controller.abort();
    expect(call.cancelWithStatus).toHaveBeenCalledWith(status.CANCELLED, expect.any(String));
    const { failure } = (await answer) as { failure: unknown };
    expect(isAbortError(failure)).toBe(true);
    tell('onReceiveStatus', { ...ok(), code: status.CANCELLED });
    expect(onTrailer).toHaveBeenCalledTimes(1);
  });

  it('does not cancel one that has ended', async () => {
    const controller = new AbortController();
    const { call, tell, answer } = begin({ signal: controller.signal });
    tell('onReceiveMessage', Buffer.from('x'));
    tell('onReceiveStatus', ok());
    await answer;
    controller.abort();
    expect(call.cancelWithStatus).not.toHaveBeenCalled();
  });
});
