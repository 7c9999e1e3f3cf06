import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

const compressible = /\.(js|css|html|svg|json|webmanifest)$/;

// Below this a compressed copy saves no packet.
const worthwhile = 1024;

/**
 * Writes `.gz` and `.br` beside every text file of the build, so that the
 * server sends bytes as they lie and never compresses the page itself.
 */
export function compress(): Plugin {
  let outDir = 'dist';
  return {
    name: 'anihub-compress',
    apply: 'build',
    configResolved(config) {
      outDir = config.build.outDir;
    },
    async closeBundle() {
      for (const entry of await readdir(outDir, { recursive: true, withFileTypes: true })) {
        if (entry.isFile() && compressible.test(entry.name)) {
          await writeSiblings(join(entry.parentPath, entry.name));
        }
      }
    },
  };
}

async function writeSiblings(file: string): Promise<void> {
  const raw = await readFile(file);
  if (raw.length < worthwhile) return;
  await writeFile(`${file}.gz`, gzipSync(raw, { level: 9 }));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: raw.length };
  await writeFile(`${file}.br`, brotliCompressSync(raw, { params }));
}
