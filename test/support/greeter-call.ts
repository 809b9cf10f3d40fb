import { type Channel, Client } from '@grpc/grpc-js';

/** google.protobuf.StringValue: one field, number 1, here shorter than 128 bytes. */
function encode(value: string): Buffer {
  const text = Buffer.from(value);
  return Buffer.concat([Buffer.from([0x0a, text.length]), text]);
}

const decode = (bytes: Buffer) => bytes.subarray(2).toString('utf8');

/** Calls greeter.v1.GreeterService/Greet, which the servers in orchestrator/README.md offer, once. */
export function greet(channel: Channel, name: string): Promise<string> {
  const stub = new Client('', null as never, { channelOverride: channel });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const deadline = Date.now() + 5000;
  const path = '/greeter.v1.GreeterService/Greet';
  stub.makeUnaryRequest(path, encode, decode, name, { deadline }, (error, response) =>
    response === undefined ? reject(error) : resolve(response),
  );
  return promise;
}
