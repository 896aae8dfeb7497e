// @ts-check
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

/**
 * The files that drawing takes besides its code, from the packages that have them. A bundle has the same two functions over a
 * copy of the files (`scripts/bundled-thread.mjs`).
 */
const require = createRequire(import.meta.url)

/** What is read, by the names of their packages. */
export const files = /** @type {const} */ ({
  wasm: '@resvg/resvg-wasm/index_bg.wasm',
  fonts: [400, 600].map((weight) => `@fontsource/inter/files/inter-latin-${weight}-normal.woff2`),
})

/** @returns {Promise<Uint8Array>} */
export function wasmFile() {
  return readFile(require.resolve(files.wasm))
}

/** @returns {Promise<Uint8Array[]>} */
export function fontFiles() {
  return Promise.all(files.fonts.map((file) => readFile(require.resolve(file))))
}
