import { createHash, randomBytes } from 'node:crypto'
import { demoClient } from './own-client.ts'

const random = () => randomBytes(32).toString('base64url')

/**
 * Signs a person in as a browser would: authorization code with PKCE (RFC 7636), for one resource (RFC 8707). Returns
 * the access token.
 */
export async function signIn(issuer: string, resource: string, person: string): Promise<string> {
  const discovery = await fetch(`${issuer}/.well-known/openid-configuration`)
  const endpoints = (await discovery.json()) as { authorization_endpoint: string; token_endpoint: string }
  const [verifier, state] = [random(), random()]
  const query = new URLSearchParams({
    client_id: demoClient.id,
    redirect_uri: demoClient.redirectUri,
    response_type: 'code',
    scope: 'openid',
    resource,
    state,
    login_hint: person,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  const callback = await follow(new URL(`${endpoints.authorization_endpoint}?${query}`))
  const code = callback.searchParams.get('code')
  if (code === null || callback.searchParams.get('state') !== state) throw new Error('the sign-in failed')
  const response = await fetch(endpoints.token_endpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: demoClient.id,
      redirect_uri: demoClient.redirectUri,
      code,
      code_verifier: verifier,
      resource,
    }),
  })
  const { access_token: token } = (await response.json()) as { access_token?: string }
  if (token === undefined) throw new Error('the issuer gave no access token')
  return token
}

/** Follows redirects with cookies until the redirect URI comes up. */
async function follow(first: URL): Promise<URL> {
  const cookies = new Map<string, string>()
  let url = first
  for (let hop = 0; hop < 10; hop += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    const location = response.headers.get('location')
    if (location === null) break
    url = new URL(location, url)
    if (url.href.startsWith(demoClient.redirectUri)) return url
  }
  throw new Error('the issuer did not come back to the client')
}
