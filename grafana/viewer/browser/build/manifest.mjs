// SHA-256 of the bundle's sources and of its files.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const FILES = ['package.json', 'package-lock.json'];
const FOLDERS = ['build', 'src'];

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

function digests(folder, names) {
  return Object.fromEntries(
    names.sort().map((name) => [name, createHash('sha256').update(readFileSync(path.join(folder, name))).digest('hex')]),
  );
}

export function writeManifest(bundle) {
  const sources = [...FILES, ...FOLDERS.flatMap((folder) => filesIn(folder).map((name) => path.join(folder, name)))];
  const manifest = { sources: digests('.', sources), bundle: digests(bundle, filesIn(bundle)) };
  writeFileSync(path.join(bundle, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}
