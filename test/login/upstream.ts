import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair } from 'jose'
import type { ClientMetadata, Configuration } from 'oidc-provider'

/** What an upstream knows of a person, by the name that is typed into its login form. */
export type People = Readonly<Record<string, Readonly<Record<string, unknown>>>>

export interface UpstreamOptions {
  readonly people?: People
  /** With a resource (RFC 8707), access tokens for it are JWTs with the claims; else they are opaque. */
  readonly resource?: string
  /** Access tokens are JWTs for it (in `aud`) without being asked for, with the `typ` of Keycloak. */
  readonly audience?: string
  readonly deviceFlow?: boolean
  /** The clients may not use the device grant, though the server offers it. */
  readonly deviceGrantClosed?: boolean
  /** ID tokens come in the form of a JWE. */
  readonly encryptedIdTokens?: boolean
  /** What is given to be typed in on another device, instead of a code. */
  readonly userCode?: string
  readonly scopes?: string[]
  /** Seconds; the two weeks of a JupyterHealth Exchange by default. */
  readonly accessTokenTtl?: number
  readonly idTokenTtl?: number
  /** What discovery says on top. */
  readonly discovery?: Readonly<Record<string, unknown>>
  readonly refreshTokens?: boolean
  readonly revocation?: boolean
  /** Whether tokens are revoked at `/o/revoke_token/`, beside `/o/token/`, and the metadata do not say so: as a real exchange does. */
  readonly unnamedRevocation?: boolean
  /** How the confidential client shows its secret; by default in the header. */
  readonly clientAuth?: 'client_secret_basic' | 'client_secret_post'
  /** Other redirects of both clients. */
  readonly redirectUris?: readonly string[]
}

/** An authorization server in the style of a JupyterHealth Exchange. */
export interface Upstream {
  readonly url: string
  /** Parameters of the device authorization requests. */
  readonly deviceRequests: readonly Readonly<Record<string, unknown>>[]
  /** How many times a refresh token was used, whatever came of it. */
  readonly refreshes: () => number
  /** Every token and code that was given out, to be looked for where none may be. */
  readonly secrets: ReadonlySet<string>
  /** Whether an opaque access token still works. */
  isActive(accessToken: string): boolean
  /** From now on every refresh token is refused. */
  revokeAll(): void
  /** From now on the token endpoint answers with this status, once for each. */
  failWith(status: number): void
  close(): Promise<void>
}

export const publicClient = { id: 'assistant' }
export const confidentialClient = { id: 'gateway', secret: 'gateway secret: %+/' }

/** The permissions of the person who signs in where a test does not say. */
export const adaClaims = {
  email: 'ada@example.org',
  jhe_permissions: {
    studies: ['30006', '30007'],
    organizations: [{ id: '20009', name: 'Northlake Clinic', role: 'manager' }],
  },
}

/**
 * Starts an `oidc-provider` on loopback as a JupyterHealth Exchange is: no registration, opaque access tokens, RS256 ID
 * tokens with the permissions, userinfo, introspection and revocation, refresh tokens that rotate, and a refresh that ends
 * the access token before. People sign in by a form that asks for their name.
 */
