/**
 * The parts behind the plugin, for those who build something else on them: the decision, the exchange, identity, and the
 * Open mHealth decoder. None of them knows Fastify or an MCP SDK.
 * @packageDocumentation
 */
export { isDenial, type OpenDecision, openDecision } from './access/decide.ts'
export type { Grant, GrantTerms, PatientSet } from './access/grant.ts'
export type { LoadedRoster } from './access/known.ts'
export {
  type Caller,
  type Denial,
  type DialectTraits,
  type Policy,
  type Rule,
  rosterNeed,
  studyNeed,
} from './access/narrowing.ts'
export { type Permissions, parsePermissions } from './access/permissions.ts'
export type { Principal } from './access/principal.ts'
export type { RequestedType, RequestedTypes, Restriction } from './access/restrictions.ts'
export { defaultRoles, type RoleTable } from './access/roles.ts'
export { type Enrolment, type Roster, rosterOf } from './access/roster.ts'
export { parseScopes, type ScopeNeed, type Scopes } from './access/scopes.ts'
export type { RosterKey, Target } from './access/target.ts'
export type { ChainHead } from './audit/chain.ts'
export type { Audit, AuditStatus, CallLine, CallRecord, CallTarget } from './audit/record.ts'
export { type Options, type OptionsInput, optionsSchema } from './config/options.ts'
export { type ErrorCode, type ErrorName, errorCatalog, FhirMcpError, isFhirMcpError } from './errors.ts'
export type {
  Capabilities,
  Credential,
  Exchange,
  ExchangeCall,
  ExchangeOpener,
} from './exchange/exchange.ts'
export { createExchangeOpener } from './exchange/opener.ts'
export { type CompartmentType, compartmentTypes } from './fhir/compartment.ts'
export { createIdentify } from './identity/create-identify.ts'
export type { Identify } from './identity/identify.ts'
export { type DataType, dataTypes, findDataType } from './open-mhealth/data-types.ts'
export { decodeObservation } from './open-mhealth/decode.ts'
export type { Answer, Table } from './results/answer.ts'
export {
  defineLocalTool,
  defineTool,
  type GrantedContext,
  type LocalTool,
  type Subject,
  type Tool,
  type ToolContext,
} from './tools/tool.ts'
