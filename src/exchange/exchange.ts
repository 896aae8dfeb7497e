import type { Grant } from '../access/grant.ts'
import type { DialectTraits } from '../access/narrowing.ts'
import type { RequestedType } from '../access/restrictions.ts'
import type { Enrolment, Roster } from '../access/roster.ts'
import type { CompartmentType } from '../fhir/compartment.ts'
import type {
  AnyResource,
  FhirVersion,
  Observation,
  Patient,
  ResearchStudy,
  SearchCode,
} from '../fhir/types.ts'
import type { CallBytes } from './bytes-in-flight.ts'
import type { SearchArguments } from './compartment/conditions.ts'

/** What the plugin sends to the exchange for a caller. `identity` tells credentials apart without holding them. */
export interface Credential {
  /**
   * Value of the Authorization header for a request that is about to be sent; undefined when the exchange is asked without one.
   * It may have to be got first, so a call that is denied never asks for it. `refused` is one that the exchange answered with
   * 401: it is forgotten, and where there is another one, that comes back. Throws TOKEN_INVALID, EXCHANGE_REJECTED,
   * EXCHANGE_UNAVAILABLE, or the reason of `signal`.
   */
  authorization(signal: AbortSignal, refused?: string): Promise<string | undefined>
  /**
   * Key of whose view of the exchange this is: one word for the plugin's own credentials (shared by all callers),
   * otherwise a digest over issuer, subject, client and permissions.
   */
  readonly identity: string
}

/** What belongs to one call: whose credential, when to stop, and where to count. */
export interface ExchangeCall {
  readonly credential: Credential
  readonly signal: AbortSignal
  /** Waits until this caller may send one more request; what it returns is called when that one is answered. */
  readonly turn?: (signal: AbortSignal) => Promise<() => void>
  /** What the call may hold of large answers, of which the next is read when there is room. */
  readonly bytes?: CallBytes
  /** Milliseconds that are left of the call: no answer is waited for longer, but for a few seconds where it is over. */
  readonly left?: () => number
  /** Called once for each request that is sent to the exchange. */
  readonly onRequest?: () => void
  /** Called with the bytes of each piece of an answer, as they came over the wire, bodies alone. */
  readonly onReceived?: (bytes: number) => void
}

/** What is known of an exchange. */
export interface Capabilities {
  readonly dialect: 'hapi' | 'jupyterhealth'
  readonly fhirVersion: FhirVersion
  readonly software: string | undefined
  /** Search parameters per type that this dialect answers, over and above which nothing is sent. */
  readonly searches: Readonly<Record<string, readonly string[]>>
  /** ISO instant at which the exchange was asked. */
  readonly asOf: string
}

/** Search for patients; every condition has to be met. Texts go to the exchange as FHIR search values, escaped. */
export interface PatientFilter {
  readonly name?: string
  readonly family?: string
  readonly given?: string
  /** FHIR date values with prefix (`ge1960-01-01`). */
  readonly birthdate?: readonly string[]
  /** `system|value` or `value`. */
  readonly identifier?: string
}

/** Which observations. Instants are ISO with offset; `from` and `before` bound the effective time: [from, before). */
export interface ObservationFilter {
  /** Any of these, as the observation's code or that of one of its components; undefined: every code. */
  readonly codes?: readonly SearchCode[]
  /** Codes of panels that may have one of them as a component: searched where the exchange cannot search by component. */
  readonly panels?: readonly SearchCode[]
  readonly from?: string
  readonly before?: string
}

/**
 * Why rows may be missing from an answer: `told`: the exchange says itself that it may be incomplete; `fewer`: it gave fewer
 * rows than its own total; `repeated`: it gave rows again, perhaps in the place of others; `imports`: more were imported than
 * are read, and none of these is there. No number of such an answer is exact.
 */
export type Gap = 'told' | 'fewer' | 'repeated' | 'imports'

/**
 * How observations that an exchange imported from other FHIR servers stand to an answer: `given` among its own ones (their
 * `meta.source` says so, `isImported`), `left out`, or `none`: the exchange tells no origins apart.
 */
export type ImportStanding = 'given' | 'left out' | 'none'

/** Where a page of observations begins: one opaque position per branch of the search, as an earlier page gave it. */
export type ObservationPosition = readonly (string | null)[]

/** Which page of observations. */
export interface ObservationPageQuery extends ObservationFilter {
  readonly order: 'newest' | 'oldest'
  readonly count: number
  readonly position?: ObservationPosition
  /** Set where nothing but status and effective time is read: an exchange may leave the rest of each row out. */
  readonly timesOnly?: true
}

