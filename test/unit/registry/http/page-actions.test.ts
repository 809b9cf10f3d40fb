import { describe, expect, it } from '@jest/globals';
import { isOwnPage, parseAction } from '../../../../registry/src/http/page-actions.ts';

describe('who may ask for actions', () => {
  it.each([
    ['127.0.0.1:7480', 'http://127.0.0.1:7480', true],
    ['localhost:7480', 'http://localhost:7480', true],
    ['[::1]:7480', 'http://[::1]:7480', true],
    ['127.0.0.1:7480', 'http://127.0.0.1:8080', false],
    ['127.0.0.1:7480', 'http://evil.example', false],
    // A name of theirs that was made to lead to this machine.
    ['evil.example:7480', 'http://evil.example:7480', false],
    ['127.0.0.1:7480', 'null', false],
    ['127.0.0.1:7480', undefined, false],
  ])('at %s, from %s: %s', (host, origin, isOwn) => {
    expect(isOwnPage({ headers: { host, origin } })).toBe(isOwn);
  });
});

describe('what may be asked for', () => {
  const action = { action: 'drain', service: 'user-service', id: 'a', leaseId: 'a1f' };

  it('is read', () => expect(parseAction(JSON.stringify(action))).toEqual(action));

  it.each([
    ['nothing', ''],
    ['null', 'null'],
    ['another action', JSON.stringify({ ...action, action: 'explode' })],
    ['no service', JSON.stringify({ ...action, service: 1 })],
    ['a lease that is none', JSON.stringify({ ...action, leaseId: 'xyz' })],
  ])('is not %s', (_what, body) => expect(parseAction(body)).toBeUndefined());
});
