import type { WatchResponse } from '@weft/proto/registry';
import { settle } from '../fixtures.ts';

/** What a stream is asked for, as far as tests look. */
export interface Request {
  fromRevision?: bigint;
  watchId?: string;
}

/** One stream of a registry, told by the test. */
export class Stream {
  readonly request: Request;
  readonly signal: AbortSignal;
  readonly #queue: (WatchResponse | Error | 'end')[] = [];
  #wake = () => {};

  constructor(request: Request, signal: AbortSignal) {
    this.request = request;
    this.signal = signal;
    signal.addEventListener('abort', () => void this.tell(new Error('aborted')));
  }

  async tell(what: WatchResponse | Error | 'end'): Promise<void> {
    this.#queue.push(what);
    this.#wake();
    await settle();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      const next = this.#queue.shift();
      if (next === 'end') return;
      if (next instanceof Error) throw next;
      if (next !== undefined) yield next;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
