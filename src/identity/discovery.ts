import { z } from 'zod'
import { type FhirMcpError, fhirMcpError } from '../errors.ts'
import { insecureEndpoint, notSecure } from './endpoints.ts'
import { type AskJson, unavailable } from './json-endpoint.ts'

/** What discovery says of an issuer. */
export interface IssuerMetadata {
  readonly jwksUri: string | undefined
  readonly userinfoEndpoint: string | undefined
}

/** Reads the issuer's metadata; kept 5 minutes, failures not at all, one flight. Throws ISSUER_UNAVAILABLE. */
export type Discovery = () => Promise<IssuerMetadata>

const lifetime = 300_000
const what = "The issuer's metadata"

/**
 * Discovery by OpenID Connect Discovery 1.0, §4, else (404) by RFC 8414, §3. The document must name the issuer itself,
 * and its endpoints are on https, or on this machine where the issuer itself is. `now` is in milliseconds.
 */
export function createDiscovery(issuer: string, ask: AskJson, now: () => number): Discovery {
  let kept: { readonly metadata: Promise<IssuerMetadata>; readonly from: number } | undefined
  return () => {
    const time = now()
    // A clock that was set back must not make it last longer.
    if (kept === undefined || time < kept.from || time >= kept.from + lifetime) {
      const entry = { metadata: discover(issuer, ask), from: time }
      kept = entry
      entry.metadata.catch(() => {
        kept = undefined
      })
    }
    return kept.metadata
  }
}

/** Names both, since a slash may be all that tells them apart; nothing but an address is repeated of what was said. */
function anotherIssuer(issuer: string, said: string): FhirMcpError {
  const named = URL.canParse(said) && /^https?:[!-~]{1,200}$/.test(said) ? `"${said}"` : 'no address'
  return fhirMcpError('ISSUER_UNAVAILABLE', {
    detail: `The metadata of the issuer "${issuer}" are of another one: their issuer is ${named}. auth.issuer has to be what they say, letter by letter.`,
  })
}

async function discover(issuer: string, ask: AskJson): Promise<IssuerMetadata> {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  let answer = await ask({ url: `${origin}${path}/.well-known/openid-configuration`, what })
  if (answer.status === 404) {
    answer = await ask({ url: `${origin}/.well-known/oauth-authorization-server${path}`, what })
  }
  const endpoint = z.url({ protocol: /^https?$/ }).optional()
  const schema = z.object({ issuer: z.string(), jwks_uri: endpoint, userinfo_endpoint: endpoint })
  const parsed = schema.safeParse(answer.status === 200 ? answer.body : undefined)
  if (!parsed.success) throw unavailable(what)
  if (parsed.data.issuer !== issuer) throw anotherIssuer(issuer, parsed.data.issuer)
  const insecure = insecureEndpoint(issuer, parsed.data)
  if (insecure !== undefined) throw unavailable(what, 'issuer', { said: notSecure(insecure) })
  return { jwksUri: parsed.data.jwks_uri, userinfoEndpoint: parsed.data.userinfo_endpoint }
}
