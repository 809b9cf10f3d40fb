/** What the services of the shop do alike. Tables and SQL are each service's own, and so is its file. */

// A database file of one's own
export { Database, databaseFile } from './database.ts';
// Idempotency keys
export { hashRequest } from './hash-request.ts';
// What it logs, and how it is traced
export { createLog } from './log.ts';
// Lists by position
export { pagePosition } from './page-position.ts';
export { startTracing } from './tracing.ts';
