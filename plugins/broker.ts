import type { FastifyInstance } from 'fastify'
import type { HeldToken, Options } from '../src/config.ts'
import { fhirMcpError } from '../src/errors.ts'

/** The decorator by which a broker is known: it signs people in, and holds their tokens for the exchange. */
export const brokerDecorator = 'fhirMcpBroker'

/** What the plugin wants from a broker. */
export interface TokenHolding {
  readonly heldToken: HeldToken
}

/** What the broker of this gateway holds; undefined where none was registered before. */
export function heldTokenOf(fastify: FastifyInstance): HeldToken | undefined {
  if (!fastify.hasDecorator(brokerDecorator)) return undefined
  const broker = fastify.getDecorator<TokenHolding>(brokerDecorator)
  return (principal, signal) => broker.heldToken(principal, signal)
}

/**
 * Fails the start of a gateway that would send a broker's tokens to the exchange: they are for the MCP client and for us. It
 * looks once everything is registered, in whatever order. Throws CONFIG.
 */
export function refuseForwardingWithBroker(fastify: FastifyInstance, { fhir }: Options): void {
  if (fhir.credentials !== 'forward') return
  fastify.addHook('onReady', async () => {
    if (!fastify.hasDecorator(brokerDecorator)) return
    throw fhirMcpError('CONFIG', {
      detail: "fhir.credentials forward would send the broker's tokens to the exchange: use held.",
    })
  })
}
