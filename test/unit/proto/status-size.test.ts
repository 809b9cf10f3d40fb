import { Client, credentials, type Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { alreadyExists, GrpcServer, invalidArgument, notFound, route } from '@weft/proto';
import { HealthDefinition } from '@weft/proto/health';
import { GetUserRequest, UserServiceDefinition } from '@weft/proto/user';
import { createChannel, createClient } from 'nice-grpc';
import { type Cleanup, failureOf } from '../../support/services.ts';

const odd = '\u20ac\0%\ud83d\ude00 ';
const violations = Array.from({ length: 1000 }, (_, index) => ({
  field: `field${index}${odd.repeat(200)}`,
  description: odd.repeat(2000),
}));
const facts = Object.fromEntries(violations.map(({ field, description }) => [field, description]));

/** What a status weighs in trailers, as encoded. */
function bytesOf(error: ServiceError): number {
  const values = Object.values((error.metadata as Metadata).toHttp2Headers()).flat();
  return encodeURI(error.details).length + values.join('').length;
}

describe('a status', () => {
  let cleanup: Cleanup;
  let answer: Error;
  let address: string;

  beforeEach(async () => {
    cleanup = new AsyncDisposableStack();
    const fail = async () => {
      throw answer;
    };
    const server = new GrpcServer({
      routes: [route(UserServiceDefinition, { createUser: fail, listUsers: fail, getUser: fail })],
    });
    address = `127.0.0.1:${await server.listen('127.0.0.1:0')}`;
    cleanup.defer(async () => void (await server.close(0)));
  });
  afterEach(() => cleanup.disposeAsync());

  /** The failure of a call through bare grpc-js, trailers and all. */
  async function failed(error: Error): Promise<ServiceError> {
    answer = error;
    const client = new Client(address, credentials.createInsecure());
    cleanup.defer(() => client.close());
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        '/user.v1.UserService/GetUser',
        (request: GetUserRequest) => Buffer.from(GetUserRequest.encode(request).finish()),
        (bytes) => bytes,
        GetUserRequest.create({ id: 'x' }),
        (failure) => (failure === null ? reject(new Error('it succeeded')) : resolve(failure)),
      );
    });
  }

  it.each([
    ['1000 violations', () => invalidArgument(...violations)],
    [
      'a huge message and facts',
      () => alreadyExists(odd.repeat(9000), { reason: 'R', metadata: facts }),
    ],
    ['a huge name', () => notFound('user', odd.repeat(9000))],
  ])('fits into 8 KB of trailers with %s', async (_, make) => {
    const error = await failed(make());
    expect(error.code).toBe(make().code);
    expect(bytesOf(error)).toBeLessThan(8192);
  });

  it('names the first ten violations and counts the others', () => {
    const error = invalidArgument(...violations);
    expect(error.details).toMatch(/^field0.*; and 990 more$/s);
    const [info, bad] = error.extra;
    expect(info).toMatchObject({ metadata: { omitted_violations: '990' } });
    expect(bad).toMatchObject({ fieldViolations: { length: 10 } });
    const [one] = violations.slice(0, 1);
    if (one === undefined) throw new Error('no violation');
    expect(invalidArgument({ ...one, field: 'a', description: 'b' }).details).toBe('a: b');
  });

  it('never ends the other streams of its connection', async () => {
    const channel = createChannel(address);
    cleanup.defer(() => channel.close());
    const stop = new AbortController();
    const health = createClient(HealthDefinition, channel);
    const watch = health.watch({}, { signal: stop.signal })[Symbol.asyncIterator]();
    await watch.next();
    const users = createClient(UserServiceDefinition, channel);
    answer = invalidArgument(...violations);
    expect((await failureOf(users.getUser({ id: 'x' }))).code).toBe('INVALID_ARGUMENT');
    const unknown = health.check({ service: 'x'.repeat(200_000) });
    expect((await failureOf(unknown)).code).toBe('NOT_FOUND');
    const next = watch.next().then(
      () => 'ended',
      (error: Error) => error.name,
    );
    stop.abort();
    expect(await next).toBe('AbortError');
  });
});
