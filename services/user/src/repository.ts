import { randomUUID } from 'node:crypto';
import type { SQLOutputValue } from 'node:sqlite';
import type { User } from '@weft/proto/user';
import { Database } from '@weft/service-kit';

const migrations = [
  `
  CREATE TABLE IF NOT EXISTS users (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    create_time INTEGER NOT NULL,
    idempotency_key TEXT UNIQUE,
    request_hash TEXT NOT NULL
  ) STRICT`,
];

export interface NewUser {
  name: string;
  email: string;
  /** Empty for none. */
  idempotencyKey: string;
  /** Tells whether two requests under one key are the same. */
  requestHash: string;
}

export type CreateOutcome =
  | { kind: 'stored'; user: User }
  | { kind: 'email-taken' }
  | { kind: 'key-reused' };

/** One page; `next` is where the following one starts, undefined on the last. */
export interface UserPage {
  users: User[];
  next: bigint | undefined;
}

/** All the SQL of user-service. */
export class UserRepository {
  readonly #db: Database;

  private constructor(db: Database) {
    this.#db = db;
  }

  /** Opens the database file, or creates it; ':memory:' for a database that is not kept. */
  static async open(file: string): Promise<UserRepository> {
    return new UserRepository(await Database.open(file, migrations));
  }

  /** Stores a user, or returns the one stored earlier under the same key by the same request. */
  create({ name, email, idempotencyKey, requestHash }: NewUser): Promise<CreateOutcome> {
    const emailKey = email.toLowerCase();
    return this.#db.write((db) => {
      const earlier = db
        .prepare('SELECT * FROM users WHERE idempotency_key = ?')
        .get(idempotencyKey);
      if (earlier !== undefined) {
        return earlier.request_hash === requestHash
          ? { kind: 'stored', user: toUser(earlier) }
          : { kind: 'key-reused' };
      }
      if (db.prepare('SELECT 1 FROM users WHERE email_key = ?').get(emailKey) !== undefined) {
        return { kind: 'email-taken' };
      }
      const row = db
        .prepare(
          `INSERT INTO users (id, name, email, email_key, create_time, idempotency_key, request_hash)
           VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING *`,
        )
        .get(randomUUID(), name, email, emailKey, Date.now(), idempotencyKey || null, requestHash);
      return { kind: 'stored', user: toUser(row) };
    });
  }

  get(id: string): User | undefined {
    const row = this.#db.read((db) => db.prepare('SELECT * FROM users WHERE id = ?').get(id));
    return row && toUser(row);
  }

  /** Users in the order they were created, from after `after`. */
  list(after: bigint, limit: number): UserPage {
    const sql = 'SELECT * FROM users WHERE seq > ? ORDER BY seq LIMIT ?';
    const rows = this.#db.read((db) => db.prepare(sql).all(after, limit + 1));
    const page = rows.slice(0, limit);
    const last = page.at(-1)?.seq as bigint | undefined;
    return { users: page.map(toUser), next: rows.length > limit ? last : undefined };
  }

  close(): void {
    this.#db.close();
  }
}

function toUser(row: Record<string, SQLOutputValue> | undefined): User {
  return {
    id: row?.id as string,
    name: row?.name as string,
    email: row?.email as string,
    createTime: new Date(Number(row?.create_time)),
  };
}
