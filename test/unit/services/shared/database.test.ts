import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Database, databaseFile } from '../../../../services/shared/src/database.ts';
import { tempFolder } from '../../../support/temp-folder.ts';

const migrations = ['CREATE TABLE notes (text TEXT NOT NULL) STRICT'];

describe('Database', () => {
  const folder = tempFolder();
  let file: string;
  let database: Database;
  let other: DatabaseSync;
  let files = 0;

  beforeEach(async () => {
    files += 1;
    file = join(folder.path, `${files}.db`);
    database = await Database.open(file, migrations);
    other = new DatabaseSync(file);
  });
  afterEach(() => {
    database.close();
    other.close();
  });

  const add = (text: string) =>
    database.write((db) => db.prepare('INSERT INTO notes VALUES (?)').run(text));
  const notes = () => database.read((db) => db.prepare('SELECT text FROM notes').all().length);

  it('waits for a writer in another process while the event loop runs on', async () => {
    other.exec('BEGIN IMMEDIATE');
    const written = Promise.all([add('a'), add('b'), add('c')]);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(notes()).toBe(0);
    other.exec('COMMIT');
    await written;
    expect(notes()).toBe(3);
  });

  it('gives up at once with DATABASE_BUSY when it is to wait no longer', async () => {
    other.exec('BEGIN IMMEDIATE');
    const startedAt = performance.now();
    const waiting = add('a');
    database.stopWaiting();
    const busy = { code: 10, details: expect.stringMatching(/locked by another process/) };
    await expect(waiting).rejects.toMatchObject(busy);
    await expect(add('b')).rejects.toMatchObject(busy);
    // Each would wait for 5 s else.
    expect(performance.now() - startedAt).toBeLessThan(4000);
    other.exec('COMMIT');
    await add('c');
    expect(notes()).toBe(1);
  });

  it('refuses with DATABASE_FULL when the disk is full, and works again once there is space', async () => {
    const limit = (pages: number) =>
      database.read((db) => db.exec(`PRAGMA max_page_count = ${pages}`));
    limit(1);
    await expect(add('x'.repeat(100_000))).rejects.toMatchObject({
      code: 8,
      details: expect.stringMatching(/disk of the database is full/),
    });
    limit(1_000_000);
    await add('a');
    expect(notes()).toBe(1);
  });

  it('takes back what a transaction wrote before its work failed', async () => {
    const failing = database.write((db) => {
      db.prepare('INSERT INTO notes VALUES (?)').run('lost');
      throw new Error('told to fail');
    });
    await expect(failing).rejects.toThrow('told to fail');
    expect(notes()).toBe(0);
  });

  it('opens a fresh file many times at once', async () => {
    const fresh = join(folder.path, 'fresh.db');
    const opened = await Promise.all(
      Array.from({ length: 8 }, () => Database.open(fresh, migrations)),
    );
    for (const each of opened) {
      await each.write((db) => db.prepare('INSERT INTO notes VALUES (?)').run('a'));
      each.close();
    }
    const written = new DatabaseSync(fresh);
    expect(written.prepare('SELECT * FROM notes').all()).toHaveLength(opened.length);
    written.close();
  });

  it('waits to migrate a file whose lock another process holds, and opens one that is current', async () => {
    other.exec('BEGIN IMMEDIATE');
    (await Database.open(file, migrations)).close();
    const more = [...migrations, 'CREATE TABLE more (text TEXT)'];
    let isOpen = false;
    const opening = Database.open(file, more).then((opened) => {
      isOpen = true;
      return opened;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isOpen).toBe(false);
    other.exec('COMMIT');
    (await opening).close();
    expect(other.prepare('SELECT * FROM more').all()).toEqual([]);
  });

  it('names the file that cannot be used', async () => {
    writeFileSync(join(folder.path, 'text.db'), 'no database, but text'.repeat(100));
    const opening = Database.open(join(folder.path, 'text.db'), migrations);
    await expect(opening).rejects.toThrow(/cannot use the database .*text\.db: .*not a database/);
  });
});

describe('the file of a service', () => {
  const before = process.env.WEFT_DATA_DIR;
  afterEach(() => {
    if (before === undefined) delete process.env.WEFT_DATA_DIR;
    else process.env.WEFT_DATA_DIR = before;
  });

  it('is in $WEFT_DATA_DIR, else below the working directory', () => {
    process.env.WEFT_DATA_DIR = '/somewhere';
    expect(databaseFile('shop')).toBe('/somewhere/shop.db');
    process.env.WEFT_DATA_DIR = '';
    expect(databaseFile('shop')).toBe(resolve('.weft', 'data', 'shop', 'shop.db'));
    delete process.env.WEFT_DATA_DIR;
    expect(databaseFile('shop')).toBe(resolve('.weft', 'data', 'shop', 'shop.db'));
  });
});
