import { invalidArgument } from './errors.ts';

/**
 * Reads `page_size`: 0 stands for `defaultSize`.
 * @throws INVALID_ARGUMENT outside 0 to 1000.
 */
export function pageSize(requested: number, defaultSize: number): number {
  if (requested < 0 || requested > 1000) {
    throw invalidArgument({
      field: 'page_size',
      description: 'must be 1 to 1000, or 0 for the default',
    });
  }
  return requested === 0 ? defaultSize : requested;
}

/** Makes an opaque token of the last key of a page. */
export function pageToken(lastKey: string): string {
  return Buffer.from(`1:${lastKey}`, 'utf8').toString('base64url');
}

/**
 * The key to go on after, undefined on the first page.
 * @throws INVALID_ARGUMENT when the token is none of ours.
 */
export function pageStart(token: string): string | undefined {
  if (token === '') return undefined;
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (!text.startsWith('1:') || pageToken(text.slice(2)) !== token) {
    throw invalidArgument({
      field: 'page_token',
      description: 'must be the next_page_token of an earlier answer',
    });
  }
  return text.slice(2);
}
