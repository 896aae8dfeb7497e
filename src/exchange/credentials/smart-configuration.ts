import { z } from 'zod'
import { type AskJson, unavailable } from '../../identity/json-endpoint.ts'
import { isSecretsEndpoint } from '../../loopback.ts'

const what = "The exchange's SMART configuration"

/**
 * The token endpoint that an exchange names (SMART App Launch 2.2, `.well-known/smart-configuration`). One without TLS is taken
 * only from an exchange that is on loopback itself. Throws EXCHANGE_UNAVAILABLE.
 */
export async function discoverTokenUrl(baseUrl: string, ask: AskJson): Promise<string> {
  const url = `${baseUrl.replace(/\/+$/, '')}/.well-known/smart-configuration`
  const answer = await ask({ url, what, whose: 'exchange' })
  const secure = /^https:/i.test(baseUrl) ? /^https:/i : /^https?:/i
  const tokenUrl = z.string().regex(secure).refine(isSecretsEndpoint)
  const parsed = z
    .object({ token_endpoint: tokenUrl })
    .safeParse(answer.status === 200 ? answer.body : undefined)
  if (!parsed.success) throw unavailable(what, 'exchange')
  return parsed.data.token_endpoint
}
