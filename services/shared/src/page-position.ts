import { invalidArgument, pageStart } from '@weft/proto';

/**
 * Where a page starts: after this position, 0 for the first page.
 * @throws INVALID_ARGUMENT when the token is none of ours.
 */
export function pagePosition(token: string): bigint {
  const start = pageStart(token) ?? '0';
  if (!/^\d{1,18}$/.test(start)) {
    throw invalidArgument({
      field: 'page_token',
      description: 'must be the next_page_token of an earlier answer',
    });
  }
  return BigInt(start);
}
