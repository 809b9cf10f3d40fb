import { computed, effect, signal } from '@preact/signals';

export type Choice = 'auto' | 'light' | 'dark';

const KEY = 'weft-theme';
const system = matchMedia('(prefers-color-scheme: dark)');

function remembered(): Choice {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : 'auto';
  } catch {
    return 'auto';
  }
}

const isSystemDark = signal(system.matches);

/** What the user chose; `auto` follows the system. */
export const choice = signal<Choice>(remembered());

export const theme = computed(() => {
  if (choice.value !== 'auto') return choice.value;
  return isSystemDark.value ? 'dark' : 'light';
});

export function followTheme(): void {
  system.addEventListener('change', ({ matches }) => {
    isSystemDark.value = matches;
  });
  effect(() => {
    document.documentElement.dataset.bsTheme = theme.value;
  });
  effect(() => {
    const value = choice.value;
    try {
      if (value === 'auto') localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, value);
    } catch {
      // A browser that keeps nothing: the choice holds until the page is closed.
    }
  });
}
