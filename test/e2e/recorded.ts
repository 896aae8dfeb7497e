import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A recorded situation of `fixtures/`. */
export interface Situation {
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers?: Record<string, string>
    readonly as?: string | null
    readonly body?: unknown
  }
  readonly response: {
    readonly status: number
    readonly headers: Record<string, string>
    readonly body: unknown
  }
}

export type Server = 'hapi-r4' | 'hapi-r5' | 'jupyterhealth-r5'

/** The folder of a server's fixtures. */
export function folderOf(server: Server): string {
  return fileURLToPath(new URL(`../../fixtures/${server}/`, import.meta.url))
}

/** All situations of a server, by the request that they answer. */
export function situationsOf(server: Server): Map<string, Situation> {
  const folder = folderOf(server)
  const byRequest = new Map<string, Situation>()
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.json')) continue
    const situation = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Situation
    byRequest.set(keyOf(situation.request.method, situation.request.path, situation.request.body), situation)
  }
  return byRequest
}

/** A request without what does not change its answer: the order of parameters and the look of the JSON. */
export function keyOf(method: string, path: string, body: unknown): string {
  const url = new URL(path, 'https://exchange.test')
  const form = method === 'POST' && typeof body === 'string' ? [...new URLSearchParams(body)] : []
  const pairs = [...url.searchParams, ...form].filter(([name]) => name !== '_pretty')
  const sorted = pairs.map(([name, value]) => `${name}=${value}`).sort()
  return `${method} ${url.pathname}?${sorted.join('&')}`
}
