import { afterAll, beforeAll } from '@jest/globals';

/**
 * Errors of this test file have no stack: gRPC asks for the one of every call that fails, and jest
 * looks each frame up in its source map, which is most of the work where calls fail by the hundred.
 */
export function withoutStacks(): void {
  const limit = Error.stackTraceLimit;
  beforeAll(() => {
    Error.stackTraceLimit = 0;
  });
  afterAll(() => {
    Error.stackTraceLimit = limit;
  });
}
