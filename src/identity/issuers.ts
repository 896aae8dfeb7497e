import type { AuthOptions } from '../config/auth.ts'
import { fhirMcpError } from '../errors.ts'
import { checkForm, presentedJwt } from './token-form.ts'

/**
 * The options under which the tokens of further issuers are judged. Who may see everything, whose
 * clients are known and where an issuer is asked is its own. Throws CONFIG for one that is named
 * twice: which of its settings count would be left to chance.
 */
export function furtherIssuers(options: AuthOptions): readonly AuthOptions[] {
  const { issuers, ...first } = options
  const further = issuers.map(
    (own): AuthOptions => ({
      ...first,
      issuer: own.issuer,
      issuers: [],
      audience: own.audience ?? first.audience,
      algorithms: own.algorithms ?? first.algorithms,
      tokenTypes: own.tokenTypes ?? first.tokenTypes,
      claim: own.claim ?? first.claim,
      claimPath: own.claimPath ?? first.claimPath,
      sources: own.sources ?? ['jwt'],
      clients: own.clients ?? [],
      jwksUri: own.jwksUri,
      userinfoUrl: own.userinfoUrl,
      introspection: own.introspection,
      superuser: own.superuser,
      acceptedScopes: [],
      allowTokensWithoutAudience: false,
    }),
  )
  const names = [first, ...further].map(({ issuer }) => issuer)
  if (new Set(names).size < names.length) {
    throw fhirMcpError('CONFIG', { detail: 'auth.issuers names an issuer twice, or that of auth.issuer.' })
  }
  return further
}

/**
 * The issuer that has to vouch for a token (RFC 7519, §4.1.1), by what it says before anything of it is verified: it is verified
 * by the keys of that issuer alone. Undefined for an opaque one, and for one that names none. Throws TOKEN_INVALID for what is
 * no token.
 */
export function issuerNamedBy(token: string): unknown {
  checkForm(token)
  return presentedJwt(token)?.claims.iss
}
