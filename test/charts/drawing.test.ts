import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { chartOf } from '../../src/charts/chart.ts'
import { createArtist } from '../../src/charts/drawing.ts'
import { pngOf, svgOf } from '../../src/charts/render.mjs'
import { sizeOfPng } from './png.ts'

const folder = mkdtempSync(join(tmpdir(), 'charts-'))
const never = new AbortController().signal
const { spec } = chartOf({
  panels: [
    {
      kind: 'line',
      type: 'heart-rate',
      title: 'Heart rate',
      unit: 'beats/min',
      joined: true,
      points: [{ at: Date.UTC(2026, 9, 1), value: 60 }],
    },
  ],
  zone: 'UTC',
  theme: 'light',
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A thread that does something else than to draw. */
function threadOf(name: string, code: string): URL {
  const file = join(folder, name)
  writeFileSync(file, `import { parentPort } from 'node:worker_threads'\n${code}`)
  return pathToFileURL(file)
}

describe('the artist', () => {
  it('draws in a thread what it draws without one', async () => {
    const direct = await pngOf(await svgOf(spec))
    const artist = createArtist()
    const [one, two] = await Promise.all([artist.draw(spec, never), artist.draw(spec, never)])
    expect(Buffer.from(one).equals(direct)).toBe(true)
    expect(Buffer.from(two).equals(direct)).toBe(true)
    expect(sizeOfPng(one).width).toBeGreaterThan(1100)
  })

  it('gives the thread nothing of the environment', async () => {
    const file = threadOf(
      'environment.mjs',
      `parentPort.on('message', ({ id }) => parentPort.postMessage({ id, png: Buffer.from(JSON.stringify(process.env)) }))`,
    )
    expect(Buffer.from(await createArtist(file).draw(spec, never)).toString()).toBe('{}')
  })

  it('says that a picture could not be drawn, in no words of the data, and draws the next', async () => {
    const artist = createArtist()
    const wrong: typeof spec = JSON.parse(JSON.stringify({ ...spec, vconcat: [{ mark: 'Achebe' }] }))
    await expect(artist.draw(wrong, never)).rejects.toThrow(/^The picture could not be drawn$/)
    expect((await artist.draw(spec, never)).length).toBeGreaterThan(1000)
  })

  it('fails a picture whose thread ends, and begins another', async () => {
    const file = threadOf('ending.mjs', `parentPort.on('message', () => process.exit(1))`)
    const artist = createArtist(file)
    for (const _ of [1, 2]) await expect(artist.draw(spec, never)).rejects.toThrow('has ended')
  })

  it('waits no longer than its caller', async () => {
    const gone = new AbortController()
    const artist = createArtist(threadOf('idle.mjs', `parentPort.on('message', () => undefined)`))
    const drawing = artist.draw(spec, gone.signal)
    gone.abort(new Error('gone'))
    await expect(drawing).rejects.toThrow('gone')
    await expect(artist.draw(spec, gone.signal)).rejects.toThrow('gone')
  })
})

describe('a file', () => {
  it('gets fewer dots where it would be too large', async () => {
    let seed = 1
    const random = (most: number) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % most
    }
    const noise = Array.from({ length: 20_000 }, () => {
      const fill = `rgb(${random(256)},${random(256)},${random(256)})`
      return `<circle cx="${random(600)}" cy="${random(900)}" r="1.3" fill="${fill}"/>`
    })
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="900">${noise.join('')}</svg>`
    expect(sizeOfPng(await pngOf(svg)).width).toBe(600)
    expect(sizeOfPng(await pngOf(await svgOf(spec))).width).toBeGreaterThan(1100)
  })
})
