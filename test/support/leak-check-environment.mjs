import { TestEnvironment } from 'jest-environment-node';

/** Kinds of handle that a test file may not leave open; jest's own pipes are not among them. */
const watched = new Set([
  'TCPServerWrap',
  'TCPSocketWrap',
  'TLSWrap',
  'ProcessWrap',
  'FSEventWrap',
  'StatWatcher',
]);

/** How long handles may take to close after the last hook of the file, in ms. */
const PATIENCE_MS = 15_000;

function openHandles() {
  return process.getActiveResourcesInfo().filter((kind) => watched.has(kind));
}

/**
 * Node, and a check after each test file, when all its hooks have run, that it left nothing running:
 * no socket, server, child process or watcher, and no timer that would keep a process alive.
 */
export default class LeakCheckEnvironment extends TestEnvironment {
  #handlesBefore = 0;
  /** Timers made by the test file and all it imports; jest's own are made elsewhere. */
  #timers = [];

  async setup() {
    await super.setup();
    for (const name of ['setTimeout', 'setInterval']) {
      const original = this.global[name];
      const tracked = (...args) => {
        const timer = original(...args);
        this.#timers.push(new WeakRef(timer));
        return timer;
      };
      this.global[name] = Object.assign(tracked, original);
    }
  }

  async handleTestEvent(event) {
    if (event.name === 'run_start') this.#handlesBefore = openHandles().length;
    if (event.name !== 'run_finish') return;
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const handles = openHandles();
      const timers = this.#pendingTimers();
      if (handles.length <= this.#handlesBefore && timers.length === 0) return;
      if (performance.now() > end) {
        const left = [...handles, ...timers.map(() => 'Timeout')].join(', ');
        throw new Error(`this test file left handles open: ${left}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #pendingTimers() {
    return this.#timers
      .map((reference) => reference.deref())
      .filter((timer) => timer !== undefined && !timer._destroyed && timer.hasRef());
  }
}
