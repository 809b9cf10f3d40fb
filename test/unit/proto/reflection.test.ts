import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GrpcServer } from '@weft/proto';
import { createChannel, createClient } from 'nice-grpc';
import {
  ServerReflectionDefinition,
  type ServerReflectionRequest,
} from '../../../proto/gen/grpc/reflection/v1/reflection.ts';
import { ServerReflectionDefinition as AlphaDefinition } from '../../../proto/gen/grpc/reflection/v1alpha/reflection.ts';

/** proto2: message acme.Thing, open for fields from 100 on, and the extension acme.colour = 100. */
const extended = create(FileDescriptorSetSchema, {
  file: [
    {
      name: 'acme/thing.proto',
      package: 'acme',
      syntax: 'proto2',
      messageType: [{ name: 'Thing', extensionRange: [{ start: 100, end: 200 }] }],
    },
    {
      name: 'acme/colour.proto',
      package: 'acme',
      syntax: 'proto2',
      dependency: ['acme/thing.proto'],
      extension: [
        {
          name: 'colour',
          number: 100,
          label: FieldDescriptorProto_Label.OPTIONAL,
          type: FieldDescriptorProto_Type.STRING,
          extendee: '.acme.Thing',
        },
      ],
    },
  ],
});

/** The user's own user/v1/user.proto: another file than the one of Weft's user-service. */
const namesake = create(FileDescriptorSetSchema, {
  file: [
    {
      name: 'user/v1/user.proto',
      package: 'shop.user.v1',
      syntax: 'proto3',
      dependency: ['google/protobuf/timestamp.proto', 'acme/thing.proto'],
      messageType: [{ name: 'Customer' }],
      service: [{ name: 'CustomerService' }],
    },
  ],
});

type Question = Partial<ServerReflectionRequest>;

describe.each([
  ['grpc.reflection.v1', ServerReflectionDefinition],
  ['grpc.reflection.v1alpha', AlphaDefinition as unknown as typeof ServerReflectionDefinition],
])('%s', (_, definition) => {
  const descriptorSets = [extended, namesake].map((set) => toBinary(FileDescriptorSetSchema, set));
  const server = new GrpcServer({ routes: [], descriptorSets });
  let channel: ReturnType<typeof createChannel>;

  beforeAll(async () => {
    channel = createChannel(`127.0.0.1:${await server.listen('127.0.0.1:0')}`);
  });
  afterAll(async () => {
    channel.close();
    await server.close(0);
  });

  /** The answers to questions asked on one stream. */
  async function ask(...questions: Question[]) {
    const requests = async function* () {
      yield* questions;
    };
    const answers = [];
    const client = createClient(definition, channel);
    for await (const answer of client.serverReflectionInfo(requests())) {
      const files = answer.fileDescriptorResponse?.fileDescriptorProto ?? [];
      const names = files.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
      answers.push({ ...answer, names });
    }
    return answers;
  }

  it('is what it says it is', async () => {
    expect(definition.fullName).toMatch(/^grpc\.reflection\.v1(alpha)?\.ServerReflection$/);
    const [answer] = await ask({ host: 'here', listServices: '' });
    expect(answer?.validHost).toBe('here');
    expect(answer?.originalRequest).toMatchObject({ host: 'here', listServices: '' });
    expect(answer?.listServicesResponse?.service.map(({ name }) => name)).toEqual([
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
    ]);
  });

  it('answers a file by its name with what it imports, once per stream', async () => {
    const fileByFilename = 'acme/colour.proto';
    const [first, again] = await ask({ fileByFilename }, { fileByFilename });
    expect(first?.names).toEqual(['acme/colour.proto', 'acme/thing.proto']);
    expect(again?.names).toEqual(['acme/colour.proto']);
  });

  it('answers extensions: the file of one, and the numbers of a type', async () => {
    const [file, numbers, none] = await ask(
      { fileContainingExtension: { containingType: 'acme.Thing', extensionNumber: 100 } },
      { allExtensionNumbersOfType: 'acme.Thing' },
      { allExtensionNumbersOfType: 'grpc.health.v1.HealthCheckRequest' },
    );
    expect(file?.names).toEqual(['acme/colour.proto', 'acme/thing.proto']);
    expect(numbers?.allExtensionNumbersResponse).toEqual({
      baseTypeName: 'acme.Thing',
      extensionNumber: [100],
    });
    expect(none?.allExtensionNumbersResponse?.extensionNumber).toEqual([]);
  });

  it('answers the file of a service, a method, and an extension by its name', async () => {
    const [service, method, extension] = await ask(
      { fileContainingSymbol: 'user.v1.UserService' },
      { fileContainingSymbol: 'user.v1.UserService.GetUser' },
      { fileContainingSymbol: 'acme.colour' },
    );
    expect(service?.names[0]).toBe('user/v1/user.proto');
    expect(method?.names[0]).toBe('user/v1/user.proto');
    expect(extension?.names[0]).toBe('acme/colour.proto');
  });

  it('describes a file of the user that has the name of a file of Weft', async () => {
    const [own, service, weft, order] = await ask(
      { fileByFilename: 'user/v1/user.proto' },
      { fileContainingSymbol: 'shop.user.v1.CustomerService' },
      { fileContainingSymbol: 'user.v1.UserService' },
      { fileContainingSymbol: 'order.v1.OrderService' },
    );
    const packages = [own, service, weft].map((answer) => {
      const [bytes] = answer?.fileDescriptorResponse?.fileDescriptorProto ?? [];
      return bytes && fromBinary(FileDescriptorProtoSchema, bytes).package;
    });
    expect(packages).toEqual(['shop.user.v1', 'shop.user.v1', 'user.v1']);
    expect(own?.names).toContain('acme/thing.proto');
    expect(order?.names[0]).toBe('order/v1/order.proto');
  });

  it('answers NOT_FOUND in-band for what is not known, and goes on', async () => {
    const answers = await ask(
      { fileByFilename: 'nowhere.proto' },
      { fileContainingSymbol: 'no.such.Thing' },
      { fileContainingExtension: { containingType: 'acme.Thing', extensionNumber: 101 } },
      { fileContainingExtension: { containingType: 'no.Thing', extensionNumber: 1 } },
      { allExtensionNumbersOfType: 'no.Thing' },
      {},
    );
    const codes = answers.map(({ errorResponse }) => errorResponse?.errorCode);
    expect(codes).toEqual([5, 5, 5, 5, 5, 3]);
  });
});

it('refuses a descriptor set that lacks an import, and names the set and the file', () => {
  const descriptorSets = [extended, namesake].map((set) => toBinary(FileDescriptorSetSchema, set));
  const serve = (sets: Uint8Array[]) => () => new GrpcServer({ routes: [], descriptorSets: sets });
  expect(serve(descriptorSets.slice(1))).toThrow(
    /^descriptor set 0: .*acme\/thing\.proto.*; compile it with all its imports/,
  );
  expect(serve([...descriptorSets, new Uint8Array([255])])).toThrow(
    /^descriptor set 2 is not a google\.protobuf\.FileDescriptorSet: /,
  );
});
