import { join } from 'node:path';
import {
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { TimestampSchema, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { reflectedContracts } from '@weft/proto';
import fc from 'fast-check';
import { fromTimestamp, toTimestamp } from '../../../proto/src/wire.ts';
import { root } from '../../../scripts/tools/program.ts';

interface Codec {
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
  fromPartial(message: object): object;
}

/** Every message of Weft's contracts, with the code that is generated for it. */
async function generated(): Promise<[DescMessage, Codec][]> {
  const messages = [...reflectedContracts([])].flatMap((type) =>
    type.kind === 'message' && !/^google\.protobuf\.(Any|Timestamp)$/.test(type.typeName)
      ? [type]
      : [],
  );
  return Promise.all(
    messages.map(async (desc) => {
      const module = await import(join(root, 'proto', 'gen', `${desc.file.name}.ts`));
      const name = desc.typeName.slice(desc.file.proto.package.length + 1).replaceAll('.', '_');
      return [desc, module[name]] as [DescMessage, Codec];
    }),
  );
}

const tagged = (field: number, bytes: Uint8Array) =>
  new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(bytes).finish();

/** Messages with one field each, of which a string is cut off in the middle of a character. */
function withoutUtf8(field: DescField): Uint8Array[] {
  const cut = new Uint8Array([0xc3]);
  if (field.fieldKind !== 'map') {
    return field.scalar === ScalarType.STRING ? [tagged(field.number, cut)] : [];
  }
  const key = field.mapKey === ScalarType.STRING ? [tagged(1, cut)] : [];
  const value = field.scalar === ScalarType.STRING ? [tagged(2, cut)] : [];
  return [...key, ...value].map((entry) => tagged(field.number, entry));
}

describe('generated code', () => {
  it('refuses a string with invalid UTF-8 in every field of every message', async () => {
    const accepted: string[] = [];
    let tried = 0;
    for (const [desc, codec] of await generated()) {
      for (const field of desc.fields) {
        for (const bytes of withoutUtf8(field)) {
          tried += 1;
          try {
            codec.decode(bytes);
            accepted.push(String(field));
          } catch (error) {
            expect(String(error)).toBe('Error: a string field has invalid UTF-8');
          }
        }
      }
    }
    expect(accepted).toEqual([]);
    expect(tried).toBeGreaterThan(150);
  });

  it('reads text as it was written, also what looks like a byte-order mark', async () => {
    for (const [desc, codec] of await generated()) {
      for (const field of desc.fields) {
        if (field.fieldKind !== 'scalar' || field.scalar !== ScalarType.STRING) continue;
        const message = create(desc);
        reflect(desc, message).set(field, '\u{feff}Zoë \u{1f9f5}');
        const bytes = toBinary(desc, message);
        expect(codec.encode(codec.decode(bytes)).finish()).toEqual(bytes);
      }
    }
  });

  it('writes a time before 1970 with nanos that count forward, in every field', async () => {
    let tried = 0;
    for (const [desc, codec] of await generated()) {
      for (const field of desc.fields) {
        if (field.message?.typeName !== TimestampSchema.typeName) continue;
        tried += 1;
        const time = new Date('1969-12-31T23:59:58.500Z');
        const bytes = codec.encode(codec.fromPartial({ [field.localName]: time })).finish();
        const written = reflect(desc, fromBinary(desc, bytes)).get(field);
        expect(written).toMatchObject({ message: { seconds: -2n, nanos: 500_000_000 } });
        expect(codec.decode(bytes)).toMatchObject({ [field.localName]: time });
        const late = codec.fromPartial({ [field.localName]: new Date('+010000-01-01') });
        expect(() => codec.encode(late)).toThrow(RangeError);
      }
    }
    expect(tried).toBeGreaterThan(5);
  });
});

describe('a time as a timestamp', () => {
  const first = new Date('0001-01-01T00:00:00Z');
  const last = new Date('9999-12-31T23:59:59.999Z');

  it('is what other libraries make of it, and the same time when read', () => {
    fc.assert(
      fc.property(fc.date({ min: first, max: last, noInvalidDate: true }), (time) => {
        const { seconds, nanos } = timestampFromMs(time.getTime());
        expect(toTimestamp(time)).toEqual({ seconds, nanos });
        expect(fromTimestamp(toTimestamp(time))).toEqual(time);
      }),
    );
  });

  it.each([
    [new Date(first.getTime() - 1), '0000-12-31T23:59:59.999Z'],
    [new Date(last.getTime() + 1), '+010000-01-01T00:00:00.000Z'],
    [new Date(Number.NaN), 'an invalid Date'],
  ])('is refused outside of the years 1 to 9999: %s', (time, shown) => {
    expect(() => toTimestamp(time)).toThrow(
      new RangeError(`a timestamp must be of the years 1 to 9999, not ${shown}`),
    );
  });

  it('loses the digits below a millisecond, towards the past', () => {
    expect(fromTimestamp({ seconds: 1n, nanos: 1_999_999 })).toEqual(new Date(1001));
    expect(fromTimestamp({ seconds: -1n, nanos: 999_999_999 })).toEqual(new Date(-1));
  });

  it('of an older Weft, with negative nanos, is read as the time that was meant', () => {
    expect(fromTimestamp({ seconds: -1n, nanos: -500_000_000 })).toEqual(new Date(-1500));
  });
});
