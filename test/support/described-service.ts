import { create, createFileRegistry, toBinary } from '@bufbuild/protobuf';
import {
  AnySchema,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_timestamp,
  FieldDescriptorProto_Label as Label,
  TimestampSchema,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';
import type { Route } from '@weft/proto';

const field = (
  name: string,
  number: number,
  type: Type,
  typeName = '',
  label = Label.OPTIONAL,
) => ({
  name,
  jsonName: name,
  number,
  type,
  typeName,
  label,
});

/** acme/thing.proto: message acme.Thing, and acme.Things with the unary method Get that returns one. */
const set = create(FileDescriptorSetSchema, {
  file: [
    file_google_protobuf_any.proto,
    file_google_protobuf_timestamp.proto,
    {
      name: 'acme/thing.proto',
      package: 'acme',
      syntax: 'proto3',
      dependency: ['google/protobuf/any.proto', 'google/protobuf/timestamp.proto'],
      messageType: [
        {
          name: 'Thing',
          field: [
            field('name', 1, Type.STRING),
            field('units', 2, Type.INT64),
            field('extra', 3, Type.MESSAGE, `.${AnySchema.typeName}`, Label.REPEATED),
            field('time', 4, Type.MESSAGE, `.${TimestampSchema.typeName}`),
            field('part', 5, Type.MESSAGE, '.acme.Thing'),
            field('ratio', 6, Type.DOUBLE),
          ],
        },
      ],
      service: [
        {
          name: 'Things',
          method: [{ name: 'Get', inputType: '.acme.Thing', outputType: '.acme.Thing' }],
        },
      ],
    },
  ],
});

/** The contract of `thingsRoute`, compiled. */
export const thingsDescriptors = toBinary(FileDescriptorSetSchema, set);

/** The message acme.Thing. */
export const ThingSchema = (() => {
  const schema = createFileRegistry(set).getMessage('acme.Thing');
  if (schema === undefined) throw new Error('acme.Thing is not in its own file');
  return schema;
})();

/** A message as its bytes. */
const bytes = {
  encode: (message: Uint8Array) => ({ finish: () => message }),
  decode: (message: Uint8Array) => message,
};

/** Offers acme.Things: `get` takes and returns a Thing in bytes. */
export function thingsRoute(get: (request: Uint8Array) => Uint8Array): Route {
  return {
    definition: {
      name: 'Things',
      fullName: 'acme.Things',
      methods: {
        get: {
          name: 'Get',
          requestType: bytes,
          requestStream: false,
          responseType: bytes,
          responseStream: false,
          options: {},
        },
      },
    },
    implementation: { get: async (request: Uint8Array) => get(request) },
  };
}
