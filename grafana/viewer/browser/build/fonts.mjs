// The fonts that @grafana/ui's styles name.
import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';

const FONTS = {
  'fonts/inter/Inter-Regular.woff2': 'inter/files/inter-latin-400-normal.woff2',
  'fonts/inter/Inter-Medium.woff2': 'inter/files/inter-latin-500-normal.woff2',
  'fonts/inter/Inter-Italic.woff2': 'inter/files/inter-latin-400-italic.woff2',
  'fonts/inter/Inter-MediumItalic.woff2': 'inter/files/inter-latin-500-italic.woff2',
  'fonts/roboto/L0xTDF4xlVMF-BfR8bXMIhJHg45mwgGEFl0_3vrtSM1J-gEPT5Ese6hmHSh0mQ.woff2':
    'roboto-mono/files/roboto-mono-latin-400-normal.woff2',
};

/** Copies the fonts and returns the paths of the original files. */
export function copyFonts(folder) {
  return Object.entries(FONTS).map(([name, source]) => {
    const from = `node_modules/@fontsource/${source}`;
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    copyFileSync(from, path.join(folder, name));
    return from;
  });
}
