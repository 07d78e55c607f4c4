// What the build does beside bundling: check sums into the page, and each file packed beforehand.

import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Plugin, Rolldown } from 'vite';

/** The page says what its own files hash to: a browser runs no other. Those that are loaded later stand
 * in an import map, the one place where a browser looks for their check sums. */
export function integrity(): Plugin {
  return {
    name: 'till:integrity',
    generateBundle: {
      // Others still write into what they have made.
      order: 'post',
      handler(_options, bundle) {
        const page = bundle['index.html'];
        if (page?.type !== 'asset') return;
        page.source = String(page.source).replace(
          /(?:src|href)="\/(shop\/[^"]+\.(?:js|css))"/g,
          (attribute, name: string) => {
            const file = bundle[name];
            if (!file) throw new Error(`the page names ${name}, which is not there`);
            return `${attribute} integrity="${sumOf(file)}"`;
          },
        );
        const later = Object.values(bundle).filter(
          (file) => file.type === 'chunk' && !file.isEntry,
        );
        const sums = Object.fromEntries(later.map((file) => [`/${file.fileName}`, sumOf(file)]));
        const map = `<script type="importmap">${JSON.stringify({ integrity: sums })}</script>\n`;
        page.source = String(page.source).replace('<script type="module"', `${map}$&`);
      },
    },
  };
}

function sumOf(file: Rolldown.OutputAsset | Rolldown.OutputChunk): string {
  const content = file.type === 'chunk' ? file.code : file.source;
  return `sha384-${createHash('sha384').update(content).digest('base64')}`;
}

/** Each text beside itself as brotli and as gzip, for a server that packs nothing. */
export function packed(): Plugin {
  return {
    name: 'till:packed',
    generateBundle: {
      order: 'post',
      async handler(_options, bundle) {
        for (const [name, file] of Object.entries(bundle)) {
          // The page is filled in by the server.
          if (!/\.(js|css|svg)$/.test(name)) continue;
          const content = file.type === 'chunk' ? file.code : file.source;
          const bytes = Buffer.from(content);
          const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
          const br = await promisify(brotliCompress)(bytes, { params });
          const gz = await promisify(gzip)(bytes, { level: 9 });
          this.emitFile({ type: 'asset', fileName: `${name}.br`, source: br });
          this.emitFile({ type: 'asset', fileName: `${name}.gz`, source: gz });
        }
      },
    },
  };
}
