// The licence texts of the packages whose code is in the bundle.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const TEXT = /^(un)?licen[cs]e|^copying|^notice/i;

/** The folder of the package that a file belongs to; undefined for our own files. */
function packageOf(file) {
  const parts = file.split('/');
  const at = parts.lastIndexOf('node_modules');
  if (at < 0) {
    return undefined;
  }
  return parts.slice(0, at + (parts[at + 1].startsWith('@') ? 3 : 2)).join('/');
}

function section(folder) {
  const about = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const author = typeof about.author === 'string' ? about.author : about.author?.name;
  const texts = readdirSync(folder)
    .filter((name) => TEXT.test(name))
    .sort()
    .map((name) => readFileSync(path.join(folder, name), 'utf8').replaceAll('\r\n', '\n').trim());
  const said = texts.length > 0 ? texts : [`The package holds no text of it. Author: ${author ?? 'not named'}.`];
  return `${about.name} ${about.version}, licence: ${about.license ?? 'see the text'}\n\n${said.join('\n\n')}\n`;
}

/** Writes LICENCES.txt for the packages of these files. */
export function writeLicences(folder, files) {
  const packages = new Set(files.map(packageOf).filter((one) => one && existsSync(path.join(one, 'package.json'))));
  const sections = [...packages].map(section);
  const unique = [...new Set(sections)].sort();
  const line = `\n${'='.repeat(100)}\n\n`;
  writeFileSync(path.join(folder, 'LICENCES.txt'), `What viewer.js and the fonts are made of.\n${line}${unique.join(line)}`);
}
