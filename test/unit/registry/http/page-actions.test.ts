import { describe, expect, it } from '@jest/globals';
import { isOwnPage, parseAction } from '../../../../registry/src/http/page-actions.ts';

describe('who may ask for actions', () => {
  it.each([
    ['127.0.0.1:7480', 'http://127.0.0.1:7480', true],
    ['localhost:7480', 'http://localhost:7480', true],
    ['[::1]:7480', 'http://[::1]:7480', true],
    ['127.0.0.1:7480', 'http://127.0.0.1:8080', false],
    ['127.0.0.1:7480', 'http://evil.example', false],
    ['Weft.example.com', 'https://weft.example.com', true],
    ['weft.example.com:443', 'https://weft.example.com', true],
    ['weft.example.com', 'http://weft.example.com:8080', false],
    ['', 'file://', false],
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
    ['lease 0, which matches every lease', JSON.stringify({ ...action, leaseId: '0' })],
    ['lease 0 with zeros', JSON.stringify({ ...action, leaseId: '0000' })],
    ['a lease beyond 63 bits', JSON.stringify({ ...action, leaseId: '8000000000000000' })],
  ])('is not %s', (_what, body) => expect(parseAction(body)).toBeUndefined());
});
