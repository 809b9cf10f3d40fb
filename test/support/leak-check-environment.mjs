import { TestEnvironment } from 'jest-environment-node';

/** Kinds of handle that a test file may not leave open; jest's own pipes are not among them. */
const watched = new Set([
  'TCPServerWrap',
  'TCPSocketWrap',
  'TLSWrap',
  'Timeout',
  'Immediate',
  'ProcessWrap',
  'FSEventWrap',
  'StatWatcher',
]);

/** How long handles may take to close after the last hook of the file, in ms. */
const PATIENCE_MS = 3000;

function openHandles() {
  return process.getActiveResourcesInfo().filter((kind) => watched.has(kind));
}

/** Node, and a check after each test file, when all its hooks have run, that it left no handle open. */
export default class LeakCheckEnvironment extends TestEnvironment {
  #before = 0;

  async handleTestEvent(event) {
    if (event.name === 'run_start') this.#before = openHandles().length;
    if (event.name !== 'run_finish') return;
    const end = performance.now() + PATIENCE_MS;
    while (openHandles().length > this.#before) {
      if (performance.now() > end) {
        throw new Error(`this test file left handles open: ${openHandles().join(', ')}`);
      }
      const timer = Promise.withResolvers();
      // Unref'd, so that it is none of the handles it waits for.
      setTimeout(timer.resolve, 20).unref();
      await timer.promise;
    }
  }
}
