import { createHash } from 'node:crypto'
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import type { BrokerSettings } from './options.ts'
import type { Area, Storage } from './storage.ts'

/** What oidc-provider keeps, of what we let it use. */
const kept: readonly Area[] = [
  'AuthorizationCode',
  'Client',
  'Grant',
  'Interaction',
  'RefreshToken',
  'Session',
]
/** Whoever has the id of one can use it: in the storage there are digests alone. */
const bearers: readonly string[] = ['AuthorizationCode', 'RefreshToken']

/** Seconds for which a use that is under way keeps out a second one. */
const claimSeconds = 60
/** Seconds for which a second use of what was used up is noticed; afterwards it is refused as unknown. */
const reuseSeconds = 7 * 86_400

export interface AdapterParts {
  readonly storage: Storage
  readonly registration: BrokerSettings['registration']
  /** Called before a grant goes, whoever ends it. */
  readonly endGrant: (grantId: string) => Promise<void>
}

/** Makes the adapters of oidc-provider on our storage. */
export function createAdapters(parts: AdapterParts): (name: string) => Adapter {
  return (name) => {
    const area = kept.find((one) => one === name)
    if (area === undefined) return unused(name)
    if (area === 'Client') return clients(parts)
    return entities(area, parts)
  }
}

function entities(area: Area, { storage, endGrant }: AdapterParts): Adapter {
  const secret = bearers.includes(area)
  const keyOf = (id: string) => (secret ? createHash('sha256').update(id).digest('base64url') : id)

  async function find(id: string): Promise<AdapterPayload | undefined> {
    const text = await storage.get(area, keyOf(id))
    if (text === undefined) return undefined
    const payload: AdapterPayload = JSON.parse(text)
    return { ...payload, jti: id }
  }

  async function put(id: string, payload: AdapterPayload, seconds: number): Promise<void> {
    const { jti: _, ...rest } = payload
    await storage.set(area, keyOf(id), JSON.stringify(secret ? rest : payload), seconds)
  }

  return {
    upsert: (id, payload, expiresIn = 1) => put(id, payload, expiresIn),
    find,
    async consume(id) {
      const payload = await find(id)
      if (payload !== undefined && (await storage.claim('Consumed', `${area}:${keyOf(id)}`, claimSeconds))) {
        // The mark stands with the thing itself: what is lost with it is not good any more either.
        const left = (payload.exp ?? 0) - Math.floor(Date.now() / 1000)
        return put(id, { ...payload, consumed: true }, Math.min(Math.max(1, left), reuseSeconds))
      }
      // Of two who use it at the same time, one is told so here; then nobody is left the grant.
      if (payload?.grantId !== undefined) {
        await storage.remove('Grant', payload.grantId)
        await endGrant(payload.grantId)
      }
      throw new errors.InvalidGrant('already used')
    },
    async destroy(id) {
      if (area === 'Grant') await endGrant(id)
      await storage.remove(area, keyOf(id))
    },
    // Codes and refresh tokens are of no use without their grant, which goes with them.
    revokeByGrantId: async () => undefined,
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
  }
}

function clients({ storage, registration }: AdapterParts): Adapter {
  return {
    ...unused('Client'),
    async upsert(id, payload) {
      const { limit, unusedLifetime } = registration
      const text = JSON.stringify(payload)
      if (await storage.admit('Client', id, text, unusedLifetime, limit)) return
      const full = new errors.CustomOIDCProviderError('temporarily_unavailable', 'too many clients')
      throw Object.assign(full, { status: 429, statusCode: 429 })
    },
    async find(id) {
      const text = await storage.get('Client', id)
      return text === undefined ? undefined : JSON.parse(text)
    },
  }
}

/** A model of a feature that is off. */
function unused(name: string): Adapter {
  const refuse = async () => {
    throw new TypeError(`${name} is not kept`)
  }
  return {
    upsert: refuse,
    consume: refuse,
    destroy: refuse,
    find: async () => undefined,
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    revokeByGrantId: async () => undefined,
  }
}

/** Keeps a registered client, with which somebody signed in, as long as that lasts. */
export async function keepClient(
  storage: Storage,
  { registration, signInLifetime }: Pick<BrokerSettings, 'registration' | 'signInLifetime'>,
  clientId: string,
): Promise<void> {
  const text = await storage.get('Client', clientId)
  if (text !== undefined) await storage.admit('Client', clientId, text, signInLifetime, registration.limit)
}
