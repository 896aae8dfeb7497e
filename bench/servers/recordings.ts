import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'undici'

/** An answer that can be sent at once. */
export interface Recording {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Answers by what was asked. */
export interface Recordings {
  find(method: string, target: string, body: string): Recording | undefined
  /** Asks the server behind, and keeps its answer. */
  record(method: string, target: string, body: string, headers: IncomingHttpHeaders): Promise<Recording>
}

/** Makes the recordings of the server at `origin`, which is to answer as if it were `host`. */
export function createRecordings(origin: string, host: string): Recordings {
  const kept = new Map<string, Recording>()
  const keyOf = (method: string, target: string, body: string) => `${method} ${target} ${body}`
  return {
    find: (method, target, body) => kept.get(keyOf(method, target, body)),
    async record(method, target, body, headers) {
      const { authorization, accept, 'content-type': type } = headers
      const answered = await request(`${origin}${target}`, {
        method: method === 'POST' ? 'POST' : 'GET',
        headers: {
          host,
          ...(authorization === undefined ? {} : { authorization }),
          ...(accept === undefined ? {} : { accept }),
          ...(type === undefined ? {} : { 'content-type': type }),
        },
        body: method === 'POST' ? body : null,
      })
      const bytes = Buffer.from(await answered.body.arrayBuffer())
      const recording = recordingOf(
        answered.statusCode,
        String(answered.headers['content-type'] ?? 'application/json'),
        bytes,
      )
      kept.set(keyOf(method, target, body), recording)
      return recording
    },
  }
}

/** Makes an answer. */
export function recordingOf(status: number, type: string, body: Buffer): Recording {
  return { status, headers: { 'content-type': type, 'content-length': String(body.length) }, body }
}
