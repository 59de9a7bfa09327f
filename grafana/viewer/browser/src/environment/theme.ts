// Dark or light: from the URL, else the reader's last choice, else the browser's preference.
export type ThemeChoice = 'system' | 'dark' | 'light';
export type ThemeMode = 'dark' | 'light';

const KEY = 'rq-mon.theme';
const PREFERS_LIGHT = window.matchMedia('(prefers-color-scheme: light)');

const isMode = (text: string | null): text is ThemeMode => text === 'dark' || text === 'light';

export function themeChoice(): ThemeChoice {
  const chosen = new URLSearchParams(location.search).get('theme') ?? readKept();
  return isMode(chosen) ? chosen : 'system';
}

export function themeMode(): ThemeMode {
  const choice = themeChoice();
  return choice !== 'system' ? choice : PREFERS_LIGHT.matches ? 'light' : 'dark';
}

/** Stores the choice and redraws the whole page, because colours are computed when data arrive. */
export function chooseTheme(choice: ThemeChoice): void {
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // A browser without storage forgets the choice.
  }
  const url = new URL(location.href);
  url.searchParams.delete('theme');
  location.replace(url);
}

/** Follows the browser's preference until the reader chooses a theme. */
export function followBrowser(): void {
  PREFERS_LIGHT.addEventListener('change', () => {
    if (themeChoice() === 'system') {
      location.reload();
    }
  });
}

function readKept(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
