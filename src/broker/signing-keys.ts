import { importJWK, type JWK } from 'jose'
import { fhirMcpError } from '../errors.ts'
import type { BrokerSettings } from './options.ts'

/** The keys that tokens are signed with. */
export interface SigningKeys {
  /** All of them, the one that signs first. */
  readonly all: readonly JWK[]
  readonly current: { readonly alg: 'RS256' | 'ES256'; readonly kid: string }
  /** What is published. */
  readonly published: { readonly keys: JWK[] }
}

const publicMembers = ['kty', 'n', 'e', 'crv', 'x', 'y', 'kid', 'alg'] as const

/** Checks the keys of the configuration. Throws CONFIG for one that cannot sign, and for two of one `kid`. */
export async function readSigningKeys(keys: BrokerSettings['keys']): Promise<SigningKeys> {
  const [current] = keys
  if (current === undefined) throw unusable('is required')
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length)
    throw unusable('must each have a kid of its own')
  for (const key of keys) await assertUsable(key)
  return {
    all: keys.map((key) => ({ ...key, use: 'sig' })),
    current: { alg: current.alg, kid: current.kid },
    published: { keys: keys.map((key) => ({ ...publicPart(key), use: 'sig' })) },
  }
}

async function assertUsable(key: BrokerSettings['keys'][number]): Promise<void> {
  try {
    const imported = await importJWK(key, key.alg)
    const length =
      'algorithm' in imported && 'modulusLength' in imported.algorithm
        ? Number(imported.algorithm.modulusLength)
        : undefined
    if ('type' in imported && imported.type === 'private' && (length === undefined || length >= 2048)) return
  } catch {
    // Said below, without what the key is.
  }
  throw unusable('must be private keys of RS256 (2048 bits or more) or ES256')
}

function publicPart(key: JWK): JWK {
  return Object.fromEntries(
    publicMembers.flatMap((name) => (key[name] === undefined ? [] : [[name, key[name]]])),
  )
}

function unusable(what: string) {
  return fhirMcpError('CONFIG', { detail: `keys ${what}.` })
}