export async function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const { audience, resource = audience && `urn:${audience}`, scopes = ['openid', 'email'] } = options
  const { clientAuth = 'client_secret_basic' } = options
  const people: People = options.people ?? { ada: adaClaims }
  const { accessTokenTtl = 14 * 86_400, idTokenTtl = 36_000, refreshTokens = true } = options
  const { default: Provider } = await quietly(() => import('oidc-provider'))
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'upstream' }
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
  const client: Omit<ClientMetadata, 'client_id'> = {
    application_type: 'native',
    grant_types: ['authorization_code', 'refresh_token', ...(options.deviceFlow ? [deviceGrant] : [])],
    response_types: ['code'],
    redirect_uris: ['http://127.0.0.1/callback', ...(options.redirectUris ?? [])],
  }
  const permissionsOf = (id: string | undefined) => {
    const claims = people[id ?? '']
    return claims?.jhe_permissions === undefined ? {} : { jhe_permissions: claims.jhe_permissions }
  }
  const configuration: Configuration = {
    clients: [
      { ...client, client_id: publicClient.id, token_endpoint_auth_method: 'none' },
      {
        ...client,
        client_id: confidentialClient.id,
        client_secret: confidentialClient.secret,
        token_endpoint_auth_method: clientAuth,
      },
    ],
    jwks: { keys: [jwk] },
    clientAuthMethods: ['none', clientAuth],
    cookies: { keys: [randomBytes(32).toString('hex')] },
    scopes,
    claims: { openid: ['sub', 'jhe_permissions'], email: ['email'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async () => refreshTokens,
    expiresWithSession: async () => false,
    ttl: {
      AccessToken: accessTokenTtl,
      IdToken: idTokenTtl,
      AuthorizationCode: 60,
      RefreshToken: 86_400,
      DeviceCode: 600,
      Session: 600,
      Grant: 86_400,
      Interaction: 600,
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: true },
      revocation: { enabled: options.revocation !== false, allowedPolicy: async () => true },
      introspection: { enabled: true, allowedPolicy: async () => true },
      deviceFlow: { enabled: options.deviceFlow === true, ...devicePages },
      ...(resource === undefined
        ? {}
        : {
            resourceIndicators: {
              enabled: true,
              defaultResource: () => (audience === undefined ? [] : resource),
              getResourceServerInfo: (_: unknown, asked: string) => {
                if (asked !== resource) throw new TypeError('unknown resource')
                return {
                  scope: scopes.filter((scope) => scope.includes('/')).join(' '),
                  audience: audience ?? resource,
                  accessTokenFormat: 'jwt' as const,
                  accessTokenTTL: accessTokenTtl,
                  jwt: { sign: { alg: 'RS256' as const } },
                }
              },
              useGrantedResource: () => true,
            },
          }),
    },
    formats: {
      customizers: {
        jwt: (_, __, parts) => {
          if (audience !== undefined) parts.header = { typ: 'JWT' }
        },
      },
    },
    ...(options.unnamedRevocation ? { routes: { token: '/o/token/', revocation: '/o/revoke_token/' } } : {}),
    renderError: (ctx, out) => {
      ctx.body = out
    },
    findAccount: (_, id) =>
      people[id] === undefined ? undefined : { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
    extraTokenClaims: (_, token) =>
      token.kind === 'AccessToken' ? permissionsOf(token.accountId) : undefined,
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
  }
  const provider = await quietly(async () => new Provider(url, configuration))

  const secrets = new Set<string>()
  const latest = new Map<string, InstanceType<typeof provider.AccessToken>>()
  const live = new Set<string>()
  const failures: number[] = []
  const deviceRequests: Record<string, unknown>[] = []
  let refreshes = 0
  let refusing = false

  // The value of an opaque token is its id.
  provider.on('access_token.saved', (token) => {
    const { grantId = '' } = token
    void latest.get(grantId)?.destroy()
    latest.set(grantId, token)
    live.add(token.jti)
  })
  provider.on('access_token.destroyed', (token) => live.delete(token.jti))
  provider.on('grant.revoked', (_, grantId) => live.delete(latest.get(grantId)?.jti ?? ''))
  provider.use(async (ctx, next) => {
    const status = ctx.path === '/token' ? failures.shift() : undefined
    if (status !== undefined) {
      ctx.status = status
      return
    }
    await next()
    if (ctx.oidc?.route === 'discovery' && isRecord(ctx.body)) {
      Object.assign(ctx.body, options.discovery)
      if (options.unnamedRevocation) delete ctx.body.revocation_endpoint
    }
    if (ctx.oidc?.route === 'token') {
      if (ctx.oidc.params?.grant_type === 'refresh_token') refreshes += 1
      keep(ctx.body)
      if (options.encryptedIdTokens && isRecord(ctx.body)) ctx.body.id_token = 'eyJhbGciOiJkaXIifQ..a.b.c'
    }
    // The standard default of 5 seconds is long for a test (RFC 8628, §3.2).
    if (ctx.oidc?.route === 'device_authorization') deviceRequests.push({ ...ctx.oidc.body })
    if (ctx.oidc?.route === 'device_authorization' && isRecord(ctx.body)) {
      ctx.body.interval = 1
      if (options.userCode !== undefined) ctx.body.user_code = options.userCode
    }
    if (ctx.oidc?.route === 'device_authorization' && options.deviceGrantClosed) {
      ctx.status = 400
      ctx.body = { error: 'unauthorized_client' }
    }
    const location: unknown = ctx.response.get('location')
    if (typeof location === 'string' && URL.canParse(location)) {
      const code = new URL(location).searchParams.get('code')
      if (code !== null) secrets.add(code)
    }
  })
  function keep(body: unknown) {
    if (!isRecord(body)) return
    for (const name of ['access_token', 'refresh_token', 'id_token']) {
      const token = body[name]
      if (typeof token === 'string') secrets.add(token)
    }
  }
  provider.use(async (ctx, next) => {
    await next()
    if (!refusing || ctx.oidc?.route !== 'token') return
    ctx.status = 400
    ctx.body = { error: 'invalid_grant' }
  })

  async function interaction(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') {
      const form = `<form method="post" action="${request.url}"><input name="login"><button>Sign in</button></form>`
      response.writeHead(200, { 'content-type': 'text/html' }).end(form)
      return
    }
    const accountId = new URLSearchParams(await text(request)).get('login') ?? ''
    const { params, prompt } = await provider.interactionDetails(request, response)
    if (people[accountId] === undefined) {
      const denied = { error: 'access_denied', error_description: 'the person said no' }
      return provider.interactionFinished(request, response, denied)
    }
    const grant = new provider.Grant({ accountId, clientId: String(params.client_id) })
    grant.addOIDCScope(String(params.scope))
    if (typeof params.resource === 'string') grant.addResourceScope(params.resource, String(params.scope))
    const consent = { grantId: await grant.save() }
    const result = prompt.name === 'login' ? { login: { accountId }, consent } : { consent }
    return provider.interactionFinished(request, response, result)
  }

  const answer = provider.callback()
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url?.startsWith('/interaction/')) return void answer(request, response)
    interaction(request, response).catch(() => response.writeHead(400).end())
  })
  return {
    url,
    secrets,
    deviceRequests,
    refreshes: () => refreshes,
    isActive: (token) => live.has(token),
    revokeAll: () => {
      refusing = true
    },
    failWith: (status) => void failures.push(status),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The pages of the device flow (RFC 8628): a code is entered, and confirmed or refused. */
const devicePages: NonNullable<NonNullable<Configuration['features']>['deviceFlow']> = {
  userCodeInputSource: (ctx, form) => {
    ctx.body = `${form}<input form="op.deviceInputForm" name="user_code">`
  },
  userCodeConfirmSource: (ctx, form) => {
    ctx.body = `${form}<button form="op.deviceConfirmForm" name="abort" value="yes">No</button>`
  },
  successSource: (ctx) => {
    ctx.body = 'Signed in'
  },
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** oidc-provider tells developers on the console what a production set-up would need; this is none. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { info, warn } = console
  console.info = () => undefined
  console.warn = () => undefined
  try {
    return await work()
  } finally {
    console.info = info
    console.warn = warn
  }
}
