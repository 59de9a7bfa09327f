// Replacements of some packages for esbuild.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const ICONS = 'node_modules/@grafana/ui/dist/public/img/icons';

// @grafana/ui imports these for editors, maps and rich text, which no dashboard here shows.
const NOT_SHOWN = [
  'monaco-editor',
  '@monaco-editor/react',
  'ol',
  'slate',
  'slate-react',
  'slate-plain-serializer',
  '@codemirror/[^/]+',
  '@uiw/react-codemirror',
  '@lezer/[^/]+',
  'prismjs',
  '@opentelemetry/[^/]+',
];

// Each export is a function, a class and an object at once, so that code which runs at import finds what it needs.
const EMPTY = `
const nothing = new Proxy(function () {}, {
  get: (_, key) => (key === 'prototype' ? {} : key === Symbol.toPrimitive ? () => '' : key === '__esModule' ? false : nothing),
  construct: () => ({}),
  apply: () => nothing,
});
module.exports = nothing;
`;

export const emptied = {
  name: 'emptied',
  setup(build) {
    build.onResolve({ filter: new RegExp(`^(${NOT_SHOWN.join('|')})(/.*)?$`) }, (asked) => ({
      path: asked.path,
      namespace: 'emptied',
    }));
    build.onLoad({ filter: /.*/, namespace: 'emptied' }, () => ({ contents: EMPTY, loader: 'js' }));
  },
};

// The package imports names that this version of @grafana/runtime does not export.
export const compat = {
  name: 'compat',
  setup(build) {
    build.onResolve({ filter: /^@grafana\/plugin-compat\/datasources$/ }, () => ({
      path: path.resolve('src/environment/pluginCompat.ts'),
    }));
  },
};

// All time zones of ten years; those since 1900 are three times as large.
export const recentZones = {
  name: 'recent-zones',
  setup(build) {
    build.onResolve({ filter: /^moment-timezone$/ }, () => ({
      path: path.resolve('node_modules/moment-timezone/builds/moment-timezone-with-data-10-year-range.js'),
    }));
  },
};

/** The text of every icon, by the path that @grafana/ui requests. */
export const iconTexts = {
  name: 'icon-texts',
  setup(build) {
    build.onResolve({ filter: /^icon-texts$/ }, (asked) => ({ path: asked.path, namespace: 'icon-texts' }));
    build.onLoad({ filter: /.*/, namespace: 'icon-texts' }, () => {
      const texts = {};
      for (const kind of ['custom', 'mono', 'solid', 'unicons']) {
        for (const name of readdirSync(`${ICONS}/${kind}`).sort()) {
          texts[`${kind}/${name}`] = readFileSync(`${ICONS}/${kind}/${name}`, 'utf8').trim();
        }
      }
      return { contents: JSON.stringify(texts), loader: 'json' };
    });
  },
};
