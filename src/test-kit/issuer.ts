import { createHash, randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from 'jose'
import type { StandInAnswer } from './answer.ts'
import { bodyOf, headersOf, listen, send } from './server.ts'

/** Algorithms that the issuer has a key for, and publishes it. */
export type IssuerAlgorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA'

/** How a token is made when it is not to be an ordinary one. */
export interface TokenOptions {
  /** Default RS256. `none` makes an unsigned token; HS256 needs a `key`. */
  readonly alg?: IssuerAlgorithm | 'HS256' | 'none'
  /** Default: that of the published key. */
  readonly kid?: string
  /** A key of another hand, or a secret for HS256. */
  readonly key?: CryptoKey | Uint8Array
  /** Default `at+jwt`. */
  readonly typ?: string
  /** Seconds from now until `exp`; negative: expired. Default 600. */
  readonly expiresIn?: number
}

/** What the issuer knows of an opaque token. */
export interface OpaqueToken {
  /** What introspection answers (RFC 7662); `active` is true where it is not said. */
  readonly introspection?: Readonly<Record<string, unknown>>
  /** What userinfo answers; undefined: 401. */
  readonly userinfo?: Readonly<Record<string, unknown>>
}

/** A request that reached the issuer. */
export interface IssuerRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

/** An issuer that runs. */
export interface TestIssuer {
  /** The issuer's identifier, and its origin. */
  readonly url: string
  readonly jwksUri: string
  readonly introspectionUrl: string
  readonly userinfoUrl: string
  /** Client that may introspect. */
  readonly client: { readonly id: string; readonly secret: string }
  /** Signs a token: `iss`, `sub`, `iat`, `exp` and `jti` are filled in where the claims leave them out; `aud` is yours. */
  token(claims: JWTPayload, options?: TokenOptions): Promise<string>
  /** Makes an opaque token that introspection and userinfo know; without arguments one that neither takes. */
  opaque(known?: OpaqueToken): string
  /** Replaces all keys; tokens of the old ones do not verify any more. */
  rotate(): Promise<void>
  readonly requests: readonly IssuerRequest[]
  readonly count: number
  reset(): void
  close(): Promise<void>
}

export interface IssuerOptions {
  /** Port on 127.0.0.1; by default a free one. */
  readonly port?: number
  /** The clock, in milliseconds since the epoch. */
  readonly now?: () => number
}

interface SigningKey {
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

const algorithms: readonly IssuerAlgorithm[] = ['RS256', 'PS256', 'ES256', 'EdDSA']

/**
 * Starts a small OIDC issuer on a loopback port: discovery, JWKS, introspection and userinfo, and a way to sign any
 * claims, right or wrong. It has no login.
 *
 * @example
 * const issuer = await startIssuer()
 * const token = await issuer.token({ aud: 'https://gateway.example/mcp', ...permissionsClaim({ studies: ['study-a'] }) })
 */
export async function startIssuer(options: IssuerOptions = {}): Promise<TestIssuer> {
  const now = options.now ?? Date.now
  const client = { id: 'test-kit', secret: 'test-kit-secret' }
  let keys = await makeKeys()
  let requests: IssuerRequest[] = []
  const opaque = new Map<string, OpaqueToken>()
  const server = await listen(async (request, response) => {
    const arrived = await record(request)
    requests.push(arrived)
    send(request, response, answer(arrived, server.origin, { keys, opaque, client }))
  }, options.port ?? 0)
  return {
    url: server.origin,
    ...endpoints(server.origin),
    client,
    token: (claims, asked = {}) => sign(claims, asked, server.origin, keys, now),
    opaque(known = {}) {
      const token = randomUUID().replaceAll('-', '')
      opaque.set(token, known)
      return token
    },
    async rotate() {
      keys = await makeKeys()
    },
    get requests() {
      return requests
    },
    get count() {
      return requests.length
    },
    reset() {
      requests = []
    },
    close: server.close,
  }
}

type Keys = ReadonlyMap<string, SigningKey>

async function makeKeys(): Promise<Keys> {
  const made = algorithms.map(async (alg) => {
    const { publicKey, privateKey } = await generateKeyPair(alg)
    const jwk = await exportJWK(publicKey)
    const kid = createHash('sha256').update(JSON.stringify(jwk)).digest('base64url').slice(0, 16)
    return [alg, { privateKey, jwk: { ...jwk, alg, use: 'sig', kid } }] as const
  })
  return new Map<string, SigningKey>(await Promise.all(made))
}

async function sign(
  claims: JWTPayload,
  options: TokenOptions,
  issuer: string,
  keys: Keys,
  now: () => number,
): Promise<string> {
  const alg = options.alg ?? 'RS256'
  const iat = Math.floor(now() / 1000)
  const exp = iat + (options.expiresIn ?? 600)
  const payload = { iss: issuer, sub: 'user-1', iat, exp, jti: randomUUID(), ...claims }
  if (alg === 'none') return new UnsecuredJWT(payload).encode()
  const own = keys.get(alg)
  const key = options.key ?? own?.privateKey
  if (key === undefined) throw new TypeError(`a token with ${alg} needs a key`)
  const kid = options.kid ?? own?.jwk.kid
  const header = { alg, typ: options.typ ?? 'at+jwt', ...(kid === undefined ? {} : { kid }) }
  return new SignJWT(payload).setProtectedHeader(header).sign(key)
}

function endpoints(origin: string) {
  return {
    jwksUri: `${origin}/jwks`,
    introspectionUrl: `${origin}/introspect`,
    userinfoUrl: `${origin}/userinfo`,
  }
}

async function record(request: IncomingMessage): Promise<IssuerRequest> {
  return {
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers: headersOf(request),
    body: await bodyOf(request),
  }
}

interface IssuerState {
  readonly keys: Keys
  readonly opaque: ReadonlyMap<string, OpaqueToken>
  readonly client: TestIssuer['client']
}

function answer(request: IssuerRequest, origin: string, state: IssuerState): StandInAnswer {
  switch (request.path.split('?')[0]) {
    case '/.well-known/openid-configuration':
    case '/.well-known/oauth-authorization-server':
      return { status: 200, body: discovery(origin) }
    case '/jwks':
      return { status: 200, body: { keys: [...state.keys.values()].map(({ jwk }) => jwk) } }
    case '/introspect':
      return introspect(request, state)
    case '/userinfo': {
      const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
      const known = token === undefined ? undefined : state.opaque.get(token)?.userinfo
      const headers = { 'www-authenticate': 'Bearer error="invalid_token"' }
      if (known === undefined) return { status: 401, headers, body: { error: 'invalid_token' } }
      return { status: 200, body: known }
    }
    default:
      return { status: 404, body: { error: 'not_found' } }
  }
}

function discovery(issuer: string) {
  const { jwksUri, introspectionUrl, userinfoUrl } = endpoints(issuer)
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: jwksUri,
    introspection_endpoint: introspectionUrl,
    userinfo_endpoint: userinfoUrl,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: algorithms,
    code_challenge_methods_supported: ['S256'],
  }
}

/** RFC 7662: the client signs in by Basic or in the form; a token that is not known is not active. */
function introspect(request: IssuerRequest, { client, opaque }: IssuerState): StandInAnswer {
  const form = new URLSearchParams(request.body)
  const basic = Buffer.from(`${client.id}:${client.secret}`).toString('base64')
  const inForm = form.get('client_id') === client.id && form.get('client_secret') === client.secret
  if (request.headers.authorization !== `Basic ${basic}` && !inForm) {
    return { status: 401, body: { error: 'invalid_client' } }
  }
  const known = opaque.get(form.get('token') ?? '')?.introspection
  return { status: 200, body: known === undefined ? { active: false } : { active: true, ...known } }
}
