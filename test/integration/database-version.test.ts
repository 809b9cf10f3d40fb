import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ServiceStage } from '../support/service-process.ts';

const kinds = ['user', 'order', 'payment'];
let stage: ServiceStage;

beforeAll(async () => {
  stage = await ServiceStage.open();
});
afterAll(() => stage.close());

const start = (kind: string, data: string) => stage.start(kind, join(data, kind));

/** Changes the database file of a service while the service does not run. */
function change(kind: string, data: string, sql: string): void {
  mkdirSync(join(stage.folder, data, kind), { recursive: true });
  const db = new DatabaseSync(join(stage.folder, data, kind, `${kind}-service.db`));
  db.exec(sql);
  db.close();
}

/** What a service says that ends before it serves. */
async function refusalOf(kind: string, data: string): Promise<string> {
  const service = start(kind, data);
  const late = setTimeout(() => void service.end(), 20_000);
  const code = await service.exited;
  clearTimeout(late);
  return `${kind} ${code}: ${service.errors}`;
}

describe('a service whose database file another version wrote', () => {
  it('ends before it serves, and says which file and why', async () => {
    const tables: Record<string, string> = { user: 'users', order: 'orders', payment: 'payments' };
    for (const kind of kinds) {
      change(kind, 'newer', 'PRAGMA user_version = 99');
      change(kind, 'older', `CREATE TABLE ${tables[kind]} (id TEXT NOT NULL UNIQUE) STRICT`);
    }
    const [newer, older] = await Promise.all([
      Promise.all(kinds.map((kind) => refusalOf(kind, 'newer'))),
      Promise.all(kinds.map((kind) => refusalOf(kind, 'older'))),
    ]);
    for (const [index, kind] of kinds.entries()) {
      const file = `${kind}-service\\.db`;
      expect(newer[index]).toMatch(new RegExp(`^${kind} 1: [^]*${file}[^]*version 99`));
      expect(older[index]).toMatch(new RegExp(`^${kind} 1: [^]*${file}[^]*start the version`));
    }
    await stage.listed(kinds, 0);
  }, 60_000);

  it('serves with the data in it when the file is from before versions were kept', async () => {
    const first = kinds.map((kind) => start(kind, 'before'));
    await stage.listed(kinds, 1);
    await Promise.all(
      first.map(async ({ child, exited }) => {
        child.kill('SIGTERM');
        expect(await exited).toBe(0);
      }),
    );
    const values = `'1', 'Ada', 'a@b.cd', 'a@b.cd', 7, NULL, 'h'`;
    change('user', 'before', `INSERT INTO users VALUES (1, ${values}); PRAGMA user_version = 0`);
    for (const kind of ['order', 'payment']) change(kind, 'before', 'PRAGMA user_version = 0');
    for (const kind of kinds) start(kind, 'before');
    await stage.listed(kinds, 1);
    const { users } = (await stage.mesh.call('user-service', 'ListUsers')) as { users: object[] };
    expect(users).toEqual([expect.objectContaining({ name: 'Ada' })]);
  }, 60_000);
});
