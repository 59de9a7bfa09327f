// Builds the bundle: `node build/main.mjs [FOLDER]`, by default ../bundle.
import { rmSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import * as esbuild from 'esbuild';
import { writeLicences } from './licences.mjs';
import { copyFonts } from './fonts.mjs';
import { writeManifest } from './manifest.mjs';
import { compat, emptied, iconTexts, recentZones } from './plugins.mjs';

const folder = path.resolve(process.argv[2] ?? '../bundle');
rmSync(folder, { recursive: true, force: true });
const result = await esbuild.build({
  entryPoints: { viewer: 'src/page/main.tsx' },
  outdir: folder,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}', global: 'globalThis' },
  plugins: [compat, emptied, iconTexts, recentZones],
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
});
const fonts = copyFonts(folder);
writeLicences(folder, [...Object.keys(result.metafile.inputs), ...fonts]);
writeManifest(folder);
const [output] = Object.values(result.metafile.outputs);
console.log(`viewer.js: ${output.bytes} bytes, built by Node ${process.version}`);
if (process.argv.includes('--sizes')) {
  console.log(await esbuild.analyzeMetafile(result.metafile));
}
