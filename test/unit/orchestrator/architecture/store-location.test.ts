import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { realPath } from '../../../../orchestrator/src/architecture/real-path.ts';
import {
  overlapOf,
  type PathContext,
  storeLocation,
} from '../../../../orchestrator/src/architecture/store-location.ts';
import { tempFolder } from '../../../support/temp-folder.ts';

const plain: PathContext = { folder: '/shop', realPath: (path) => path };

function overlap(one: string, other: string, context = plain) {
  const [first, second] = [storeLocation(one, context), storeLocation(other, context)];
  return first && second && overlapOf(first, second);
}

describe('two stores', () => {
  it.each([
    ['data/a.db', './data/../data/a.db'],
    ['data/a.db', '/shop/data/a.db'],
    ['data/a.db', 'file:data/a.db?mode=ro'],
    ['/shop/a b.db', 'file:///shop/a%20b.db'],
    ['a.db', 'sqlite:a.db'],
    ['/a.db', 'sqlite:///a.db'],
    ['/a.db', 'jdbc:sqlite:/a.db'],
    ['data/', 'data'],
    ['postgres://h/shop', 'postgresql://ann:pw@H.:5432/shop/?sslmode=off'],
    ['postgres://h/shop', 'jdbc:postgresql://h/shop'],
    ['postgres://localhost/shop', 'postgres://127.0.0.1/shop'],
    ['postgres://[::1]/shop', 'postgres:///shop'],
    ['postgres://a,b/shop', 'postgres://c,b/shop'],
    ['mysql://h/shop', 'mariadb://h:3306/shop'],
    ['redis://h', 'rediss://h:6379/0'],
    ['mongodb+srv://u:p%40@h/shop', 'mongodb://h/shop'],
  ])('%s and %s are the same', (one, other) => {
    expect(overlap(one, other)).toBe('same');
    expect(overlap(other, one)).toBe('same');
  });

  it.each([
    ['data/a/b.db', 'data/a'],
    ['../x', '/'],
    ['s3://bucket/users', 's3://bucket'],
    ['postgres://h/shop', 'postgres://h'],
  ])('%s lies inside %s', (one, other) => {
    expect(overlap(one, other)).toBe('inside');
    expect(overlap(other, one)).toBe('around');
  });

  it.each([
    ['data/a.db', 'data/a.db2'],
    ['data/user', 'data/user-service/a.db'],
    ['postgres://h/shop', 'postgres://h/shop2'],
    ['postgres://h/shop', 'postgres://g/shop'],
    ['postgres://h/shop', 'postgres://h:5433/shop'],
    ['postgres://h/shop', 'mysql://h/shop'],
    ['redis://h/0', 'redis://h/1'],
    ['/h/shop', 'postgres://h/shop'],
    [':memory:', ':memory:'],
    ['sqlite://:memory:', 'file::memory:'],
  ])('%s and %s have nothing in common', (one, other) => {
    expect(overlap(one, other)).toBeUndefined();
    expect(overlap(other, one)).toBeUndefined();
  });

  it('are the same by way of a link, be the file there or not yet', () => {
    using folder = tempFolder();
    mkdirSync(join(folder.path, 'data'));
    symlinkSync('data', join(folder.path, 'link'));
    const context = { folder: folder.path, realPath };
    expect(overlap('link/not/yet.db', 'data/not/yet.db', context)).toBe('same');
    expect(overlap('link/a.db', 'data/b.db', context)).toBeUndefined();
  });
});
