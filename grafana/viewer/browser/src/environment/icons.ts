// @grafana/ui asks the server for each icon; here all of them are in the bundle.
import { availableIconsIndex } from '@grafana/data';
import { cacheStore } from 'react-inlinesvg';
import texts from 'icon-texts';

const ROOT = '/public/build/img/icons/';

const drawn = (path: string) => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="${path}"/></svg>`;

/** Icons that the libraries use but no package contains. Other missing icons stay empty. */
const OURS: Record<string, string> = {
  spinner: drawn('M12,2a10,10,0,0,0,0,20,1,1,0,0,0,0-2,8,8,0,1,1,8-8,1,1,0,0,0,2,0A10,10,0,0,0,12,2Z'),
  'angle-double-left': drawn(
    'M11.3,8.3 7.6,12l3.7,3.7-1.4,1.4L4.8,12l5.1-5.1ZM18.3,8.3 14.6,12l3.7,3.7-1.4,1.4L11.8,12l5.1-5.1Z',
  ),
  'sync-slash': drawn('M4.9,3.5 20.5,19.1l-1.4,1.4L3.5,4.9ZM12,4a8,8,0,0,1,8,8h-2a6,6,0,0,0-6-6ZM4,12h2a6,6,0,0,0,6,6v2a8,8,0,0,1-8-8Z'),
};

export function fillIconCache(): void {
  for (const name of Object.keys(availableIconsIndex)) {
    keep(`unicons/${name}.svg`, OURS[name] ?? drawn(''));
  }
  for (const [path, text] of Object.entries(texts)) {
    keep(path, text);
  }
}

function keep(path: string, content: string): void {
  cacheStore.set(ROOT + path, { content, status: 'loaded' });
}
