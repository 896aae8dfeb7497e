/**
 * Stand-ins for the tests of tools and gateways: an exchange, an issuer, a count of what was sent.
 * @packageDocumentation
 */
export { syntheticCohort } from './cohort.ts'
export {
  type ExchangeRequest,
  type Faults,
  type HapiExchangeOptions,
  type JupyterHealthExchangeOptions,
  startExchange,
  type TestExchange,
} from './exchange.ts'
export type { Fault } from './fault.ts'
export {
  type IssuerAlgorithm,
  type IssuerOptions,
  type IssuerRequest,
  type OpaqueToken,
  startIssuer,
  type TestIssuer,
  type TokenOptions,
} from './issuer.ts'
export {
  type JupyterHealthCohort,
  type JupyterHealthImport,
  type JupyterHealthObservation,
  type JupyterHealthOrganization,
  type JupyterHealthPatient,
  type JupyterHealthStudy,
  type JupyterHealthUser,
  jupyterHealthCohort,
} from './jupyterhealth-cohort.ts'
export { type CountOptions, countNetwork, type NetworkCount, type SentRequest } from './network.ts'
export { type PermissionsClaim, type Permitted, permissionsClaim } from './permissions-claim.ts'
