import { invalidArgument } from '@weft/proto';

function bytesOf(metadata: ReadonlyMap<string, string>): number {
  let bytes = 0;
  for (const [key, value] of metadata) bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  return bytes;
}

/** Bounds the metadata of an instance further than the contract does; what is stored already stays. */
export class MetadataLimit {
  readonly #maxBytes: number;
  readonly #onRefused: () => void;

  /** @param onRefused told of each write with too much of it */
  constructor(maxBytes: number, onRefused: () => void) {
    this.#maxBytes = maxBytes;
    this.#onRefused = onRefused;
  }

  /** @throws INVALID_ARGUMENT naming the field when keys and values are too much together */
  check(field: string, metadata: ReadonlyMap<string, string>): void {
    const bytes = bytesOf(metadata);
    if (bytes <= this.#maxBytes) return;
    this.#onRefused();
    const description = `must be at most ${this.#maxBytes} bytes here (--max-metadata-bytes), and has ${bytes}`;
    throw invalidArgument({ field, description });
  }
}
