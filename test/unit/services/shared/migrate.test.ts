import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { migrate, versionOf } from '../../../../services/shared/src/migrate.ts';

const first = 'CREATE TABLE IF NOT EXISTS notes (text TEXT NOT NULL) STRICT';
const second = "ALTER TABLE notes ADD COLUMN author TEXT NOT NULL DEFAULT ''";

describe('migrate', () => {
  let db: DatabaseSync;
  beforeEach(() => {
    db = new DatabaseSync(':memory:');
  });
  afterEach(() => db.close());

  it('runs all migrations on a new database', () => {
    migrate(db, [first, second]);
    expect(versionOf(db)).toBe(2);
    db.exec("INSERT INTO notes VALUES ('a', 'b')");
  });

  it('runs those that a database lacks, and keeps its rows', () => {
    migrate(db, [first]);
    db.exec("INSERT INTO notes VALUES ('a')");
    migrate(db, [first, second]);
    migrate(db, [first, second]);
    expect(versionOf(db)).toBe(2);
    expect(db.prepare('SELECT * FROM notes').all()).toEqual([{ text: 'a', author: '' }]);
  });

  it('takes over a database from before versions were kept', () => {
    db.exec(first.replace('(', '(\n  ').replace(') S', '\n) S'));
    db.exec("INSERT INTO notes VALUES ('a')");
    migrate(db, [`${first.replace('(', '(\n  ').replace(') S', '\n) S')}`]);
    expect(versionOf(db)).toBe(1);
  });

  it('allows what somebody has added', () => {
    migrate(db, [first]);
    db.exec('CREATE INDEX own ON notes (text)');
    migrate(db, [first]);
    expect(versionOf(db)).toBe(1);
    expect(db.prepare("SELECT name FROM sqlite_schema WHERE name = 'own'").all()).toHaveLength(1);
  });

  it.each([
    ['a newer version', 'PRAGMA user_version = 3', /version 3, .* knows 2 at most/],
    ['a missing column', 'CREATE TABLE notes (author TEXT)', /table notes differs/],
    ['a name that is taken', 'CREATE VIEW others AS SELECT 1', /version 2 \(.*view others already/],
    ['a missing table', 'PRAGMA user_version = 2', /table notes is missing/],
  ])('refuses %s', (_, sql, message) => {
    db.exec(sql);
    const migrations = [first, 'CREATE TABLE others (id INTEGER) STRICT'];
    expect(() => migrate(db, migrations)).toThrow(message);
  });
});
