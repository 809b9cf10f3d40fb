import { gzipSync } from 'node:zlib';
import { afterEach, expect, it } from '@jest/globals';
import { Status } from 'nice-grpc';
import { framed, rawCall } from './raw-grpc.ts';
import { FRAME, http2Frame, PREFACE, sendUntilClosed } from './raw-http2.ts';

/** A unary method of a server, given for wrong bytes to be sent to. */
export interface WireTarget {
  /** `host:port`. */
  readonly address: string;
  /** `/package.Service/Method`. */
  readonly path: string;
  /** A message that it answers. */
  readonly request: Uint8Array;
  /** How often its handler has run. */
  calls(): number | Promise<number>;
  /** Resolves when a call is answered as it should be. */
  assertAlive(): Promise<void>;
}

const END_HEADERS = 4;
const GREETING = [PREFACE, http2Frame(FRAME.settings)];
/** More than a server may take of headers that do not end; what lies in buffers on the way counts too. */
const FLOOD_LIMIT_BYTES = 512 * 1024;

/** A header block that never ends, in frames of at most 16 KiB. */
function* endlessHeaders(frameBytes: number): Generator<Buffer> {
  yield* GREETING;
  // A literal field without indexing, as long as its frame: name length 1, value length in two octets.
  const field = (name: string) =>
    Buffer.concat([Buffer.from([0, 1]), Buffer.from(name), Buffer.from([1]), Buffer.from('y')]);
  const payload = Buffer.concat(Array.from({ length: frameBytes / 5 }, () => field('x')));
  yield http2Frame(FRAME.headers, { stream: 1, payload });
  for (let frames = 0; frames < 20_000; frames += 1) {
    yield http2Frame(FRAME.continuation, { stream: 1, payload });
  }
}

/** Tests of one describe: bytes that no client of ours would send. Each leaves the server as it was. */
export function itWithstandsWrongBytes(target: () => WireTarget): void {
  let before = 0;
  const call = (options: Parameters<typeof rawCall>[2]) => {
    const { address, path, request } = target();
    return rawCall(address, path, { body: framed(request), ...options });
  };
  const handled = async () => (await target().calls()) - before;

  afterEach(async () => {
    // Whatever came in, the next call is answered.
    await target().assertAlive();
    before = await target().calls();
  });

  it('answers a call made by hand', async () => {
    before = await target().calls();
    expect(await call({})).toEqual({ code: Status.OK, details: 'OK' });
    expect(await handled()).toBe(1);
  });

  it.each([
    ['a field cut short', Buffer.from([0x0a, 0x7f, 0x61])],
    ['a varint without end', Buffer.alloc(12, 0xff)],
  ])('B24: %s is an error that says so, and no handler runs', async (_what, bytes) => {
    const { code, details } = await call({ body: framed(bytes) });
    expect(code).toBe(Status.INTERNAL);
    expect(details).toBe('Error deserializing request');
    expect(await handled()).toBe(0);
  });

  it('B25: a message over 4 MiB is refused', async () => {
    const head = framed(Buffer.alloc(0));
    head.writeUInt32BE(4 * 1024 * 1024 + 1, 1);
    const { code, details } = await call({ body: Buffer.concat([head, Buffer.alloc(65_536)]) });
    expect(code).toBe(Status.RESOURCE_EXHAUSTED);
    expect(details).toMatch(/larger/);
    expect(await handled()).toBe(0);
  });

  it('B26: a small message that unpacks to 64 MiB is refused', async () => {
    const bomb = framed(gzipSync(Buffer.alloc(64 * 1024 * 1024)), { isCompressed: true });
    const { code, details } = await call({ body: bomb, headers: { 'grpc-encoding': 'gzip' } });
    expect(code).toBe(Status.RESOURCE_EXHAUSTED);
    expect(details).toMatch(/^a request message is larger than maxReceiveMessageBytes \(4194304\)/);
    expect(await handled()).toBe(0);
  });

  it('B26: what only claims to be packed is an error', async () => {
    const body = framed(Buffer.from('not gzip'), { isCompressed: true });
    const { code } = await call({ body, headers: { 'grpc-encoding': 'gzip' } });
    expect(code).toBe(Status.INTERNAL);
    expect(await handled()).toBe(0);
  });

  it.each([
    ['nothing at all', () => Buffer.alloc(0)],
    ['half a frame header', () => Buffer.from([0, 0])],
    ['two messages for one', () => Buffer.concat(Array(2).fill(framed(target().request)))],
  ])('B27: %s ends the call, and no handler runs', async (_what, body) => {
    const { code } = await call({ body: body() });
    expect(code).toBe(Status.UNIMPLEMENTED);
    expect(await handled()).toBe(0);
  });

  it.each([
    ['HTTP/1.1', [Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')]],
    ['noise', [Buffer.alloc(64, 0x5a)]],
    ['a call on an even stream', [...GREETING, http2Frame(FRAME.headers, { flags: 4, stream: 2 })]],
    ['data on no stream', [...GREETING, http2Frame(FRAME.data, { payload: Buffer.alloc(9) })]],
    [
      'a headers frame cut off by another',
      [
        ...GREETING,
        http2Frame(FRAME.headers, { stream: 1 }),
        http2Frame(FRAME.data, { stream: 1 }),
      ],
    ],
    [
      'a continuation of nothing',
      [...GREETING, http2Frame(FRAME.continuation, { flags: END_HEADERS, stream: 1 })],
    ],
  ])('B27: a connection that begins with %s is closed', async (_what, chunks) => {
    await sendUntilClosed(target().address, chunks);
    expect(await handled()).toBe(0);
  });

  it('B28: headers of 64 kB are refused', async () => {
    const { code } = await call({ headers: { 'x-large': 'x'.repeat(65_536) } });
    expect(code).toBeUndefined();
    expect(await handled()).toBe(0);
  });

  it.each([5, 4000, 16_380])(
    'B28: a flood of CONTINUATION frames of %d bytes has its connection closed',
    async (frameBytes) => {
      const sent = await sendUntilClosed(target().address, endlessHeaders(frameBytes));
      expect(sent).toBeLessThan(FLOOD_LIMIT_BYTES);
      expect(await handled()).toBe(0);
    },
  );

  it.each(['0m', '0n', '0S'])('B29: %s is past before any work', async (timeout) => {
    const { code } = await call({ headers: { 'grpc-timeout': timeout } });
    expect(code).toBe(Status.DEADLINE_EXCEEDED);
    expect(await handled()).toBe(0);
  });

  it.each(['99999999H', '2592000S', '1193H'])('B30: %s is as good as none', async (timeout) => {
    const { code } = await call({ headers: { 'grpc-timeout': timeout } });
    expect(code).toBe(Status.OK);
    expect(await handled()).toBe(1);
  });

  it('B31: an unknown method is UNIMPLEMENTED', async () => {
    const { address, path } = target();
    const { code, details } = await rawCall(address, path.replace(/\w+$/, 'Fly'), {});
    expect(code).toBe(Status.UNIMPLEMENTED);
    expect(details).toMatch(/Fly/);
  });

  it('B31: an unknown service is UNIMPLEMENTED', async () => {
    const { code } = await rawCall(target().address, '/no.v1.Such/Thing', {});
    expect(code).toBe(Status.UNIMPLEMENTED);
  });
}
