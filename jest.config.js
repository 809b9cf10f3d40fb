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
  testSequencer: '<rootDir>/test/support/longest-first.mjs',
  reporters: ['default', '<rootDir>/scripts/skipped-reporter.mjs'],
  testTimeout: 30_000,
  // A leaked handle fails its file by the check above; it need not hang the whole run as well.
  forceExit: true,
  maxWorkers: 2,
};
