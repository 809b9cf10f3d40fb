import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pageToken } from '@weft/proto';
import { badFields, type Cleanup, failureOf, startUsers } from '../support/services.ts';

const ada = { name: 'Ada Lovelace', email: 'ada@example.com' };
const keyReused = { code: 'ALREADY_EXISTS', reason: 'IDEMPOTENCY_KEY_REUSED' };

describe('user.v1.UserService', () => {
  let cleanup: Cleanup;
  let client: Awaited<ReturnType<typeof startUsers>>['client'];

  beforeEach(async () => {
    cleanup = new AsyncDisposableStack();
    ({ client } = await startUsers(cleanup));
  });
  afterEach(() => cleanup.disposeAsync());

  async function count(): Promise<number> {
    return (await client.listUsers({ pageSize: 1000 })).users.length;
  }

  describe('CreateUser', () => {
    it('stores the user and answers it', async () => {
      const before = Date.now();
      const { user } = await client.createUser(ada);
      expect(user).toMatchObject(ada);
      expect(user?.id).toMatch(/^[0-9a-f-]{36}$/);
      expect(user?.createTime?.getTime()).toBeGreaterThanOrEqual(before);
      expect((await client.getUser({ id: user?.id })).user).toEqual(user);
    });

    it('answers the first user for the same key and body, and refuses another body', async () => {
      const first = await client.createUser({ ...ada, idempotencyKey: 'k1' });
      expect(await client.createUser({ ...ada, idempotencyKey: 'k1' })).toEqual(first);
      const other = { ...ada, email: 'other@example.com', idempotencyKey: 'k1' };
      expect(await failureOf(client.createUser(other))).toEqual(keyReused);
      expect(await count()).toBe(1);
    });

    it('creates one user for the same key sent 20 times at once', async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => client.createUser({ ...ada, idempotencyKey: 'k1' })),
      );
      expect(new Set(answers.map(({ user }) => user?.id)).size).toBe(1);
      expect(await count()).toBe(1);
    });

    it('refuses an email another user has, whatever its case', async () => {
      await client.createUser(ada);
      expect(await failureOf(client.createUser({ name: 'B', email: 'ADA@Example.com' }))).toEqual({
        code: 'ALREADY_EXISTS',
        reason: 'EMAIL_TAKEN',
      });
      expect(await count()).toBe(1);
    });

    it.each([
      ['no name', { ...ada, name: '' }, ['name']],
      ['a blank name', { ...ada, name: ' \u00a0 ' }, ['name']],
      ['a name of 201 characters', { ...ada, name: 'x'.repeat(201) }, ['name']],
      ['a NUL in the name', { ...ada, name: 'A\0da' }, ['name']],
      ['an escape sequence in the name', { ...ada, name: '\u001b[31mAda' }, ['name']],
      ['no email', { ...ada, email: '' }, ['email']],
      ['an email without @', { ...ada, email: 'ada.example.com' }, ['email']],
      ['an email with two @', { ...ada, email: 'a@b@example.com' }, ['email']],
      ['an email without a domain', { ...ada, email: 'ada@' }, ['email']],
      ['an email with a space', { ...ada, email: 'a da@example.com' }, ['email']],
      ['an email with a line break', { ...ada, email: 'ada@example.com\r\nBcc: x' }, ['email']],
      ['an email of 255 characters', { ...ada, email: `a@${'b.'.repeat(125)}com` }, ['email']],
      ['a key of 129 characters', { ...ada, idempotencyKey: 'k'.repeat(129) }, ['idempotency_key']],
      ['nothing at all', {}, ['name', 'email']],
    ])('refuses %s and stores nothing', async (_, request, fields) => {
      expect(await failureOf(client.createUser(request))).toEqual(badFields(...fields));
      expect(await count()).toBe(0);
    });

    it('takes what is just within the limits, and HTML or other scripts as they are', async () => {
      const names = [
        'x'.repeat(200),
        '\u{1f469}'.repeat(200),
        '<b>Ada</b>',
        '李 小龍',
        '__proto__',
      ];
      for (const [index, name] of names.entries()) {
        const { user } = await client.createUser({ name, email: `u${index}@example.com` });
        expect(user?.name).toBe(name);
      }
      const email = `${'a'.repeat(64)}@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.com`;
      expect((await client.createUser({ ...ada, email })).user?.email).toBe(email);
    });

    it('refuses a message over 4 MiB and lives on', async () => {
      const huge = { ...ada, name: 'x'.repeat(4 * 1024 * 1024 + 1) };
      expect(await failureOf(client.createUser(huge))).toMatchObject({
        code: 'RESOURCE_EXHAUSTED',
      });
      expect(await count()).toBe(0);
    });
  });

  describe('GetUser', () => {
    it('tells an unknown id from one that can be none', async () => {
      expect(await failureOf(client.getUser({ id: 'nobody' }))).toEqual({
        code: 'NOT_FOUND',
        reason: 'USER_NOT_FOUND',
      });
      expect(await failureOf(client.getUser({ id: "' OR 1=1 --" }))).toMatchObject({
        code: 'NOT_FOUND',
      });
      expect(await failureOf(client.getUser({}))).toEqual(badFields('id'));
      expect(await failureOf(client.getUser({ id: 'x'.repeat(1_000_000) }))).toEqual(
        badFields('id'),
      );
    });
  });

  describe('ListUsers', () => {
    it('walks all users once, in order, page by page', async () => {
      const created: string[] = [];
      for (let i = 0; i < 7; i += 1) {
        const { user } = await client.createUser({ name: `U${i}`, email: `u${i}@example.com` });
        created.push(user?.id ?? '');
      }
      const seen: string[] = [];
      const sizes: number[] = [];
      let token = '';
      do {
        const page = await client.listUsers({ pageSize: 3, pageToken: token });
        seen.push(...page.users.map(({ id }) => id));
        sizes.push(page.users.length);
        token = page.nextPageToken;
      } while (token !== '');
      expect(seen).toEqual(created);
      expect(sizes).toEqual([3, 3, 1]);
    });

    it('ends with a full page when nothing follows, and with an empty one when there is nothing', async () => {
      expect(await client.listUsers({})).toEqual({ users: [], nextPageToken: '' });
      await client.createUser(ada);
      expect((await client.listUsers({ pageSize: 1 })).nextPageToken).toBe('');
    });

    it.each([
      ['a negative page size', { pageSize: -1 }, 'page_size'],
      ['a page size over 1000', { pageSize: 1001 }, 'page_size'],
      ['a garbage token', { pageToken: '???' }, 'page_token'],
      ['a token of another kind', { pageToken: pageToken('not a position') }, 'page_token'],
      ['a token past any position', { pageToken: pageToken('9'.repeat(30)) }, 'page_token'],
      ['a negative token', { pageToken: pageToken('-1') }, 'page_token'],
    ])('refuses %s', async (_, request, field) => {
      expect(await failureOf(client.listUsers(request))).toEqual(badFields(field));
    });
  });
});
