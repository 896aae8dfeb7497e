import type { Definition } from 'nock'
import { nextLinkOf, type Situation } from './situation.ts'

/** What became of a situation. */
export type Recorded =
  | { readonly kind: 'recorded'; readonly situation: Situation }
  | { readonly kind: 'skipped'; readonly why: string }

export interface RecordOptions {
  /** Situations whose requests are sent again, by name. */
  readonly situations: ReadonlyMap<string, Situation>
  /** FHIR base of the live server, without a slash at its end. */
  readonly base: string
  /** Access token for the live server; it is sent, never written. */
  readonly token?: string
}

/** Response headers that are kept; cookies and everything that might be a secret are not among them. */
const keptHeaders = [
  'content-type',
  'etag',
  'last-modified',
  'location',
  'retry-after',
  'x-cache',
  'x-request-id',
]

/**
 * Asks a live server the requests of a fixtures folder again, and yields the answers in the form of the fixtures. A page
 * is reached by its first page: page tokens belong to the server that gave them.
 */
export async function* recordAnew(options: RecordOptions): AsyncGenerator<[name: string, result: Recorded]> {
  const done = new Map<string, Recorded>()
  for (const name of options.situations.keys()) yield [name, await recordOne(options, name, done)]
}

async function recordOne(
  options: RecordOptions,
  name: string,
  done: Map<string, Recorded>,
): Promise<Recorded> {
  const earlier = done.get(name)
  if (earlier !== undefined) return earlier
  const situation = options.situations.get(name)
  if (situation === undefined) return { kind: 'skipped', why: 'there is no such situation' }
  const result = await recordSituation(options, situation, done)
  done.set(name, result)
  return result
}

async function recordSituation(
  options: RecordOptions,
  situation: Situation,
  done: Map<string, Recorded>,
): Promise<Recorded> {
  const { request, response } = situation
  if (request.as !== undefined) return { kind: 'skipped', why: 'it belongs to a caller of its own' }
  const isPage = request.path.includes('_getpages=') && response.status === 200
  if (!isPage) return ask(options, situation, request.path)
  const before = [...options.situations].find(([, one]) =>
    nextLinkOf(one.response.body)?.endsWith(request.path),
  )
  if (before === undefined) return { kind: 'skipped', why: 'the page before it is not among the situations' }
  const first = await recordOne(options, before[0], done)
  const next = first.kind === 'recorded' ? nextLinkOf(first.situation.response.body) : undefined
  if (next === undefined) return { kind: 'skipped', why: 'the page before it has no next one on this server' }
  return ask(options, situation, new URL(next).search)
}

async function ask(options: RecordOptions, situation: Situation, path: string): Promise<Recorded> {
  const { request } = situation
  const definition = await observed(options, { ...request, path })
  if (definition?.status === undefined) return { kind: 'skipped', why: 'the server did not answer' }
  const body = parsed(definition.response)
  const recorded: Situation = {
    request: { ...request, path, headers: withoutSecrets(request.headers) },
    response: {
      status: definition.status,
      headers: kept(definition.rawHeaders ?? {}),
      body: cutLike(situation.response.body, body),
    },
  }
  if (options.token !== undefined && JSON.stringify(recorded).includes(options.token)) {
    return { kind: 'skipped', why: 'the answer repeats the token' }
  }
  return { kind: 'recorded', situation: recorded }
}

/** Sends one request with nock's recorder listening, and returns what it heard. */
async function observed(
  { base, token }: RecordOptions,
  request: Situation['request'],
): Promise<Definition | undefined> {
  const { default: nock } = await import('nock')
  nock.restore()
  nock.recorder.clear()
  nock.recorder.rec({ output_objects: true, dont_print: true })
  try {
    const response = await fetch(`${base}${request.path}`, {
      method: request.method,
      redirect: 'manual',
      headers: {
        ...withoutSecrets(request.headers),
        // The recorder keeps packed bodies as they are packed.
        'Accept-Encoding': 'identity',
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      ...(request.body === undefined ? {} : { body: bodyOf(request.body) }),
    })
    await response.arrayBuffer()
    const heard = nock.recorder.play()
    return heard.find((one): one is Definition => typeof one === 'object')
  } catch {
    return undefined
  } finally {
    nock.recorder.clear()
    nock.restore()
  }
}

function withoutSecrets(headers: Situation['request']['headers']): Record<string, string> {
  const kept = Object.entries(headers).filter(
    ([name]) => !/^(authorization|cookie|proxy-authorization)$/i.test(name),
  )
  return Object.fromEntries(kept)
}

function kept(headers: NonNullable<Definition['rawHeaders']>): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    [value].flat().join(', '),
  ])
  return Object.fromEntries(entries.filter(([name = '']) => keptHeaders.includes(name)))
}

/** A search by POST is kept as its form, anything else as its JSON. */
function bodyOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body)
}

function parsed(body: unknown): unknown {
  if (typeof body !== 'string') return body
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}

interface Statement {
  readonly resourceType: string
  readonly rest?: readonly { readonly resource?: readonly { readonly type: string }[] }[]
}

/** A whole CapabilityStatement has megabytes: it is cut to the types that the recorded one was cut to. */
function cutLike(before: unknown, now: unknown): unknown {
  if (!isStatement(before) || !isStatement(now)) return now
  const types = before.rest?.[0]?.resource?.map(({ type }) => type)
  if (types === undefined) return now
  const rest = now.rest?.map((one) => ({
    ...one,
    ...(one.resource === undefined
      ? {}
      : { resource: one.resource.filter(({ type }) => types.includes(type)) }),
  }))
  return rest === undefined ? now : { ...now, rest }
}

function isStatement(body: unknown): body is Statement {
  return (
    typeof body === 'object' &&
    body !== null &&
    'resourceType' in body &&
    body.resourceType === 'CapabilityStatement'
  )
}
