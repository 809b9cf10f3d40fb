import { type Channel, Client, Metadata } from '@grpc/grpc-js';
import { GetUserRequest, GetUserResponse } from '@weft/proto/user';

/** A unary call by a grpc-js stub on `channel`, of any method that takes and answers what GetUser does. */
export function stubCall(
  channel: Channel,
  path: string,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
  id = 'x',
): Promise<GetUserResponse> {
  const metadata = new Metadata();
  for (const [name, values] of Object.entries(headers)) {
    for (const value of [values].flat()) metadata.add(name, value);
  }
  const stub = new Client('', null as never, { channelOverride: channel });
  const { promise, resolve, reject } = Promise.withResolvers<GetUserResponse>();
  stub.makeUnaryRequest(
    path,
    (request: GetUserRequest) => Buffer.from(GetUserRequest.encode(request).finish()),
    (bytes: Buffer) => GetUserResponse.decode(bytes),
    { id },
    metadata,
    (error, response) => (response === undefined ? reject(error) : resolve(response)),
  );
  return promise;
}
