import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import type { Person } from './cast.ts'

/** The client of the demo, known beforehand. */
export const demoClient = { id: 'demo', redirectUri: 'http://127.0.0.1/callback' }

/** Seconds for which the demo's tokens are good. */
export const tokenSeconds = 8 * 3600

/** The embedded issuer. */
export interface DemoIssuer {
  readonly url: string
  close(): Promise<void>
}

/**
 * An OIDC issuer (`oidc-provider`) on a loopback port. Its access tokens are JWTs for the one resource, and carry the
 * permissions claim of the person who signed in. There is no password and
 * no question: whoever is named by `login_hint` is let in, and consents.
 */
export async function startDemoIssuer(resource: string, people: readonly Person[]): Promise<DemoIssuer> {
  const { default: Provider } = await quietly(() => import('oidc-provider'))
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'demo' }
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const claimsOf = (id: string | undefined) => people.find(({ name }) => name === id)?.claims
  const resourceServer = {
    scope: '',
    audience: resource,
    accessTokenFormat: 'jwt',
    accessTokenTTL: tokenSeconds,
    jwt: { sign: { alg: 'RS256' } },
  } as const
  const provider = await quietly(
    async () =>
      new Provider(url, {
        clients: [
          {
            client_id: demoClient.id,
            application_type: 'native',
            token_endpoint_auth_method: 'none',
            grant_types: ['authorization_code'],
            response_types: ['code'],
            redirect_uris: [demoClient.redirectUri],
          },
        ],
        jwks: { keys: [jwk] },
        cookies: { keys: [randomBytes(32).toString('hex')] },
        ttl: { AccessToken: tokenSeconds, Session: 600, Grant: tokenSeconds, Interaction: 600, IdToken: 600 },
        features: {
          devInteractions: { enabled: false },
          resourceIndicators: {
            enabled: true,
            getResourceServerInfo: (_, asked) => {
              if (asked !== resource) throw new TypeError('the demo has one resource')
              return resourceServer
            },
            useGrantedResource: () => true,
          },
        },
        renderError: (ctx, out) => {
          ctx.body = out
        },
        findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
        extraTokenClaims: (_, token) =>
          token.kind === 'AccessToken' ? { ...claimsOf(token.accountId) } : undefined,
        interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
      }),
  )
  const signIn = async (request: IncomingMessage, response: ServerResponse) => {
    const { params } = await provider.interactionDetails(request, response)
    const accountId = String(params.login_hint)
    const grant = new provider.Grant({ accountId, clientId: demoClient.id })
    grant.addOIDCScope('openid')
    const grantId = await grant.save()
    await provider.interactionFinished(request, response, { login: { accountId }, consent: { grantId } })
  }
  const answer = provider.callback()
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url?.startsWith('/interaction/')) return void answer(request, response)
    signIn(request, response).catch(() => response.writeHead(400).end())
  })
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** oidc-provider tells developers on the console what a production set-up would need; the demo is none. */
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
