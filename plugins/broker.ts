import type { FastifyInstance } from 'fastify'
import type { Principal } from '../src/access/principal.ts'
import type { HeldToken } from '../src/config/fhir.ts'
import type { Options } from '../src/config/options.ts'
import { fhirMcpError } from '../src/errors.ts'
import { audienceOf } from '../src/mcp/audience.ts'
import type { Names, ReadNames } from '../src/mcp/names.ts'

/** The decorator by which a broker is known: it signs people in, and holds their tokens for the exchange. */
export const brokerDecorator = 'fhirMcpBroker'

/** Whose names a broker wants to show, before there is a token that was given to anybody. */
export interface NamesQuestion {
  readonly principal: Principal
  /** A token of the broker's for this person, where one is needed to be exchanged for another. */
  token(): Promise<string>
}

/** Names of what a person's permissions reach, as the exchange has them. Throws what a call of a tool throws. */
export type NamesFor = (question: NamesQuestion, signal: AbortSignal) => Promise<Names>

/** What the plugin wants from a broker, and gives it. */
export interface BrokerBeside {
  /** Issuer of its tokens. */
  readonly issuer: string
  /** The MCP endpoint that they are for. */
  readonly resource: string
  readonly heldToken: HeldToken
  /** Takes how the names for its consent page are read. */
  nameBy(namesFor: NamesFor): void
}

/** What the broker of this gateway holds; undefined where none was registered before. */
export function heldTokenOf(fastify: FastifyInstance): HeldToken | undefined {
  const broker = brokerOf(fastify)
  return broker && ((principal, signal) => broker.heldToken(principal, signal))
}

/**
 * Lets the broker whose tokens are for this registration name studies on its consent page, by the exchange and with the
 * credentials of this registration. It looks once everything is registered, in whatever order.
 */
export function nameForBroker(fastify: FastifyInstance, options: Options, readNames: ReadNames): void {
  const { auth, fhir } = options
  fastify.addHook('onReady', async () => {
    const broker = brokerOf(fastify)
    const { audience } = audienceOf(options)
    if (broker?.issuer !== auth.issuer || ![audience].flat().includes(broker.resource)) return
    broker.nameBy(async ({ principal, token }, signal) =>
      readNames({
        principal,
        token: fhir.credentials === 'token-exchange' ? await token() : '',
        signal,
      }),
    )
  })
}

/**
 * Fails the start of a gateway that would send a broker's tokens to the exchange: they are for the MCP client and for us. It
 * looks once everything is registered, in whatever order. Throws CONFIG.
 */
export function refuseForwardingWithBroker(fastify: FastifyInstance, { fhir }: Options): void {
  if (fhir.credentials !== 'forward') return
  fastify.addHook('onReady', async () => {
    if (brokerOf(fastify) === undefined) return
    throw fhirMcpError('CONFIG', {
      detail: "fhir.credentials forward would send the broker's tokens to the exchange: use held.",
    })
  })
}

function brokerOf(fastify: FastifyInstance): BrokerBeside | undefined {
  return fastify.hasDecorator(brokerDecorator)
    ? fastify.getDecorator<BrokerBeside>(brokerDecorator)
    : undefined
}
