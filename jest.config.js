import { join } from 'node:path';

// Hundreds of child processes are started: they find their modules compiled, which halves what a start costs.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, '.cache', 'compiled');

/** One suite: pure units, contract tests, and integration and e2e with real processes. */
export default {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
  testEnvironmentOptions: { customExportConditions: ['weft-source', 'node', 'node-addons'] },
  testEnvironment: '<rootDir>/test/support/leak-check-environment.mjs',
  // Handed to each module as they are: in jest's sandbox, which looks up each use of a global, what computes much takes
  // four times as long. None of these may be one that tests replace, as fake timers do with the clock, or that a module
  // has a variable of its own for, as for process.
  sandboxInjectedGlobals: [
    'Array',
    'BigInt',
    'Buffer',
    'Error',
    'JSON',
    'Map',
    'Math',
    'Number',
    'Object',
    'Promise',
    'Set',
    'String',
    'Symbol',
    'Uint8Array',
    'WeakMap',
  ],
  testSequencer: '<rootDir>/test/support/longest-first.mjs',
  reporters: ['default', '<rootDir>/scripts/skipped-reporter.mjs'],
  testTimeout: 30_000,
  // A leaked handle fails its file by the check above; it need not hang the whole run as well.
  forceExit: true,
  // On two cores: half of what tests do is wait. With four, some wait too long.
  maxWorkers: 3,
};
