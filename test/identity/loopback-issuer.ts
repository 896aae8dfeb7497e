import { KeyObject, sign as signData } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { expect } from 'vitest'
import { type AuthOptions, authSchema } from '../../src/config/auth.ts'
import type { IdentifyDependencies } from '../../src/identity/create-identify.ts'

/** The frozen clock of these tests, in milliseconds and in seconds since the epoch. */
export const nowMs = Date.UTC(2026, 10, 23, 12)
export const now = nowMs / 1000
export const audience = 'https://mcp.example.org/mcp'
export const claim = {
  studies: ['30006', '30007'],
  organizations: [{ id: '20009', name: 'Northlake Clinic', role: 'member' }],
}

export interface Seen {
  readonly method: string
  /** Path with query. */
  readonly path: string
  readonly authorization: string | undefined
  readonly body: string
}

export type Answer =
  | { readonly status?: number; readonly body: unknown; readonly headers?: Record<string, string> }
  | ((response: ServerResponse, seen: Seen) => void)

/** A real server on loopback: routes by path with or without query, and a record of what arrived. */
export interface Loopback {
  readonly origin: string
  readonly seen: readonly Seen[]
  /** How many requests came for a path. */
  count(path: string): number
  /** Answers a path: always, or one after the other (the last one stays). */
  on(path: string, ...answers: Answer[]): void
  close(): Promise<void>
}

export async function startLoopback(): Promise<Loopback> {
  const routes = new Map<string, Answer[]>()
  const seen: Seen[] = []
  const server = createServer((request, response) => void answer(request, response))
  async function answer(request: IncomingMessage, response: ServerResponse) {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const path = request.url ?? ''
    const entry = {
      method: request.method ?? '',
      path,
      authorization: request.headers.authorization,
      body: Buffer.concat(chunks).toString(),
    }
    seen.push(entry)
    const answers = routes.get(path) ?? routes.get(path.split('?')[0] ?? '')
    const next = answers !== undefined && answers.length > 1 ? answers.shift() : answers?.[0]
    if (typeof next === 'function') return next(response, entry)
    const body = next?.body ?? { detail: 'Not found.' }
    response.writeHead(next === undefined ? 404 : (next.status ?? 200), {
      'content-type': 'application/json',
      ...next?.headers,
    })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    seen,
    count: (path) => seen.filter((entry) => entry.path.split('?')[0] === path).length,
    on: (path, ...answers) => void routes.set(path, answers),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export interface SigningKey {
  readonly alg: string
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
}

export async function signingKey(alg: string, kid: string): Promise<SigningKey> {
  return { alg, kid, ...(await generateKeyPair(alg, { extractable: true })) }
}

/** The public half of keys as a JWK set. */
export async function jwksOf(...keys: SigningKey[]) {
  const jwks = keys.map(async ({ alg, kid, publicKey }) => ({
    ...(await exportJWK(publicKey)),
    alg,
    kid,
    use: 'sig',
  }))
  return { keys: await Promise.all(jwks) }
}

/** Signs claims; a claim or header that is undefined is left out. */
export async function sign(key: SigningKey, claims: JWTPayload, header: Record<string, unknown> = {}) {
  const given = { alg: key.alg, kid: key.kid, ...header }
  return new SignJWT(JSON.parse(JSON.stringify(claims)))
    .setProtectedHeader(JSON.parse(JSON.stringify(given)))
    .sign(key.privateKey)
}

/** Signs a header and a payload as they stand, by RS256, whatever they say. */
export function signRaw(key: SigningKey, header: Record<string, unknown>, payload: string): string {
  const encode = (text: string) => Buffer.from(text).toString('base64url')
  const input = `${encode(JSON.stringify(header))}.${encode(payload)}`
  const signature = signData('RSA-SHA256', Buffer.from(input), KeyObject.from(key.privateKey))
  return `${input}.${signature.toString('base64url')}`
}

/** An issuer at `<origin>/o` with discovery, keys, introspection and userinfo, as a JupyterHealth Exchange has them. */
export interface Issuer extends Loopback {
  readonly issuer: string
  readonly key: SigningKey
  /** Claims of a good access token. */
  claims(changes?: Record<string, unknown>): JWTPayload
  /** A signed access token; changes with undefined leave claims out. */
  accessToken(changes?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
  /** A signed ID token for the client `gateway`. */
  idToken(changes?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
  options(changes?: Partial<AuthOptions>): AuthOptions
}

export const paths = {
  discovery: '/o/.well-known/openid-configuration',
  keys: '/o/.well-known/jwks.json',
  introspection: '/o/introspect/',
  userinfo: '/o/userinfo/',
  organizations: '/api/v1/organizations',
  studies: '/api/v1/studies',
  profile: '/api/v1/users/profile',
} as const

export async function startIssuer(key: SigningKey): Promise<Issuer> {
  const loopback = await startLoopback()
  const issuer = `${loopback.origin}/o`
  loopback.on(paths.discovery, {
    body: {
      issuer,
      jwks_uri: loopback.origin + paths.keys,
      userinfo_endpoint: loopback.origin + paths.userinfo,
    },
  })
  loopback.on(paths.keys, { body: await jwksOf(key) })
  const claims = (changes: Record<string, unknown> = {}): JWTPayload => ({
    iss: issuer,
    sub: '10013',
    aud: audience,
    client_id: 'gateway',
    iat: now - 10,
    exp: now + 3600,
    jhe_permissions: claim,
    ...changes,
  })
  return {
    ...loopback,
    issuer,
    key,
    claims,
    accessToken: (changes, header) => sign(key, claims(changes), { typ: 'at+jwt', ...header }),
    idToken: (changes, header) =>
      sign(key, claims({ aud: 'gateway', client_id: undefined, ...changes }), { typ: 'JWT', ...header }),
    options: (changes) => ({ ...authSchema.parse({ issuer, audience }), ...changes }),
  }
}

/** A clock that stands still until it is told to move. */
export function frozenClock() {
  let time = nowMs
  const advance = (seconds: number) => {
    time += seconds * 1000
  }
  return { now: () => time, advance }
}

export function dependencies(changes: Partial<IdentifyDependencies> = {}): IdentifyDependencies {
  return { now: () => nowMs, ...changes }
}

/** A signal that never ends. */
export const { signal } = new AbortController()

/** Ids that permissions name. */
export const idsOf = (entries: ReadonlyMap<string, unknown>) => [...entries.keys()]

/** What a refusal looks like to `toThrow`-like matchers. */
export const refusal = (name: string) => expect.objectContaining({ code: `FHIR_MCP_${name}` })
