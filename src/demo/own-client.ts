import { pageClientId } from '../broker/page-client.ts'
import type { PageSignIn } from '../page/settings.ts'

/** The client of the demo itself, known beforehand: the only one that names a person by `login_hint`. */
export const demoClient = { id: 'demo', redirectUri: 'http://127.0.0.1/callback' }

/** Seconds for which the access tokens of the demo's own client are good: they are pasted, and nobody renews them. */
export const tokenSeconds = 8 * 3600

/** The start page as a client of the demo's issuer. */
export function pageClientOfDemo(issuer: string, resource: string): PageSignIn {
  return { issuer: new URL(issuer), clientId: pageClientId, clientSecret: undefined, resource, inside: false }
}
