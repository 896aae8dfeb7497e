import { z } from 'zod'
import type { Principal } from '../access/principal.ts'
import { compartmentTypes } from '../fhir/compartment.ts'
import { isLoopback, isSecretsEndpoint } from '../loopback.ts'
import { clientSchema } from './client.ts'
import { httpUrl, milliseconds } from './fields.ts'

/**
 * Gives the token that a person has at the exchange. Asked before each request that is sent there, so it should keep what it
 * has. What it throws is FhirMcpError, or becomes EXCHANGE_REJECTED.
 */
export type HeldToken = (principal: Principal, signal: AbortSignal) => Promise<string>

export const fhirSchema = z
  .object({
    baseUrl: httpUrl.describe('FHIR base URL of the exchange'),
    allowHttp: z
      .boolean()
      .default(false)
      .describe(
        'Reach the exchange over http beyond loopback: tokens and records travel in the clear, so only inside of a private network',
      ),
    dialect: z.enum(['auto', 'hapi', 'jupyterhealth']).default('auto').describe('How the exchange is asked'),
    credentials: z
      .enum(['forward', 'held', 'token-exchange', 'backend-services', 'none'])
      .describe(
        "What the exchange is asked with: the caller's own token, one held for the caller, one exchanged for it, our own, or nothing",
      ),
    audience: z
      .string()
      .min(1)
      .optional()
      .describe(
        "The exchange's audience: with `forward` (required over HTTP) aud of a JWT must hold it too; what `token-exchange` asks for",
      ),
    client: clientSchema,
    heldToken: z
      .custom<HeldToken>((value) => typeof value === 'function', 'must be a function')
      .optional()
      .describe('With `held`: gives the token of a person at the exchange, where no broker does'),
    apiUrl: httpUrl.optional().describe('JupyterHealth: its API; by default /api/v1 beside the FHIR base'),
    types: z
      .array(z.enum(compartmentTypes))
      .default([])
      .describe("Types of a patient's record that search_fhir and read_fhir give; none: both are off"),
    connections: z.number().int().min(1).max(1000).default(10).describe('Connections to the exchange'),
    timeout: milliseconds(30_000, 'Longest wait for one answer of the exchange'),
    maxResponseBytes: z
      .number()
      .int()
      .positive()
      .default(67_108_864)
      .describe('Largest answer of the exchange, unpacked'),
    bytesInFlight: z
      .number()
      .int()
      .nonnegative()
      .default(33_554_432)
      .describe(
        'Bytes of large answers of the exchange (over 1 MiB, unpacked) that all calls hold together; one answer more may be read beyond it, the others wait; 0: any number',
      ),
    cachedAnswers: z
      .boolean()
      .default(false)
      .describe('HAPI: allow answers from its search cache (up to 60 s old)'),
    filtersRows: z
      .boolean()
      .default(false)
      .describe(
        'HAPI: the server takes rows out of its answers after it has counted them (consent): numbers come from rows. Also found out by itself',
      ),
  })
  .superRefine((fhir, context) => {
    for (const { path, message } of [...addressesInTheClear(fhir), ...unfitSettings(fhir)]) {
      context.addIssue({ code: 'custom', path: [...path], message })
    }
  })

interface UnfitSetting {
  readonly path: readonly string[]
  readonly message: string
}

/** Addresses of the exchange that tokens and records would travel to in the clear, where nobody allowed it. */
function addressesInTheClear(fhir: FhirAddresses): UnfitSetting[] {
  if (fhir.allowHttp) return []
  return (['baseUrl', 'apiUrl'] as const)
    .filter((name) => isClearBeyondLoopback(fhir[name]))
    .map((name) => ({
      path: [name],
      message:
        'must be an https URL (http on loopback alone); inside of a private network fhir.allowHttp permits http',
    }))
}

/** Whether tokens and records travel to the exchange in the clear, by http beyond this machine. */
export function reachedInTheClear({ baseUrl, apiUrl }: Pick<FhirOptions, 'baseUrl' | 'apiUrl'>): boolean {
  return isClearBeyondLoopback(baseUrl) || isClearBeyondLoopback(apiUrl)
}

function isClearBeyondLoopback(url: string | undefined): boolean {
  if (url === undefined || !URL.canParse(url)) return false
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' && !isLoopback(hostname)
}

/** What the chosen credentials need and lack, or have and do not take. */
function unfitSettings({ credentials, audience, baseUrl, client }: FhirCredentials): UnfitSetting[] {
  const missing = (...path: string[]): UnfitSetting => ({ path, message: 'is required' })
  if (credentials === 'token-exchange') {
    const { tokenUrl, secret, key } = client ?? {}
    return [
      ...(audience === undefined ? [missing('audience')] : []),
      ...(tokenUrl === undefined ? [missing('client', 'tokenUrl')] : []),
      ...(client === undefined ? [missing('client', 'id')] : []),
      ...(secret === undefined && key === undefined
        ? [{ path: ['client', 'secret'], message: 'or a key is required' }]
        : []),
      ...(secret !== undefined && key !== undefined
        ? [{ path: ['client', 'secret'], message: 'must not be there together with a key' }]
        : []),
    ]
  }
  if (credentials === 'backend-services') {
    // Whoever can change what a discovery in the clear says would be sent our assertion.
    const undiscoverable = client?.tokenUrl === undefined && !isSecretsEndpoint(baseUrl)
    return [
      ...(client === undefined ? [missing('client', 'id')] : []),
      ...(client?.key === undefined ? [missing('client', 'key')] : []),
      ...((client?.scopes ?? []).length === 0 ? [missing('client', 'scopes')] : []),
      ...(undiscoverable ? [missing('client', 'tokenUrl')] : []),
      ...(client?.secret === undefined
        ? []
        : [
            { path: ['client', 'secret'], message: 'is not used with backend-services: it signs with a key' },
          ]),
    ]
  }
  return []
}

export type FhirOptions = z.output<typeof fhirSchema>
/** The settings that say what the exchange is asked with. */
type FhirAddresses = Pick<FhirOptions, 'baseUrl' | 'apiUrl' | 'allowHttp'>
type FhirCredentials = Pick<FhirOptions, 'credentials' | 'audience' | 'baseUrl' | 'client'>
