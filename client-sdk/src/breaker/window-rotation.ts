import { EventEmitter } from 'node:events';
import { WINDOW_BUCKETS } from './breaker.ts';

/** One timer that rolls the windows of all breakers of a mesh, instead of one timer for each. */
export class WindowRotation {
  readonly emitter = new EventEmitter().setMaxListeners(0);
  readonly #timer: NodeJS.Timeout;

  constructor(windowMs: number) {
    this.#timer = setInterval(() => this.emitter.emit('rotate'), windowMs / WINDOW_BUCKETS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.emitter.removeAllListeners();
  }
}
