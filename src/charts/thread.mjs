// @ts-check
import { parentPort } from 'node:worker_threads'
import { pngOf, svgOf } from './render.mjs'

/**
 * What the thread is asked to draw, and its answer: without a picture it could not be drawn.
 *
 * @typedef {{ readonly id: number, readonly spec: import('vega-lite').TopLevelSpec }} Drawing
 * @typedef {{ readonly id: number, readonly png?: Uint8Array }} Drawn
 */

parentPort?.on('message', async (/** @type {Drawing} */ { id, spec }) => {
  parentPort?.postMessage(await drawn(id, spec))
})

/**
 * What went wrong stays here: its words may hold data.
 *
 * @param {number} id
 * @param {import('vega-lite').TopLevelSpec} spec
 * @returns {Promise<Drawn>}
 */
async function drawn(id, spec) {
  try {
    return { id, png: await pngOf(await svgOf(spec)) }
  } catch {
    return { id }
  }
}
