import type { AccessOptions } from '../config/access.ts'
import type { CompartmentType } from '../fhir/compartment.ts'
import type { FhirVersion } from '../fhir/types.ts'
import type { Capabilities, ExchangeCall } from './exchange.ts'
import type { FhirClient, RequestShape } from './fhir-client.ts'
import type { ListedCodes } from './jupyterhealth/listed-codes.ts'
import type { Paces } from './paces.ts'
import type { Proofs } from './proofs.ts'
import type { RowFilter } from './row-filter.ts'

/** What a dialect works with while it answers one call. */
export interface Asking {
  /** Never has more than `connections` requests under way. */
  readonly client: FhirClient
  readonly call: ExchangeCall
  readonly access: AccessOptions
  /** The clock, in milliseconds since the epoch. */
  readonly now: () => number
  readonly connections: number
  /** The types of a patient's compartment that the operator allows. */
  readonly types: readonly CompartmentType[]
  /** Shared by all calls to this exchange. */
  readonly proofs: Proofs
  /** Shared by all calls to this exchange. */
  readonly paces: Paces
  /** Shared by all calls to this exchange. */
  readonly rowFilter: RowFilter
  /** The FHIR release of the exchange; cached for all calls. */
  readonly version: () => Promise<FhirVersion>
  /** What the exchange says of itself; cached for all calls. */
  readonly capabilities: () => Promise<Capabilities>
  /** Headers of every request, as the dialect wants them. */
  readonly shape: RequestShape
  /** Of a JupyterHealth Exchange; shared by all calls to this exchange. */
  readonly codes: ListedCodes
  /** Reads a path below the exchange's own API, which JupyterHealth has. */
  readonly api: (path: string) => Promise<unknown>
}
