import { GetUserRequest, GetUserResponse } from '@weft/proto/user';

function method<Name extends string, RequestStream extends boolean, ResponseStream extends boolean>(
  name: Name,
  requestStream: RequestStream,
  responseStream: ResponseStream,
) {
  return {
    name,
    requestType: GetUserRequest,
    requestStream,
    responseType: GetUserResponse,
    responseStream,
    options: {},
  } as const;
}

/** A contract with a method of each kind. */
export const StreamServiceDefinition = {
  name: 'StreamService',
  fullName: 'test.v1.StreamService',
  methods: {
    unary: method('Unary', false, false),
    serverStream: method('ServerStream', false, true),
    clientStream: method('ClientStream', true, false),
    bidi: method('Bidi', true, true),
  },
} as const;

/** A response that says `text`. */
export function saying(text: string) {
  return { user: { id: '', name: text, email: '', createTime: undefined } };
}

/** All that a stream yields, once it has ended. */
export async function collected<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of stream) all.push(each);
  return all;
}
