import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { findPackageJSON, stripTypeScriptTypes } from 'node:module';
import { dirname, extname, join } from 'node:path';
import type { HttpHandler } from '@weft/proto';
import { neededModules } from './module-preloads.ts';

/** Files of packages that the page loads, by the name they have below `/assets/`. */
const PACKAGE_FILES = {
  'preact.js': ['preact', 'dist/preact.mjs'],
  'preact-hooks.js': ['preact', 'hooks/dist/hooks.mjs'],
  'signals-core.js': ['@preact/signals-core', 'dist/signals-core.mjs'],
  'signals.js': ['@preact/signals', 'dist/signals.mjs'],
  'htm.js': ['htm', 'dist/htm.mjs'],
  'cytoscape.js': ['cytoscape', 'dist/cytoscape.esm.min.mjs'],
  'uplot.js': ['uplot', 'dist/uPlot.esm.js'],
  'uplot.css': ['uplot', 'dist/uPlot.min.css'],
  'bootstrap.css': ['bootstrap', 'dist/css/bootstrap.min.css'],
} as const;

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.ts': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.html': 'text/html; charset=utf-8',
};

/** `.ts` where the sources run as they are, `.js` where they are built. */
const CODE = extname(import.meta.filename);
const CODE_FOLDER = join(import.meta.dirname, '..', 'page');
/** Beside `src` and `dist`, the same for both. */
const STATIC_FOLDER = packageFile('..', 'static');
/** Where the page starts, whatever its file is called. */
const MAIN = '/assets/page/main';
const STATIC_FILES = ['theme.css', 'page.css', 'tables.css', 'drawings.css', 'icon.svg'];

interface Asset {
  readonly text: string;
  readonly type: string;
  readonly etag: string;
}

function asset(path: string, text: string): Asset {
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 22);
  return { text, type: CONTENT_TYPES[extname(path)] ?? 'text/plain', etag: `"${hash}"` };
}

/** The code of a TypeScript file without its types, line by line where it was. */
function withoutTypes(code: string): string {
  const { emitWarning } = process;
  // It warns that it is experimental; to whoever starts a registry that says nothing.
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(code);
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Where npm put a file of a package that this one depends on. */
function packageFile(name: string, file: string): string {
  // signals-core is no dependency of ours but of signals, from where it is found wherever npm put it.
  const isOfSignals = name === '@preact/signals-core';
  const base = isOfSignals ? packageFile('@preact/signals', 'package.json') : import.meta.filename;
  const manifest = findPackageJSON(name, base);
  if (manifest === undefined) throw new Error(`the package ${name} is not installed: npm install`);
  return join(dirname(manifest), file);
}

function codeFile(name: string): Asset {
  const text = readFileSync(join(CODE_FOLDER, name), 'utf8');
  return asset(name, extname(name) === '.ts' ? withoutTypes(text) : text);
}

function staticFile(name: string): Asset {
  return asset(name, readFileSync(join(STATIC_FOLDER, name), 'utf8'));
}

function importMapOf(page: string): string {
  return /<script type="importmap">([^<]*)</.exec(page)?.[1] ?? '';
}

/** Nothing from elsewhere, and no script in the page but its import map, which browsers take only from there. */
function securityPolicy(page: string): string {
  const hash = createHash('sha256').update(importMapOf(page)).digest('base64');
  return [
    "default-src 'self'",
    `script-src 'self' 'sha256-${hash}'`,
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** What is read when it is first asked for. */
function once(load: () => Asset): () => Asset {
  let loaded: Asset | undefined;
  return () => {
    loaded ??= load();
    return loaded;
  };
}

function answering(load: () => Asset): HttpHandler {
  return (request, response) => {
    const { text, type, etag } = load();
    response.setHeader('etag', etag);
    // Asked for each time and answered 304 mostly: a page never mixes the files of two versions.
    response.setHeader('cache-control', 'no-cache');
    if (type.startsWith('text/html')) {
      response.setHeader('content-security-policy', securityPolicy(text));
    }
    response.setHeader('referrer-policy', 'no-referrer');
    response.setHeader('cross-origin-resource-policy', 'same-origin');
    if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
    else response.setHeader('content-type', type).end(text);
  };
}

/** The files of the page by their path, but for the page itself. */
function assetFiles(): Map<string, () => Asset> {
  const isCode = (name: string) => extname(name) === CODE && !name.endsWith('.d.ts');
  const code = readdirSync(CODE_FOLDER).filter(isCode);
  return new Map<string, () => Asset>([
    [MAIN, once(() => codeFile(`main${CODE}`))],
    ...code.map((name) => [`/assets/page/${name}`, once(() => codeFile(name))] as const),
    ...STATIC_FILES.map((name) => [`/assets/${name}`, once(() => staticFile(name))] as const),
    ...Object.entries(PACKAGE_FILES).map(([name, [module, file]]) => {
      const load = () => asset(name, readFileSync(packageFile(module, file), 'utf8'));
      return [`/assets/${name}`, once(load)] as const;
    }),
  ]);
}

/** The page, which names all modules that it needs at first, so that none waits for another to name it. */
function pageFile(files: ReadonlyMap<string, () => Asset>): Asset {
  const { text } = staticFile('index.html');
  const { imports } = JSON.parse(importMapOf(text));
  const needed = neededModules(MAIN, imports, (path) => files.get(path)?.().text ?? '');
  const links = needed.map((path) => `<link rel="modulepreload" href="${path}">`).join('\n');
  return asset('index.html', text.replace('<!-- preloads -->', links));
}

/** The page at `/` and its files below `/assets/`: exactly those, so no path leads elsewhere. */
export function pageAssets(): Record<string, HttpHandler> {
  const files = assetFiles();
  const handlers = [...files].map(([path, load]) => [path, answering(load)] as const);
  return { '/': answering(once(() => pageFile(files))), ...Object.fromEntries(handlers) };
}
