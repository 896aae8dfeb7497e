import { z } from 'zod'
import { createAskJson } from '../identity/json-endpoint.ts'
import { keysName } from '../identity/jwks.ts'
import { errorOf, type Finding, fail, ok, skipped } from './finding.ts'
import { discover } from './issuer.ts'
import type { Probes } from './probes.ts'

const keySchema = z.object({
  kty: z.string(),
  crv: z.string().optional(),
  alg: z.string().optional(),
  use: z.string().optional(),
})
const setSchema = z.object({ keys: z.array(keySchema) })
type Key = z.output<typeof keySchema>

/** Whether the issuer publishes a key that signs in a way which is accepted. */
export async function checkKeys(probes: Probes): Promise<Finding> {
  const { options, broker, login } = probes
  const { sources, algorithms } = options.auth
  if (broker === undefined && login === undefined && !sources.includes('jwt')) {
    return skipped('No signature is verified with these FHIR_MCP_AUTH_SOURCES.')
  }
  const configured = broker === undefined ? options.auth.jwksUri : undefined
  if (configured === undefined && (await errorOf(discover(probes))) !== undefined) {
    return skipped('The issuer does not say where they are.')
  }
  const url = configured ?? (await discover(probes)).jwksUri
  if (url === undefined)
    return fail('The issuer names no jwks_uri.', 'Set FHIR_MCP_AUTH_JWKS_URI to its keys.')
  const parsed = setSchema.safeParse(await bodyAt(url))
  if (!parsed.success) {
    return fail(
      'They cannot be read, or are not a JWK set.',
      'FHIR_MCP_AUTH_JWKS_URI (or jwks_uri of the issuer) has to answer this machine with a JWK set as JSON.',
    )
  }
  const { keys } = parsed.data
  const fitting = algorithms.filter((algorithm) => keys.some((key) => signsBy(key, algorithm)))
  if (fitting.length > 0)
    return ok(`${keys.length} ${keys.length === 1 ? 'key' : 'keys'}, for ${fitting.join(', ')}.`)
  return fail(
    `${keys.length} ${keys.length === 1 ? 'key' : 'keys'}, none for ${algorithms.join(', ')}.`,
    'Have the issuer sign with one of these, or set FHIR_MCP_AUTH_ALGORITHMS to what it signs with.',
  )
}

async function bodyAt(url: string): Promise<unknown> {
  try {
    const answer = await createAskJson()({ url, what: keysName })
    return answer.status === 200 ? answer.body : undefined
  } catch {
    return undefined
  }
}

/** RFC 7518, §3.1, and RFC 8037, §3.1: which keys go with which algorithm. */
function signsBy({ kty, crv, alg, use }: Key, algorithm: string): boolean {
  if (use !== undefined && use !== 'sig') return false
  if (alg !== undefined) return alg === algorithm || (alg === 'Ed25519' && algorithm === 'EdDSA')
  if (algorithm === 'EdDSA') return kty === 'OKP' && crv === 'Ed25519'
  return algorithm === 'ES256' ? kty === 'EC' && crv === 'P-256' : kty === 'RSA'
}
