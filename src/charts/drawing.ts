import { Worker } from 'node:worker_threads'
import type { TopLevelSpec } from 'vega-lite'
import type { Drawing, Drawn } from './thread.mjs'

/** Draws pictures. */
export interface Artist {
  /** A PNG of the specification. Throws the reason of `signal` when the caller has gone, and an Error for a fault of ours. */
  draw(spec: TopLevelSpec, signal: AbortSignal): Promise<Uint8Array>
}

const threadFile = new URL('./thread.mjs', import.meta.url)
/** The longest that a picture may take, and how long a thread that draws none keeps its memory. Milliseconds. */
const longest = 30_000
const idle = 60_000

interface Waiting {
  readonly resolve: (png: Uint8Array) => void
  readonly reject: (reason: unknown) => void
}

/**
 * An artist with a thread of its own, begun with the first picture and ended a minute after the last: drawing takes tenths of a
 * second, in which the process would answer nobody, and over 100 MB.
 */
export function createArtist(file: URL = threadFile): Artist {
  const waiting = new Map<number, Waiting>()
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

  function begin(): Worker {
    // No variables of the environment: there are secrets among them. Nothing written there may reach a client over stdio.
    const begun = new Worker(file, { env: {}, execArgv: [], stdout: true, stderr: true })
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
    clearTimeout(ending)
    worker ??= begin()
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
