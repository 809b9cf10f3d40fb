import { afterAll, beforeAll } from '@jest/globals';
import { eventually } from './eventually.ts';

/** Kinds of handle that a test file may not leave open; jest's own pipes to its parent are not among them. */
const watched = new Set([
  'TCPServerWrap',
  'TCPSocketWrap',
  'TLSWrap',
  'HTTP2SESSION',
  'Timeout',
  'Immediate',
  'ProcessWrap',
  'FSEventWrap',
  'StatWatcher',
]);

function openHandles(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => watched.has(kind));
}

let before: string[] = [];

beforeAll(() => {
  before = openHandles();
});

/** Every test file must leave as few open handles as it found. */
afterAll(async () => {
  await eventually(
    () => {
      const after = openHandles();
      // The polling of `eventually` itself holds no timer while this runs.
      if (after.length > before.length) {
        throw new Error(`this test file left handles open: ${after.join(', ')}`);
      }
    },
    { withinMs: 3000 },
  );
});
