import { ownAudiences } from '../identity/audience.ts'
import { presentedJwt } from '../identity/token-form.ts'
import { oneLine, someOf } from '../results/line.ts'
import { errorOf, type Finding, fail, ok, skipped, warn } from './finding.ts'
import type { Probes } from './probes.ts'
import { howToGiveOne } from './token.ts'

/** Whether the token was issued for this server, and for the exchange where it is sent on. */
export async function checkAudience(probes: Probes): Promise<Finding> {
  const { options, login, command } = probes
  const { auth, fhir } = options
  const wrong = await errorOf((async () => ownAudiences(auth))())
  if (wrong !== undefined) {
    return fail(
      'Neither an audience nor a client is configured that tokens could be told by.',
      'Set FHIR_MCP_AUTH_AUDIENCE to what aud of the access tokens holds, or FHIR_MCP_PUBLIC_URL.',
    )
  }
  const stdio = login !== undefined || command.FHIR_MCP_ACCESS_TOKEN !== undefined
  if (fhir.credentials === 'forward' && fhir.audience === undefined && !stdio) {
    return fail(
      'Tokens are to be sent on, and nothing says what their audience at the exchange is.',
      'Set FHIR_MCP_FHIR_AUDIENCE to what the exchange expects in aud; serve does not start without it.',
    )
  }
  const ours = ownAudiences(auth)
  const expected = ours.length === 0 ? `clients ${someOf(auth.clients)}` : someOf(ours)
  const pair = await probes.tokens()
  if (pair === undefined)
    return skipped(`Expected is ${expected}; there is no token to look at.`, howToGiveOne)
  const error = await errorOf(probes.principal())
  const named = audiencesIn(pair.accessToken)
  const has =
    named.length === 0
      ? 'says none'
      : `has ${someOf(
          named.map((one) => oneLine(one, 100)),
          5,
        )}`
  if (error?.code === 'FHIR_MCP_AUDIENCE') {
    const lacking = ours.some((one) => named.includes(one)) ? fhir.audience : undefined
    return fail(
      lacking === undefined
        ? `The token ${has}; expected is ${expected}.`
        : `The token ${has}; what is sent on has to hold ${oneLine(lacking, 100)} as well.`,
      'Have the issuer put it into aud (a resource, or an audience mapper), or set FHIR_MCP_AUTH_AUDIENCE, FHIR_MCP_FHIR_AUDIENCE or FHIR_MCP_AUTH_CLIENTS to what its tokens hold.',
    )
  }
  if (error !== undefined && error.code !== 'FHIR_MCP_NO_PERMISSIONS') {
    return skipped(`Expected is ${expected}; the token was refused before that counted.`)
  }
  return auth.allowTokensWithoutAudience && named.length === 0
    ? warn(
        'Any token of the issuer is accepted.',
        'Unset FHIR_MCP_AUTH_ALLOW_TOKENS_WITHOUT_AUDIENCE and set FHIR_MCP_AUTH_CLIENTS.',
      )
    : ok(`The token ${named.length === 0 ? `is of ${expected}` : has}, which is accepted.`)
}

/** What `aud` of a JWT holds; an opaque token says nothing by itself. */
function audiencesIn(token: string): string[] {
  try {
    const aud = presentedJwt(token)?.claims.aud
    return [aud ?? []].flat().filter((one): one is string => typeof one === 'string')
  } catch {
    return []
  }
}
