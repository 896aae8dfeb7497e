import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import nock from 'nock'
import { request } from 'undici'
import { folderOf, keyOf, type Server, type Situation, situationsOf } from './recorded.ts'

/** Where the replayed exchange is, by nobody's real name. */
export const replayOrigin = 'https://exchange.test'

/** An exchange that nock plays from recorded situations. */
export interface Replay {
  /** FHIR base URL. */
  readonly baseUrl: string
  /** Requests that came, as `METHOD path?query`. */
  readonly asked: string[]
  /** Requests that no situation answers. */
  readonly unknown: string[]
  /** What a request that is recorded now is named for. */
  situation: string
  close(): void
}

/**
 * What answers a request that was not recorded: nothing (a 599, and the test says which request), or a server behind, which
 * is asked past nock. With `record`, its answers become situations.
 */
export interface Behind {
  readonly origin: string
  readonly record?: boolean
}

/** Plays a server from its fixtures: `fetch` to `replayOrigin` never reaches a network. */
export function replay(server: Server, basePath: string, behind?: Behind): Replay {
  const situations = situationsOf(server)
  const asked: string[] = []
  const unknown: string[] = []
  const played: Replay = {
    baseUrl: `${replayOrigin}${basePath}`,
    asked,
    unknown,
    situation: 'unnamed',
    close: () => nock.cleanAll(),
  }
  const root = server === 'jupyterhealth-r5' ? '' : basePath

  async function answer(method: string, uri: string, body: unknown, headers: Record<string, string>) {
    asked.push(`${method} ${uri}`)
    const path = uri.startsWith(root) ? uri.slice(root.length) : uri
    const known = find(situations, method, path, body)
    if (known !== undefined) return [known.response.status, bodyOf(known), headersOf(known)] as const
    if (behind === undefined) {
      unknown.push(`${method} ${uri} ${typeof body === 'string' ? body : ''}`)
      return [599, { resourceType: 'OperationOutcome', issue: [] }, {}] as const
    }
    const situation = await ask(behind.origin, method, uri, path, body, headers)
    if (behind.record) keep(situations, server, played.situation, situation)
    return [situation.response.status, bodyOf(situation), headersOf(situation)] as const
  }

  const scope = nock(replayOrigin).persist()
  for (const verb of ['get', 'post'] as const) {
    scope[verb](/.*/).reply(async function reply(uri, body) {
      const headers = Object.fromEntries(
        Object.entries(this.req.headers).map(([name, value]) => [name, String(value)]),
      )
      const form =
        typeof body === 'object' && body !== null
          ? new URLSearchParams(body as Record<string, string>).toString()
          : body
      const [status, content, fields] = await answer(verb.toUpperCase(), uri, form, headers)
      return [status, content, fields]
    })
  }
  return played
}

/** The exact situation; JupyterHealth answers page 1 also when it is not asked for by number. */
function find(
  situations: Map<string, Situation>,
  method: string,
  path: string,
  body: unknown,
): Situation | undefined {
  return (
    situations.get(keyOf(method, path, body)) ??
    situations.get(keyOf(method, path.replace(/([?&])_page=1(&|$)/, '$1'), body))
  )
}

function bodyOf({ response }: Situation): string {
  return typeof response.body === 'string' ? response.body : JSON.stringify(response.body)
}

function headersOf({ response }: Situation): Record<string, string> {
  return { 'content-type': response.headers['content-type'] ?? 'application/fhir+json' }
}

async function ask(
  origin: string,
  method: string,
  uri: string,
  path: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<Situation> {
  const sent = ['accept', 'authorization', 'cache-control', 'content-type']
    .filter((name) => headers[name] !== undefined)
    .map((name) => [name, headers[name] ?? ''] as const)
  const withoutToken = Object.fromEntries(sent.filter(([name]) => name !== 'authorization'))
  const answered = await request(`${origin}${uri}`, {
    method: method === 'POST' ? 'POST' : 'GET',
    headers: Object.fromEntries(sent),
    ...(method === 'POST' ? { body: String(body) } : {}),
  })
  const text = await answered.body.text()
  const type = String(answered.headers['content-type'] ?? 'application/json')
  return {
    request: { method, path, headers: withoutToken, ...(method === 'POST' ? { body } : {}) },
    response: {
      status: answered.statusCode,
      headers: { 'content-type': type },
      body: type.includes('json') ? JSON.parse(text) : text,
    },
  }
}

function keep(situations: Map<string, Situation>, server: Server, name: string, situation: Situation): void {
  const { method, path, body } = situation.request
  situations.set(keyOf(method, path, body), situation)
  let number = 1
  const file = () => join(folderOf(server), `${name}-${number}.json`)
  for (;;) {
    try {
      writeFileSync(file(), `${JSON.stringify(situation, null, 1)}\n`, { flag: 'wx' })
      return
    } catch {
      number += 1
    }
  }
}
