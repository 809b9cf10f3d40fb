import {
  type ClientDuplexStream,
  credentials,
  makeClientConstructor,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import {
  type KeepAliveRequest,
  type KeepAliveResponse,
  type RegisterManyRequest,
  type RegisterManyResponse,
  RegisterRequest,
  type RegisterResponse,
  RegistryServiceDefinition,
} from '@weft/proto/registry';
import { instanceOf, type LeaseCaller, renewOver, TTL_SECONDS } from './lease-caller.ts';

/** Registrations in one call, where all are wanted soon. */
const MANY = 500;

type Unary<Request, Response> = (
  request: Request,
  done: (error: ServiceError | null, response: Response) => void,
) => void;

interface Stub {
  register: Unary<RegisterRequest, RegisterResponse>;
  registerMany: Unary<RegisterManyRequest, RegisterManyResponse>;
  keepAlive(): ClientDuplexStream<KeepAliveRequest, KeepAliveResponse>;
  close(): void;
}

/** The stub as grpc-js makes it, which is what etcd's client is on too. */
function connect(address: string): Stub {
  const { fullName, methods } = RegistryServiceDefinition;
  const definitions = Object.entries(methods).map(([key, method]) => [
    key,
    {
      path: `/${fullName}/${method.name}`,
      requestStream: method.requestStream,
      responseStream: method.responseStream,
      requestSerialize: (message: never) =>
        Buffer.from(method.requestType.encode(message).finish()),
      requestDeserialize: (bytes: Buffer) => method.requestType.decode(bytes),
      responseSerialize: (message: never) =>
        Buffer.from(method.responseType.encode(message).finish()),
      responseDeserialize: (bytes: Buffer) => method.responseType.decode(bytes),
    },
  ]);
  const definition: ServiceDefinition = Object.fromEntries(definitions);
  const Client = makeClientConstructor(definition, fullName);
  return new Client(address, credentials.createInsecure()) as unknown as Stub;
}

function asked(index: number): RegisterRequest {
  const instance = instanceOf('bench', index);
  return RegisterRequest.fromPartial({ instance, ttlSeconds: TTL_SECONDS, skipCallback: true });
}

function call<Request, Response>(
  method: (request: Request, done: (error: ServiceError | null, answer: Response) => void) => void,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    method(request, (error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
}

/** A registry, over gRPC as any program would. */
export function registryCaller(address: string): LeaseCaller {
  const stub = connect(address);
  const many = async (first: number, count: number): Promise<RegisterResponse[]> => {
    const registrations = Array.from({ length: count }, (_, index) => asked(first + index));
    const { results } = await call(stub.registerMany.bind(stub), { registrations });
    return results.map(({ registered, refused }) => {
      if (registered === undefined) throw new Error(`one of many was refused: ${refused?.message}`);
      return registered;
    });
  };
  return {
    async register(index) {
      await call(stub.register.bind(stub), asked(index));
    },
    async registerMany(first, count) {
      await many(first, count);
    },
    async leases(count) {
      const leaseIds: bigint[] = [];
      while (leaseIds.length < count) {
        const results = await many(leaseIds.length, Math.min(MANY, count - leaseIds.length));
        for (const { leaseId } of results) leaseIds.push(leaseId);
      }
      return leaseIds;
    },
    async renew(renewing) {
      const stream = stub.keepAlive();
      const answered = await renewOver(
        stream,
        renewing,
        (leaseIds) => stream.write({ leaseIds }),
        ({ leases }: KeepAliveResponse) => leases.map(({ ttlSeconds }) => ttlSeconds),
      );
      stream.end();
      return answered;
    },
    close: () => stub.close(),
  };
}
