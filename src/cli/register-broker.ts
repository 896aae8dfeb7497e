import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { addressOf } from '../broker/address.ts'
import type { BrokerSettings } from '../broker/options.ts'
import { brokerName, brokerSwitch } from '../config/env.ts'
import { fhirMcpError } from '../errors.ts'
import { pageCallbackAt } from '../page/address.ts'
import { callingByVariables } from './calling-by-variables.ts'

/** Optional peers: whoever runs no broker installs none of them. */
const peers = {
  'oidc-provider': () => import('oidc-provider'),
  redis: () => import('redis'),
} as const

/**
 * Registers the broker, with the start page among its clients where there is one, and logs what its upstream has to know. Throws
 * CONFIG for a missing package and what the broker throws.
 */
export async function registerBroker(
  app: FastifyInstance,
  settings: BrokerSettings,
  hasPage: boolean,
): Promise<void> {
  await assertInstalled('oidc-provider', brokerSwitch)
  if (settings.storage !== 'memory') await assertInstalled('redis', brokerName(['storage', 'redis']))
  const [{ createBroker }, { publicDocuments }] = await Promise.all([
    import('../broker/plugin.ts'),
    import('../broker/guarded-fetch.ts'),
  ])
  const pageCallback = hasPage ? pageCallbackAt(settings.publicUrl) : undefined
  const parts = { now: () => Date.now(), documents: publicDocuments, pageCallback }
  const broker = fp(createBroker(parts), { fastify: '5.x', name: 'fastify-fhir-mcp-broker' })
  await callingByVariables(brokerName, async () => app.register(broker, settings))
  const { issuer, resource, callbackUrl } = addressOf(settings)
  app.log.info({ issuer, resource, redirectUri: callbackUrl }, 'broker: register redirectUri at the upstream')
}

async function assertInstalled(name: keyof typeof peers, variable: string): Promise<void> {
  try {
    await peers[name]()
  } catch (thrown) {
    if (!isNotFound(thrown)) throw thrown
    throw fhirMcpError('CONFIG', {
      detail: `${variable} needs a package that is not installed: npm install ${name}.`,
    })
  }
}

function isNotFound(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_MODULE_NOT_FOUND'
}
