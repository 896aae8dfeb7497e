import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import Provider from 'oidc-provider'
import { loginForm, nameOf } from './login-form.ts'

/** The broker's client there, known beforehand: nobody can register. */
export const upstreamClient = { clientId: 'broker', clientSecret: 'the-secret-of-the-broker-at-its-upstream' }

/** An upstream in the style of a JupyterHealth Exchange. */
export interface TestUpstream {
  readonly issuer: string
  readonly introspectionUrl: string
  /** Who signs in next: a user id; undefined: says no. */
  person: string | undefined
  /** Whether people say by a form who they are, in place of `person`. */
  hasPage: boolean
  /** The permissions claim by user id; a missing one is left out of every answer. */
  readonly claims: Map<string, unknown>
  /** Access tokens that are good, with their user. */
  readonly accessTokens: ReadonlyMap<string, string>
  /** How many refreshes it answered, and most of them at one time. */
  readonly refreshes: { count: number; underWay: number; most: number }
  /** Answers in place of the provider, which then sees nothing of it; undefined: the provider answers. */
  instead: ((url: URL) => { status: number; json?: object } | undefined) | undefined
  /** Paths that were asked for, with query. */
  readonly requests: string[]
  /** Every token and code that was given out, to be looked for where none may be. */
  readonly secrets: ReadonlySet<string>
  /**
   * The next request for tokens is held until whoever asks is gone; resolves when it is there. `unread`: it has no effect;
   * `answered`: it has all of its effects, and the answer is lost.
   */
  loseNext(what: 'unread' | 'answered'): Promise<void>
  /** Ends every sign-in of everybody, as an administrator would. */
  forgetAll(): Promise<void>
  close(): Promise<void>
}

/**
 * Starts an OIDC provider on a loopback port: no registration, opaque access tokens, an RS256 ID token and userinfo with the
 * permissions claim, introspection with the client's secret and no `sub`, rotating refresh tokens; a refresh kills the old
 * access token. Without `hasPage` there is no page: whoever is `person` is let in.
 */
export async function startUpstream(callbackUrl: string): Promise<TestUpstream> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const key = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'upstream' }
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const claims = new Map<string, unknown>()
  const accessTokens = new Map<string, string>()
  const grants = new Map<string, string[]>()
  const refreshes = { count: 0, underWay: 0, most: 0 }
  const requests: string[] = []
  const secrets = new Set<string>()
  let losing: { readonly what: 'unread' | 'answered'; reached(): void } | undefined

  const kill = (grantId: string) => {
    for (const token of grants.get(grantId) ?? []) accessTokens.delete(token)
    grants.delete(grantId)
  }
  const claimsOf = (subject: string | undefined) => {
    const claim = claims.get(subject ?? '')
    return claim === undefined ? {} : { jhe_permissions: claim }
  }
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: upstreamClient.clientId,
        client_secret: upstreamClient.clientSecret,
        redirect_uris: [callbackUrl],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
    ],
    jwks: { keys: [key] },
    cookies: { keys: ['a-secret-for-the-cookies-of-the-upstream'] },
    claims: { openid: ['sub', 'jhe_permissions', 'email'] },
    ttl: { AccessToken: 1_209_600, Grant: 1_209_600, Session: 600, Interaction: 600, IdToken: 36_000 },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: () => true },
    },
    pkce: { required: () => true },
    issueRefreshToken: () => true,
    expiresWithSession: () => false,
    async rotateRefreshToken(context) {
      const grantId = context.oidc.entities.RefreshToken?.grantId ?? ''
      refreshes.count += 1
      refreshes.underWay += 1
      refreshes.most = Math.max(refreshes.most, refreshes.underWay)
      context.res.once('close', () => {
        refreshes.underWay -= 1
      })
      for (const token of grants.get(grantId) ?? []) await (await provider.AccessToken.find(token))?.destroy()
      kill(grantId)
      return true
    },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.org`, ...claimsOf(id) }),
    }),
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    renderError(context, out) {
      context.body = out
    },
  })
  provider.use(async (context, next) => {
    const lost = context.path === '/token' ? losing : undefined
    if (lost === undefined) {
      await next()
    } else {
      losing = undefined
      const gone = once(context.req.socket, 'close')
      if (lost.what === 'answered') await next()
      lost.reached()
      await gone
    }
    for (const secret of secretsOf(context.body, context.response.get('location'))) secrets.add(secret)
  })
  provider.use(async (context, next) => {
    await next()
    const { body } = context
    if (context.oidc?.route !== 'introspection' || body === null || typeof body !== 'object') return
    const { sub, ...known } = body as { sub?: string }
    context.body = { ...known, ...claimsOf(sub) }
  })
  provider.on('access_token.saved', (token) => {
    accessTokens.set(token.jti, token.accountId ?? '')
    const grantId = token.grantId ?? ''
    grants.set(grantId, [...(grants.get(grantId) ?? []), token.jti])
  })
  provider.on('access_token.destroyed', (token) => accessTokens.delete(token.jti))
  provider.on('grant.revoked', (_, grantId) => kill(grantId))

  const upstream: TestUpstream = {
    issuer,
    introspectionUrl: `${issuer}/token/introspection`,
    person: undefined,
    hasPage: false,
    claims,
    accessTokens,
    refreshes,
    instead: undefined,
    requests,
    secrets,
    loseNext: (what) =>
      new Promise((resolve) => {
        losing = { what, reached: resolve }
      }),
    async forgetAll() {
      for (const grantId of [...grants.keys()]) {
        await provider.RefreshToken.revokeByGrantId(grantId)
        kill(grantId)
      }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }

  async function signIn(request: IncomingMessage, response: ServerResponse) {
    if (upstream.hasPage && request.method !== 'POST') {
      return void response.writeHead(200, { 'content-type': 'text/html' }).end(loginForm(request.url ?? ''))
    }
    const person = upstream.hasPage ? await nameOf(request) : upstream.person
    if (person === undefined) {
      return provider.interactionFinished(request, response, { error: 'access_denied' })
    }
    const grant = new provider.Grant({ accountId: person, clientId: upstreamClient.clientId })
    grant.addOIDCScope('openid email offline_access')
    const grantId = await grant.save()
    const login = { accountId: person, remember: false }
    return provider.interactionFinished(request, response, { login, consent: { grantId } })
  }

  const answer = provider.callback()
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    requests.push(request.url ?? '')
    const other = upstream.instead?.(new URL(request.url ?? '', issuer))
    if (other !== undefined) {
      response.writeHead(other.status, { 'content-type': 'application/json' })
      return void response.end(JSON.stringify(other.json))
    }
    // Another person may sign in with the same browser: it keeps no session.
    request.headers.cookie = (request.headers.cookie ?? '').replace(/_session(\.sig)?=[^;]*/g, '')
    if (!request.url?.startsWith('/interaction/')) return void answer(request, response)
    signIn(request, response).catch(() => response.writeHead(400).end())
  })
  return upstream
}

function secretsOf(body: unknown, location: string): string[] {
  const code = URL.canParse(location) ? new URL(location).searchParams.get('code') : null
  const given: Record<string, unknown> = typeof body === 'object' && body !== null ? { ...body } : {}
  return [code, given.access_token, given.refresh_token, given.id_token].filter(
    (secret): secret is string => typeof secret === 'string',
  )
}
