// @ts-check
// JavaScript, because it runs in a thread: a thread is given to Node as it is, past whatever runs TypeScript from its source.
import { fontFiles, wasmFile } from './assets.mjs'
import { textWidth } from './text-width.mjs'

/** Dots of the picture for one CSS pixel: two, and fewer where the file would be too large. */
const zooms = /** @type {const} */ ([2, 1.5, 1])
/** The largest file that is made with more than one dot for a pixel. */
export const mostBytes = 150_000

/** @type {Promise<typeof import('@resvg/resvg-wasm')> | undefined} */
let wasm
/** @type {Promise<Uint8Array[]> | undefined} */
let fonts

/**
 * Draws a Vega-Lite specification as SVG, 1 unit a CSS pixel. Nothing is read from anywhere: the data are in the specification.
 *
 * @param {import('vega-lite').TopLevelSpec} spec
 * @returns {Promise<string>}
 */
export async function svgOf(spec) {
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')])
  // Vega's own place for this, which its types do not have.
  const metrics = Reflect.get(vega, 'textMetrics')
  if (typeof metrics === 'object' && metrics !== null) Object.assign(metrics, { width: textWidth })
  const logger = vega.logger(vega.None)
  const view = new vega.View(vega.parse(compile(spec, { logger }).spec), { renderer: 'none', logger })
  try {
    return await view.toSVG()
  } finally {
    view.finalize()
  }
}

/**
 * Turns an SVG into a PNG, two dots for a pixel where that is at most 150 KB. Its letters are Inter's.
 *
 * @param {string} svg
 * @returns {Promise<Uint8Array>}
 */
export async function pngOf(svg) {
  wasm ??= loadWasm()
  fonts ??= fontFiles()
  const [{ Resvg }, fontBuffers] = await Promise.all([wasm, fonts])
  const draw = (/** @type {number} */ zoom) => {
    const resvg = new Resvg(svg, {
      fitTo: { mode: 'zoom', value: zoom },
      font: { fontBuffers, defaultFontFamily: 'Inter' },
    })
    const image = resvg.render()
    const png = image.asPng()
    image.free()
    resvg.free()
    return png
  }
  let png = draw(zooms[0])
  for (const zoom of zooms.slice(1)) {
    if (png.length <= mostBytes) break
    png = draw(zoom)
  }
  return png
}

async function loadWasm() {
  const resvg = await import('@resvg/resvg-wasm')
  await resvg.initWasm(await wasmFile())
  return resvg
}
