import { missingPublicUrl } from '../../plugins/address.ts'
import { addressOf } from '../broker/address.ts'
import type { BrokerSettings } from '../broker/options.ts'
import {
  brokerSettingsOf,
  brokerSwitch,
  commandOf,
  optionsOf,
  type Values,
  variableOf,
} from '../config/env.ts'
import type { Options } from '../config/options.ts'
import { fhirMcpError } from '../errors.ts'
import { withLoginClient } from '../login/settings.ts'
import { isLoopback } from '../loopback.ts'
import type { PageSettings } from '../page/settings.ts'
import { pageSettings } from './page-settings.ts'

/** Where the server listens; port 0 is any free one. */
export interface Listening {
  readonly host: string
  readonly port: number
}

/** What `serve` registers. */
export interface ServeOptions {
  readonly options: Options
  readonly broker: BrokerSettings | undefined
  /** The start page; undefined without one. */
  readonly page: PageSettings | undefined
}

const publicUrlVariable = variableOf(['publicUrl'])

/**
 * The options of the plugin and, where they are wanted, of the broker and the start page beside it, which fit each other: the
 * plugin takes the broker's tokens, and they are for the plugin's endpoint. Throws CONFIG for a wrong or missing setting, and for settings that
 * contradict each other.
 */
export function serveOptions(values: Values, listening: Listening): ServeOptions {
  const given = values.get(publicUrlVariable)
  if (given === undefined && !isLoopback(listening.host)) throw missingPublicUrl(publicUrlVariable)
  if (given !== undefined && !URL.canParse(given))
    throw wrong(`${publicUrlVariable} must be an http or https URL`)
  const local = originOf(listening)
  const settings = brokerSettingsOf(values, given ?? local)
  const command = commandOf(values)
  if (settings === undefined) {
    const options = withoutBroker(optionsOf(values))
    const page = pageSettings(command, { options, broker: undefined })
    const { clientId } = page?.signIn ?? {}
    // Opaque tokens are known to be ours by their client.
    return {
      options: clientId === undefined ? options : withLoginClient(options, clientId),
      broker: undefined,
      page,
    }
  }
  if (given === undefined && listening.port === 0) {
    throw wrong(`FHIR_MCP_PORT (--port) must not be 0 with the broker: its address is in its tokens`)
  }
  const { issuer } = addressOf(settings)
  const defaults = new Map([
    [publicUrlVariable, settings.publicUrl],
    [variableOf(['auth', 'issuer']), issuer],
  ])
  // Its keys are asked for within this machine: the public address often cannot be reached from behind its own proxy.
  if (listening.port !== 0) defaults.set(variableOf(['auth', 'jwksUri']), `${local}${settings.path}/jwks`)
  const options = optionsOf(new Map([...defaults, ...values]))
  const resource = `${settings.publicUrl.replace(/\/+$/, '')}${options.path}`
  const fhirTypes = [...new Set([...settings.fhirTypes, ...options.fhir.types])]
  const broker = { ...settings, resource, fhirTypes }
  const contradictions = contradictionsOf(options, broker, issuer)
  if (contradictions.length > 0) throw wrong(contradictions.join('; '))
  return { options, broker, page: pageSettings(command, { options, broker }) }
}

function withoutBroker(options: Options): Options {
  if (options.fhir.credentials !== 'held') return options
  throw wrong(`${variableOf(['fhir', 'credentials'])} held needs the broker: ${brokerSwitch} is required`)
}

/** What of the plugin's settings does not go with the broker's tokens: with any of it nobody could make a call. */
function contradictionsOf(
  { fhir, auth }: Options,
  { resource, keys, accessTokenLifetime }: BrokerSettings & { readonly resource: string },
  issuer: string,
): string[] {
  const setting = (...path: string[]) => variableOf(path)
  const audiences = [auth.audience ?? resource].flat()
  const algorithms: readonly string[] = auth.algorithms
  const wrongs: (string | false)[] = [
    fhir.credentials === 'forward' &&
      `${setting('fhir', 'credentials')} must not be forward with the broker: its tokens are not for the exchange; use held`,
    auth.issuer !== issuer &&
      `${setting('auth', 'issuer')} must be left out with the broker, or be ${publicUrlVariable} with ${setting('broker', 'path')}`,
    !audiences.includes(resource) &&
      `${setting('auth', 'audience')} must be left out with the broker, or hold ${publicUrlVariable} with ${setting('path')}`,
    auth.sources.some((source) => source !== 'jwt') &&
      `${setting('auth', 'sources')} must be left out with the broker, or be jwt; where it reads permissions is ${setting('broker', 'claims', 'sources')}`,
    auth.claim !== 'jhe_permissions' &&
      `${setting('auth', 'claim')} must be left out with the broker; the claim of its upstream is ${setting('broker', 'claims', 'claim')}`,
    auth.claimPath.length > 0 &&
      `${setting('auth', 'claimPath')} must be left out with the broker; the place at its upstream is ${setting('broker', 'claims', 'claimPath')}`,
    auth.maxClaimsAge < accessTokenLifetime &&
      `${setting('auth', 'maxClaimsAge')} must not be below ${setting('broker', 'accessTokenLifetime')}: tokens would end early`,
    !auth.tokenTypes.includes('at+jwt') &&
      `${setting('auth', 'tokenTypes')} must be left out with the broker, or hold at+jwt`,
    keys.some(({ alg }) => !algorithms.includes(alg)) &&
      `${setting('auth', 'algorithms')} must be left out with the broker, or hold those of ${setting('broker', 'keys')}`,
  ]
  return wrongs.filter((one) => one !== false)
}

/** The origin by which this machine reaches a server that listens there. */
function originOf({ host, port }: Listening): string {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`
}

function wrong(what: string): Error {
  return fhirMcpError('CONFIG', { detail: `${what}.` })
}
