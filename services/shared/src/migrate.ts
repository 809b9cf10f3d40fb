import { DatabaseSync } from 'node:sqlite';
import { messageOf } from '@weft/proto';

const ADVICE = 'start the version of the service that wrote it, or move the file away';

/** @returns the SQL of each table and index, every run of white space as one space */
function partsOf(db: DatabaseSync): Map<string, string> {
  const rows = db
    .prepare("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
    .all() as { type: string; name: string; sql: string }[];
  return new Map(rows.map(({ type, name, sql }) => [`${type} ${name}`, sql.replace(/\s+/g, ' ')]));
}

/** The schema that migrations lead to in a new database. */
function expectedParts(migrations: readonly string[]): Map<string, string> {
  const fresh = new DatabaseSync(':memory:');
  try {
    for (const sql of migrations) fresh.exec(sql);
    return partsOf(fresh);
  } finally {
    fresh.close();
  }
}

/** @throws Error naming the first table or index that is missing or not as the migrations make it */
function checkParts(db: DatabaseSync, migrations: readonly string[]): void {
  const parts = partsOf(db);
  for (const [name, sql] of expectedParts(migrations)) {
    if (parts.get(name) === sql) continue;
    const fault = parts.has(name) ? 'differs from what this version needs' : 'is missing';
    throw new Error(`its ${name} ${fault}: ${ADVICE}`);
  }
}

function run(db: DatabaseSync, sql: string, version: number): void {
  try {
    db.exec(sql);
  } catch (cause) {
    const message = `its schema cannot be brought to version ${version} (${messageOf(cause)}): ${ADVICE}`;
    throw new Error(message, { cause });
  }
}

/** The version of a database: how many migrations were run on it; 0 for a new file. */
export function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version);
}

/**
 * Runs the migrations that a database lacks, and checks that the schema is the one that all migrations lead to. Run
 * this in a transaction. An error then changes nothing in the database.
 * @throws Error if a newer version of the service wrote the database, or one with another schema
 */
export function migrate(db: DatabaseSync, migrations: readonly string[]): void {
  const version = versionOf(db);
  if (version > migrations.length) {
    throw new Error(
      `its schema has version ${version}, and this version of the service knows ${migrations.length} at most: start the newer version`,
    );
  }
  for (const [index, sql] of migrations.entries()) {
    if (index >= version) run(db, sql, index + 1);
  }
  checkParts(db, migrations);
  if (version === migrations.length) return;
  // A pragma takes no parameters.
  db.exec(`PRAGMA user_version = ${migrations.length}`);
}
