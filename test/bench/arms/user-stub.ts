import {
  type CallOptions,
  type Channel,
  type Client,
  type ClientUnaryCall,
  credentials,
  type Metadata,
  makeClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import {
  CreateUserRequest,
  CreateUserResponse,
  GetUserRequest,
  GetUserResponse,
} from '@weft/proto/user';

type Method<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: CallOptions,
  done: (error: ServiceError | null, response?: Response) => void,
) => ClientUnaryCall;

/** A stub as grpc-js makes it. */
export interface UserStub extends Client {
  getUser: Method<GetUserRequest, GetUserResponse>;
  createUser: Method<CreateUserRequest, CreateUserResponse>;
}

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

function method<Request, Response>(name: string, input: Codec<Request>, output: Codec<Response>) {
  return {
    path: `/user.v1.UserService/${name}`,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (message: Request) => Buffer.from(input.encode(message).finish()),
    requestDeserialize: (bytes: Buffer) => input.decode(bytes),
    responseSerialize: (message: Response) => Buffer.from(output.encode(message).finish()),
    responseDeserialize: (bytes: Buffer) => output.decode(bytes),
  };
}

const Stub = makeClientConstructor(
  {
    getUser: method('GetUser', GetUserRequest, GetUserResponse),
    createUser: method('CreateUser', CreateUserRequest, CreateUserResponse),
  },
  'UserService',
);

/** A stub over a channel made elsewhere. */
export function userStub(channel: Channel): UserStub {
  const options = { channelOverride: channel };
  return new Stub('', credentials.createInsecure(), options) as unknown as UserStub;
}
