import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type Message,
  type Registry,
  toJson,
} from '@bufbuild/protobuf';
import { type ReflectList, type ReflectMap, reflect } from '@bufbuild/protobuf/reflect';
import {
  type Any,
  AnySchema,
  anyUnpack,
  FeatureSet_FieldPresence as FieldPresence,
} from '@bufbuild/protobuf/wkt';

/**
 * A message in protobuf's JSON form, also if a part of the message has no such form.
 *
 * Such a part is printed by its fields: an Any of an unknown type as `@type` and its value in base64, a
 * timestamp out of range as `seconds` and `nanos`. Everything around the part keeps its form.
 *
 * @param registry the types that an Any in the message may hold
 */
export function responseJson(desc: DescMessage, message: Message, registry: Registry): JsonValue {
  try {
    return toJson(desc, message, { registry, alwaysEmitImplicit: true });
  } catch {
    if (desc.typeName === AnySchema.typeName) return anyJson(message as Any, registry);
    return fieldsJson(desc, message, registry);
  }
}

function anyJson(any: Any, registry: Registry): JsonObject {
  const held = unpacked(any, registry);
  const desc = held && registry.getMessage(held.$typeName);
  const value =
    held === undefined || desc === undefined
      ? scalarJson(any.value)
      : responseJson(desc, held, registry);
  const isFields = typeof value === 'object' && value !== null && !Array.isArray(value);
  return { '@type': any.typeUrl, ...(isFields ? value : { value }) };
}

/** The message in an Any; undefined if its type is unknown, or if its bytes are not such a message. */
function unpacked(any: Any, registry: Registry): Message | undefined {
  try {
    return anyUnpack(any, registry);
  } catch {
    return undefined;
  }
}

function fieldsJson(desc: DescMessage, message: Message, registry: Registry): JsonObject {
  const fields = reflect(desc, message);
  const printed = desc.fields.filter((field) => {
    const isAlways = field.presence === FieldPresence.IMPLICIT && field.oneof === undefined;
    return isAlways || fields.isSet(field);
  });
  return Object.fromEntries(
    printed.map((field) => [field.jsonName, fieldJson(field, fields.get(field), registry)]),
  );
}

function fieldJson(field: DescField, value: unknown, registry: Registry): JsonValue {
  const one = (item: unknown): JsonValue => {
    if (field.message !== undefined) {
      const { message } = item as { message: Message };
      return responseJson(field.message, message, registry);
    }
    return field.enum === undefined ? scalarJson(item) : enumJson(field.enum, item as number);
  };
  if (field.fieldKind === 'list') return [...(value as ReflectList)].map(one);
  if (field.fieldKind !== 'map') return one(value);
  const entries = [...(value as ReflectMap)];
  return Object.fromEntries(entries.map(([key, item]) => [String(key), one(item)]));
}

function enumJson(desc: DescEnum, value: number): JsonValue {
  return desc.value[value]?.name ?? value;
}

function scalarJson(value: unknown): JsonValue {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  const isPlain = typeof value === 'boolean' || Number.isFinite(value);
  return isPlain ? (value as boolean | number) : String(value);
}
