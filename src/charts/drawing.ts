import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { TopLevelSpec } from 'vega-lite'
import type { Drawing, Drawn } from './thread.mjs'

/** Draws pictures. */
export interface Artist {
  /** A PNG of the specification. Throws the reason of `signal` when the caller has gone, and an Error for a fault of ours. */
  draw(spec: TopLevelSpec, signal: AbortSignal): Promise<Uint8Array>
}

/** The longest that a picture may take, and how long a thread that draws none keeps its memory. Milliseconds. */
const longest = 30_000
const idle = 60_000

/** What the thread runs: a file, or a text that has all of it. */
type Program = URL | { readonly code: string }

/** The file of the thread is beside this one, but for a bundle: bundlers put this module elsewhere, or leave `import.meta` empty. */
async function programOfThread(): Promise<Program> {
  const here: string | undefined = import.meta.url
  const file = here === undefined ? undefined : new URL('./thread.mjs', here)
  if (file !== undefined && existsSync(file)) return file
  const { bundledThread } = await import('./bundled-thread.ts')
  if (bundledThread === undefined) throw new Error('The file of the thread that draws is not there')
  return { code: bundledThread }
}

interface Waiting {
  readonly resolve: (png: Uint8Array) => void
  readonly reject: (reason: unknown) => void
}

/**
 * An artist with a thread of its own, begun with the first picture and ended a minute after the last: drawing takes tenths of a
 * second, in which the process would answer nobody, and over 100 MB.
 */
export function createArtist(given?: URL): Artist {
  const waiting = new Map<number, Waiting>()
  let program: Promise<Program> | undefined
  let worker: Worker | undefined
  let ending: NodeJS.Timeout | undefined
  let count = 0

  function end(failed: Worker): void {
    if (worker !== failed) return
    worker = undefined
    for (const { reject } of waiting.values()) reject(new Error('The thread that draws has ended'))
    waiting.clear()
    void failed.terminate()
  }

  function begin(of: Program): Worker {
    // No variables of the environment: there are secrets among them. Nothing written there may reach a client over stdio.
    const surroundings = { env: {}, execArgv: [], stdout: true, stderr: true }
    const begun =
      of instanceof URL ? new Worker(of, surroundings) : new Worker(of.code, { ...surroundings, eval: true })
    begun.on('message', ({ id, png }: Drawn) => {
      const found = waiting.get(id)
      if (png === undefined) found?.reject(new Error('The picture could not be drawn'))
      else found?.resolve(png)
    })
    begun.on('error', () => end(begun))
    begun.on('exit', () => end(begun))
    return begun
  }

  async function draw(spec: TopLevelSpec, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted()
    program ??= given === undefined ? programOfThread() : Promise.resolve(given)
    const of = await program
    signal.throwIfAborted()
    clearTimeout(ending)
    worker ??= begin(of)
    const drawing = worker
    const id = ++count
    drawing.ref()
    const overdue = setTimeout(() => end(drawing), longest).unref()
    const onGone = () => waiting.get(id)?.reject(signal.reason)
    signal.addEventListener('abort', onGone, { once: true })
    try {
      return await new Promise<Uint8Array>((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        drawing.postMessage({ id, spec } satisfies Drawing)
      })
    } finally {
      clearTimeout(overdue)
      signal.removeEventListener('abort', onGone)
      waiting.delete(id)
      if (waiting.size === 0) {
        drawing.unref()
        ending = setTimeout(() => end(drawing), idle).unref()
      }
    }
  }

  return { draw }
}
