/**
 * Writes the program of the chart thread into `dist/src/charts/bundled-thread.js`: its code, the packages that it imports, and
 * their files, as one text. It is for gateways that are bundled; all others start `thread.mjs`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants } from 'node:zlib'
import { build } from 'esbuild'
import { fontFiles, wasmFile } from '../src/charts/assets.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = join(root, 'dist/src/charts/bundled-thread.js')

// A fifth larger than with all effort, in a hundredth of the time.
const params = { [constants.BROTLI_PARAM_QUALITY]: 5 }
const packed = (bytes) => JSON.stringify(brotliCompressSync(bytes, { params }).toString('base64'))
const assets = `
  import { brotliDecompressSync } from 'node:zlib'
  const unpacked = (text) => brotliDecompressSync(Buffer.from(text, 'base64'))
  export const wasmFile = async () => unpacked(${packed(await wasmFile())})
  export const fontFiles = async () => [${(await fontFiles()).map(packed).join(', ')}].map(unpacked)
`

const { outputFiles, metafile } = await build({
  entryPoints: [join(root, 'src/charts/thread.mjs')],
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify: true,
  legalComments: 'none',
  // Of two that do without a canvas the one that does not look for it: a script cannot wait for an import.
  alias: { 'vega-canvas': join(root, 'node_modules/vega-canvas/build/vega-canvas.browser.js') },
  write: false,
  metafile: true,
  logLevel: 'warning',
  absWorkingDir: root,
  plugins: [
    {
      name: 'assets',
      setup({ onLoad }) {
        onLoad({ filter: /[\\/]charts[\\/]assets\.mjs$/ }, () => ({ contents: assets, loader: 'js' }))
      },
    },
  ],
})
const [code] = outputFiles
const packages = packagesWithin()
const names = packages.map(({ name, version, license }) => ` * ${name} ${version} (${license})`).join('\n')
writeFileSync(
  out,
  `/*! Their licences are in bundled-thread.licences.txt of fastify-fhir-mcp.\n${names}\n */\nexport const bundledThread = ${JSON.stringify(code.text)}\n`,
)
writeFileSync(
  out.replace(/\.js$/, '.licences.txt'),
  packages
    .map(({ name, version, source, text }) => `${name} ${version}\n${source}\n\n${text}\n`)
    .join('\n\n'),
)

/** Every package of which something is in the text, each once. */
function packagesWithin() {
  const read = [
    ...Object.keys(metafile.inputs),
    'node_modules/@resvg/resvg-wasm',
    'node_modules/@fontsource/inter',
  ]
  const folders = new Set(read.flatMap((path) => folderOf(path) ?? []))
  return [...folders].sort().map((folder) => {
    const { name, version, license, repository } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    )
    const file = readdirSync(folder).find((one) => /^(un)?licen[cs]e/i.test(one))
    const text = file === undefined ? license : readFileSync(join(folder, file), 'utf8').trim()
    return { name, version, license, source: repository?.url ?? repository ?? '', text }
  })
}

/** The folder of the package that a file is of; undefined for a file of ours. */
function folderOf(path) {
  const [folder] = /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path) ?? []
  return folder === undefined ? undefined : join(root, folder)
}
