import { base64url, decodeJwt } from 'jose'
import { fhirMcpError } from '../errors.ts'
import { type Claims, isClaims } from './claim.ts'

/** A JWT as it presents itself, before anything of it is verified. */
export interface PresentedJwt {
  readonly header: Claims
  readonly claims: Claims
}

const maxLength = 16_384
/** RFC 6750, §2.1: b64token. */
const bearerGrammar = /^[A-Za-z0-9\-._~+/]+=*$/

/** Whether a text could be a bearer token, and so stand in a header. */
export function isBearerForm(token: string): boolean {
  return token.length <= maxLength && bearerGrammar.test(token)
}

/** Throws TOKEN_INVALID for what cannot be a bearer token at all; nothing is sent or hashed for it. */
export function checkForm(token: string) {
  if (!isBearerForm(token)) throw fhirMcpError('TOKEN_INVALID')
}

/**
 * What a token says of itself when it looks like a signed JWT (its first part is a JOSE header); undefined for an opaque
 * one, which an encrypted JWT is to us. Throws TOKEN_INVALID when the header is one and the rest is broken.
 */
export function presentedJwt(token: string): PresentedJwt | undefined {
  const [first = '', ...others] = token.split('.')
  const header = headerOf(first)
  if (header === undefined || others.length === 0 || others.length === 4) return undefined
  try {
    return { header, claims: decodeJwt(token) }
  } catch {
    throw fhirMcpError('TOKEN_INVALID')
  }
}

function headerOf(part: string): Claims | undefined {
  try {
    const header: unknown = JSON.parse(new TextDecoder().decode(base64url.decode(part)))
    return isClaims(header) ? header : undefined
  } catch {
    return undefined
  }
}
