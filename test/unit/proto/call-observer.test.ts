import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { callObserver, GrpcServer, passedOn, refused, route } from '@weft/proto';
import { UserServiceDefinition } from '@weft/proto/user';
import { createChannel, createClient, ServerError, Status } from 'nice-grpc';
import { eventually } from '../../support/eventually.ts';

describe('an observer of calls', () => {
  const told: string[] = [];
  let nowMs = 0;
  let isFull = false;
  const full = { code: Status.RESOURCE_EXHAUSTED, details: 'full', metadata: null };
  const server = new GrpcServer({
    routes: [
      route(UserServiceDefinition, {
        async getUser({ id }, { signal }) {
          nowMs += 50;
          if (id === 'missing') throw new ServerError(Status.NOT_FOUND, 'no such user');
          if (id === 'slow') {
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
          }
          return {};
        },
        createUser: async () => ({}),
        listUsers: async () => ({}),
      }),
    ],
    interceptors: [
      callObserver(
        {
          started: ({ service, method, type }) => told.push(`start ${type} ${service} ${method}`),
          ended: ({ method }, code, ms) => told.push(`end ${method} ${Status[code]} ${ms}`),
        },
        () => nowMs,
      ),
      // Refuses what it is told to, above the observer.
      (_method, call) => (isFull ? refused(call, full) : passedOn(call)),
    ],
  });
  let address: string;
  let channel: ReturnType<typeof createChannel>;
  const users = () => createClient(UserServiceDefinition, channel);
  const start = 'start unary user.v1.UserService GetUser';

  beforeAll(async () => {
    address = `127.0.0.1:${await server.listen('127.0.0.1:0')}`;
    channel = createChannel(address);
  });
  afterAll(async () => {
    channel.close();
    await server.close(0);
  });
  beforeEach(() => {
    told.length = 0;
  });

  it('is told how each began and ended', async () => {
    await users().getUser({ id: 'a' });
    await expect(users().getUser({ id: 'missing' })).rejects.toThrow(/no such user/);
    expect(told).toEqual([start, 'end GetUser OK 50', start, 'end GetUser NOT_FOUND 50']);
  });

  it('is told of one that an interceptor refuses', async () => {
    isFull = true;
    await expect(users().getUser({ id: 'a' })).rejects.toThrow(/full/);
    isFull = false;
    expect(told).toEqual([start, 'end GetUser RESOURCE_EXHAUSTED 0']);
  });

  it('is told once of one that its caller cancels', async () => {
    const stopper = new AbortController();
    const call = users().getUser({ id: 'slow' }, { signal: stopper.signal });
    await eventually(() => expect(told).toEqual([start]));
    stopper.abort();
    await expect(call).rejects.toThrow();
    await eventually(() => expect(told).toEqual([start, 'end GetUser CANCELLED 50']));
  });

  it('is told of a deadline that passed', async () => {
    const client = new Client(address, credentials.createInsecure());
    const { name, requestType, responseType } = UserServiceDefinition.methods.getUser;
    const path = `/${UserServiceDefinition.fullName}/${name}`;
    const encode = (request: { id: string }) => Buffer.from(requestType.encode(request).finish());
    const options = { deadline: Date.now() + 500 };
    const failed = await new Promise<Error | null>((resolve) => {
      const request = [path, encode, responseType.decode, { id: 'slow' }] as const;
      client.makeUnaryRequest(...request, new Metadata(), options, resolve);
    });
    expect(failed?.message).toMatch(/DEADLINE_EXCEEDED/);
    // The caller hangs up at its deadline, which may come a little before the server's own.
    const late = expect.stringMatching(/^end GetUser (DEADLINE_EXCEEDED|CANCELLED)/);
    await eventually(() => expect(told).toEqual([start, late]));
    client.close();
  });
});