/** A page of observations, in order (undated last), each one checked against the grant. */
export interface ObservationPage {
  readonly observations: readonly Observation[]
  /**
   * Where the page after the n-th observation of this one begins (n from 0 to length), so that what does not fit can be
   * left for later; undefined behind the last one.
   */
  positionAfter(n: number): ObservationPosition | undefined
  /** Exact number of matches, of every status; undefined where the exchange does not say, and where rows may be missing. */
  readonly total: number | undefined
  /** Why rows may be missing; empty for a page of which nothing of the kind is known. */
  readonly gaps: readonly Gap[]
}

/** Which observations of which patients are read together. */
export interface PatientsQuery extends ObservationFilter {
  /** Members within the grant, each once; those in front are read first. */
  readonly patients: readonly string[]
  /** Requests that may be under way at once. */
  readonly concurrency: number
  /** Ends the reading, requests under way included; its reason is thrown. */
  readonly signal: AbortSignal
}

/** An observation, and whose it is. */
export interface PatientObservation {
  readonly patient: string
  readonly observation: Observation
}

/** A patient who could not be read: the exchange does not answer, or its pages lead no further. */
export interface UnreadPatient {
  readonly patient: string
  readonly why: 'silent' | 'stuck'
  /** What a question about this patient ended with. */
  readonly error: unknown
}

/** Observations of several patients, in no order, as they come: each one checked against the grant, each one once. */
export interface PatientsPage {
  readonly observations: readonly PatientObservation[]
  /** Why observations of a patient may be missing, in this page or another one. */
  readonly gaps: readonly { readonly patient: string; readonly gap: Gap }[]
  /** Those of whom everything has come now; each patient is in one page's `whole` or `unread`. */
  readonly whole: readonly string[]
  readonly unread: readonly UnreadPatient[]
}

/** A number of observations. */
export interface ObservationCount {
  /** Without those `entered-in-error` or `cancelled`. */
  readonly count: number
  /** How many were left out as `entered-in-error` or `cancelled`. */
  readonly excluded: number
  /** How many of `count` were imported from other FHIR servers, where the exchange tells them apart. */
  readonly imported?: number
  /** Set where the exchange takes rows out of its answers: the number of those that it showed. How many there are is not known. */
  readonly shownOnly?: true
}

/** Which resources of one type, and where the page begins: as an earlier page gave it. */
export interface ResourceQuery {
  /** Search parameters of the type's safe list, each with a value or several: any of the codes, both of the dates. */
  readonly search: SearchArguments
  readonly count: number
  readonly position?: string
}

/** A page of resources of one type, newest first where they have a date. */
export interface ResourcePage {
  readonly resources: readonly AnyResource[]
  /** Where the page after the n-th resource of this one begins (n from 0 to length); undefined behind the last one. */
  positionAfter(n: number): string | undefined
  /** Exact number of matches; undefined where it was not proven, and where rows may be missing. */
  readonly total: number | undefined
  /** Why rows may be missing. */
  readonly gaps: readonly Gap[]
}

/** The permitted studies, and those ids that the exchange does not have (any more). */
export interface StudyList {
  readonly studies: readonly ResearchStudy[]
  readonly missing: readonly string[]
  /** Why studies may be missing. */
  readonly gaps: readonly Gap[]
}

/** Patients that fit, in the order of their ids. */
export interface PatientList {
  readonly patients: readonly Patient[]
  /** Why patients may be missing. */
  readonly gaps: readonly Gap[]
}

/**
 * What tools may ask of a FHIR server. Every method takes the Grant of the call, compiles it into the search, and holds
 * every resource of the answer against it. Of what is in a resource, references to people outside of the grant are masked and
 * contained people left out; it is tagged SUBSETTED then. Errors: EXCHANGE_UNAVAILABLE, EXCHANGE_TIMEOUT, EXCHANGE_REJECTED,
 * EXCHANGE_LEAK, NOT_SUPPORTED_BY_EXCHANGE, RATE_LIMITED; FORBIDDEN where the exchange itself says no. Where it says that its
 * answer failed, or on a roster or a count that it may be incomplete: EXCHANGE_REJECTED.
 */
