import { addressOf } from '../broker/address.ts'
import type { BrokerSettings } from '../broker/options.ts'
import { pageClientId } from '../broker/page-client.ts'
import type { CommandValues } from '../config/env.ts'
import type { Options } from '../config/options.ts'
import { fhirMcpError } from '../errors.ts'
import { audienceOf } from '../mcp/audience.ts'
import type { PageSettings, PageSignIn } from '../page/settings.ts'

/** What the page goes with: the options of the plugin, the broker, and the address within this machine. */
export interface PageSurroundings {
  readonly options: Options
  readonly broker: BrokerSettings | undefined
}

/**
 * The settings of the start page; undefined where FHIR_MCP_PAGE does not ask for one. It signs people in at the broker, where
 * there is one, and at the issuer where it has a client there. Throws CONFIG for settings that contradict each other.
 */
export function pageSettings(
  command: CommandValues,
  surroundings: PageSurroundings,
): PageSettings | undefined {
  const {
    FHIR_MCP_PAGE: wanted = 'false',
    FHIR_MCP_PAGE_CLIENT_ID: clientId,
    FHIR_MCP_PAGE_CLIENT_SECRET: clientSecret,
  } = command
  if (wanted !== 'true' && wanted !== 'false') throw wrong('FHIR_MCP_PAGE must be true or false')
  if (wanted === 'false') {
    if (clientId !== undefined) throw wrong('FHIR_MCP_PAGE true is required with FHIR_MCP_PAGE_CLIENT_ID')
    return undefined
  }
  if (clientSecret !== undefined && clientId === undefined) {
    throw wrong('FHIR_MCP_PAGE_CLIENT_ID is required with FHIR_MCP_PAGE_CLIENT_SECRET')
  }
  const { broker } = surroundings
  if (broker !== undefined) {
    if (clientId === undefined) return { signIn: atBroker(broker) }
    throw wrong('FHIR_MCP_PAGE_CLIENT_ID must be left out with the broker, which knows the page')
  }
  return { signIn: clientId === undefined ? undefined : atIssuer(surroundings, clientId, clientSecret) }
}

function atBroker(broker: BrokerSettings): PageSignIn {
  const { issuer, resource } = addressOf(broker)
  return { issuer: new URL(issuer), clientId: pageClientId, clientSecret: undefined, resource, inside: true }
}

function atIssuer(
  { options }: PageSurroundings,
  clientId: string,
  clientSecret: string | undefined,
): PageSignIn {
  const { issuer } = options.auth
  const audiences = [audienceOf(options).audience ?? []].flat()
  const resource = audiences.find((one) => URL.canParse(one) && !one.includes('#'))
  return { issuer: new URL(issuer), clientId, clientSecret, resource, inside: false }
}

function wrong(what: string): Error {
  return fhirMcpError('CONFIG', { detail: `${what}.` })
}
