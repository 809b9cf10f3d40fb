import { signal } from '@preact/signals';

/** Where the hash leads: `#/services/user-service` is the page `services` of `user-service`. */
export interface Route {
  page: string;
  name: string;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function parseHash(hash: string): Route {
  const [page = '', ...rest] = hash.replace(/^#\/?/, '').split('/');
  return { page: page || 'overview', name: decoded(rest.join('/')) };
}

export const route = signal<Route>({ page: 'overview', name: '' });

export function serviceHref(name: string): string {
  return `#/services/${encodeURIComponent(name)}`;
}

/** To the content, past the header. */
export function focusMain(): void {
  document.getElementById('main')?.focus();
}

/** Follows the hash; the new page has the focus, as a new document would. */
export function followHash(): void {
  route.value = parseHash(location.hash);
  addEventListener('hashchange', () => {
    route.value = parseHash(location.hash);
    requestAnimationFrame(() => {
      scrollTo(0, 0);
      focusMain();
    });
  });
}