export interface Exchange {
  /** What server this is. Any grant will do. */
  capabilities(grant: Grant): Promise<Capabilities>
  /** The FHIR release alone, which costs far less. Any grant will do. */
  fhirVersion(grant: Grant): Promise<FhirVersion>
  /** The studies of the grant, in the order of their ids; every study of the exchange for an unrestricted grant. */
  studies(grant: Grant): Promise<StudyList>
  /** One study of the grant. */
  study(grant: Grant, id: string): Promise<ResearchStudy>
  /**
   * The roster of the study or organization that the grant's target names. Where it has more than `limit` patients, it
   * comes back incomplete and empty. `limit` Infinity reads it to its end.
   */
  roster(grant: Grant, limit: number): Promise<Roster>
  /** The enrolments of one patient in the study or organization that the grant's target names; for large rosters. */
  enrolments(grant: Grant, patient: string): Promise<readonly Enrolment[]>
  /**
   * The types of data that the study requested that the grant's target names; undefined where the exchange records none.
   */
  requestedTypes(grant: Grant): Promise<readonly RequestedType[] | undefined>
  /** All patients of the grant that fit; `ids` (within the grant) narrows further. */
  patients(grant: Grant, filter: PatientFilter, ids?: readonly string[]): Promise<PatientList>
  /** The patient of a grant on one patient. */
  patient(grant: Grant): Promise<Patient>
  /** A page of the observations of the grant's patient. */
  observations(grant: Grant, query: ObservationPageQuery): Promise<ObservationPage>
  /** A page of the observations of one patient within a grant. Throws FORBIDDEN, with nothing sent, for any other patient. */
  patientObservations(grant: Grant, patient: string, query: ObservationPageQuery): Promise<ObservationPage>
  /**
   * The observations of many patients within a grant, in as few requests as this exchange answers in time. Throws FORBIDDEN,
   * with nothing sent, where one is no member. A patient for whom the exchange does not answer is `unread`.
   */
  patientsObservations(grant: Grant, query: PatientsQuery): AsyncIterable<PatientsPage>
  /**
   * Those observations of the grant's patient that have one of these ids, as far as they name themselves: code and subject
   * alone. One request; what is not within the grant does not come, and neither does anything from an exchange that cannot
   * be asked so.
   */
  observationNames(grant: Grant, ids: readonly string[]): Promise<readonly Observation[]>
  /** How imported observations stand to answers within a grant: of a patient of it, where one is named. Asks nothing. */
  imports(grant: Grant, patient?: string): Promise<ImportStanding>
  /**
   * Medications that records of the grant's patient refer to, by their ids: id and code alone. One request; none from an
   * exchange that has none by themselves. Throws FORBIDDEN for a grant that is on no type that has medications.
   */
  medications(grant: Grant, ids: readonly string[]): Promise<readonly AnyResource[]>
  /** How many observations a patient of the grant has, by proven filters only. */
  countPatientObservations(
    grant: Grant,
    patient: string,
    filter: ObservationFilter,
  ): Promise<ObservationCount>
  /** How many observations all patients of the grant have together, by proven filters only. */
  countObservations(grant: Grant, filter: ObservationFilter): Promise<ObservationCount>
  /**
   * How many observations each of several patients of the grant has, where that takes fewer requests than to count one by one;
   * undefined where it does not. Throws FORBIDDEN, with nothing sent, where one is no member.
   */
  countsByPatient(
    grant: Grant,
    query: PatientsQuery,
  ): Promise<ReadonlyMap<string, ObservationCount> | undefined>
  /**
   * A page of one type of the compartment of the grant's patient. Throws INVALID_ARGUMENT for a type that `fhir.types` does
   * not allow and for a condition that is not on the type's safe list, and FORBIDDEN for a grant on another type.
   */
  search(grant: Grant, type: CompartmentType, query: ResourceQuery): Promise<ResourcePage>
  /** One of them. FORBIDDEN where there is none of this id, or it is another patient's. */
  read(grant: Grant, type: CompartmentType, id: string): Promise<AnyResource>
}

/** Makes the Exchange of one call. One opener serves a process: pool, capabilities and proofs are shared. */
export interface ExchangeOpener {
  /** The normalised base URL, without a slash at its end. */
  readonly baseUrl: string
  /** What is known of the dialect already; undefined before `auto` has looked. */
  knownTraits(): DialectTraits | undefined
  /** What of the dialect matters to a decision; `auto` looks at the server where it has not yet. */
  traits(call: ExchangeCall): Promise<DialectTraits>
  /** Resolves when the exchange answers now; asked at most every 10 seconds. */
  ready(signal: AbortSignal): Promise<void>
  /** The exchange for one call. It sends nothing by itself; with `auto`, its first question looks at the server. */
  open(call: ExchangeCall): Exchange
  /** Ends the pool, after the requests in flight. */
  close(): Promise<void>
}
