import { z } from 'zod'
import { secureUrl } from './fields.ts'

/** What our assertions may be signed with; SMART asks servers for the first two. */
export const assertionAlgorithms = ['ES384', 'RS384', 'ES256', 'RS256', 'PS256'] as const

/** How the plugin shows a token endpoint who it is, and what it asks for. */
export const clientSchema = z
  .object({
    tokenUrl: secureUrl
      .optional()
      .describe(
        "Token endpoint; with `backend-services` by default that of the exchange's SMART configuration",
      ),
    id: z.string().min(1).describe('Our client_id there'),
    secret: z.string().min(1).optional().describe('token-exchange: our secret, for client_secret_basic'),
    key: z
      .string()
      .min(1)
      .optional()
      .describe('Our private key, for private_key_jwt: PEM (PKCS#8) or a JWK as JSON'),
    keyId: z.string().min(1).optional().describe('kid of that key, where the JWK does not say it'),
    algorithm: z
      .enum(assertionAlgorithms)
      .optional()
      .describe('What assertions are signed with; by default ES384 or ES256 by the curve, RS384 with RSA'),
    scopes: z.array(z.string().min(1)).default([]).describe('Scopes to ask for, such as system/Patient.rs'),
  })
  .optional()

/** How the plugin shows a token endpoint who it is. */
export type ClientOptions = NonNullable<z.output<typeof clientSchema>>
