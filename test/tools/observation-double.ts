import { isDenial, openDecision } from '../../src/access/decide.ts'
import { assertGrant } from '../../src/access/grant.ts'
import type { Rule } from '../../src/access/narrowing.ts'
import type { Principal } from '../../src/access/principal.ts'
import { rosterOf } from '../../src/access/roster.ts'
import type { Target } from '../../src/access/target.ts'
import { fhirMcpError } from '../../src/errors.ts'
import type {
  Exchange,
  ObservationFilter,
  ObservationPage,
  ObservationPageQuery,
} from '../../src/exchange/exchange.ts'
import type { Observation, ParametersParameter } from '../../src/fhir/types.ts'
import { checkArguments } from '../../src/mcp/call.ts'
import type { Answer } from '../../src/results/answer.ts'
import { readingTime } from '../../src/results/reading-time.ts'
import { excludedStatusOf } from '../../src/results/standing.ts'
import type { GrantedContext, Tool } from '../../src/tools/tool.ts'
import { policy } from '../access/callers.ts'
import { contextOf, enrolmentOf, principalOf, resourceOf } from './call-tool.ts'
import { exchangeDouble } from './exchange-double.ts'

/** A question about observations that reached the exchange. */
export interface Asked {
  readonly method: 'observations' | 'patientObservations' | 'countPatientObservations' | 'countObservations'
  readonly query: ObservationFilter & Partial<ObservationPageQuery>
  readonly patient?: string
}

export interface ObservationDouble extends Exchange {
  readonly asked: Asked[]
}

/** An exchange over observations in memory: filters, order (undated last), positions and counts as the interface says. */
export function observationDouble(
  observations: readonly Observation[],
  overrides: Partial<Exchange> = {},
): ObservationDouble {
  const asked: Asked[] = []
  const matching = (patients: (id: string) => boolean, filter: ObservationFilter) =>
    observations.filter((one) => patients(one.subject?.reference?.split('/')[1] ?? '') && fits(one, filter))
  const count = (found: readonly Observation[]) => {
    const excluded = found.filter((one) => excludedStatusOf(one) !== undefined).length
    return { count: found.length - excluded, excluded }
  }
  return {
    ...exchangeDouble({}),
    asked,
    async observations(grant, query) {
      assertGrant(grant)
      asked.push({ method: 'observations', query })
      return pageOf(
        matching((id) => grant.standing(id) === 'member', query),
        query,
      )
    },
    async patientObservations(grant, patient, query) {
      assertGrant(grant)
      asked.push({ method: 'patientObservations', query, patient })
      if (grant.standing(patient) !== 'member') throw fhirMcpError('FORBIDDEN')
      return pageOf(
        matching((id) => id === patient, query),
        query,
      )
    },
    async countPatientObservations(grant, patient, filter) {
      assertGrant(grant)
      asked.push({ method: 'countPatientObservations', query: filter, patient })
      if (grant.standing(patient) !== 'member') throw fhirMcpError('FORBIDDEN')
      return count(matching((id) => id === patient, filter))
    },
    async countObservations(grant, filter) {
      assertGrant(grant)
      asked.push({ method: 'countObservations', query: filter })
      return count(matching((id) => grant.standing(id) === 'member', filter))
    },
    ...overrides,
  }
}

function pageOf(matches: readonly Observation[], query: ObservationPageQuery): ObservationPage {
  const found = sorted(matches, query.order)
  const start = Number(query.position?.[0] ?? 0)
  return {
    observations: found.slice(start, start + query.count),
    positionAfter: (n) => (start + n < found.length ? [String(start + n)] : undefined),
    total: found.length,
    gaps: [],
  }
}

function fits(observation: Observation, { codes, from, before }: ObservationFilter): boolean {
  const own = observation.code.coding ?? []
  const coded =
    codes === undefined ||
    own.some(({ system, code }) => codes.some((one) => one.system === system && one.code === code))
  const { from: at } = readingTime(observation, 'UTC')
  const after = from === undefined || (at !== undefined && at >= Date.parse(from))
  return coded && after && (before === undefined || (at !== undefined && at < Date.parse(before)))
}

function sorted(observations: readonly Observation[], order: 'newest' | 'oldest'): Observation[] {
  const at = (one: Observation) => readingTime(one, 'UTC').from
  return observations.toSorted((a, b) => {
    const [x, y] = [at(a), at(b)]
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined)
    return order === 'newest' ? y - x : x - y
  })
}

/** How a test calls an observation tool. Everybody named in `enrolled` is enrolled in study `s1`, which is permitted. */
export interface ObservationCalling {
  readonly exchange: Exchange
  readonly enrolled?: readonly string[]
  readonly principal?: Principal
  readonly context?: Partial<GrantedContext>
}

/** Checks the arguments, decides by the roster, and runs, as a call does. Throws FhirMcpError. */
export async function callOn(tool: Tool, given: unknown, calling: ObservationCalling): Promise<Answer> {
  const principal = calling.principal ?? principalOf({ studies: ['s1'] })
  const roster = rosterOf(
    (calling.enrolled ?? ['p1']).map((id) => enrolmentOf(id)),
    true,
    0,
  )
  const input = checkArguments(tool.input, given)
  const rule: Rule = { name: tool.name, ...tool.rule }
  const subject = tool.subject(input)
  const target: Target = subject.kind === 'patient' ? { kind: 'patient', patient: subject.patient } : subject
  const open = openDecision(rule, principal, policy)
  const needed = open.rostersFor(target)
  const rosters = needed
    .filter(({ kind, id }) => kind === 'study' && id === 's1')
    .map((key) => ({ key, roster }))
  const grant = open.decide(target, rosters)
  if (isDenial(grant)) throw fhirMcpError(grant.denied)
  const base = { ...contextOf({ principal }), ...calling.context }
  return tool.run(input, {
    ...base,
    endsAt: base.now() + base.settings.deadline,
    grant,
    target,
    exchange: calling.exchange,
    roster: async () => roster,
    requestedTypes: async () => undefined,
    ...calling.context,
  })
}

const loinc = 'http://loinc.org'
const ucum = 'http://unitsofmeasure.org'

/** An observation of p1: heart rate, unless it is said otherwise. */
export function observation(id: string, more: Partial<Observation> = {}): Observation {
  return {
    resourceType: 'Observation',
    id,
    status: 'final',
    code: { coding: [{ system: loinc, code: '8867-4', display: 'Heart rate' }] },
    subject: { reference: 'Patient/p1' },
    ...more,
  }
}

export function quantity(value: number, unit = '/min') {
  return { value, unit, system: ucum, code: unit }
}

export function coded(code: string, display?: string) {
  return { coding: [{ system: loinc, code, ...(display === undefined ? {} : { display }) }] }
}

/** Blood pressure as HAPI keeps it. */
export function bloodPressure(id: string, at: string, systolic: number, diastolic: number): Observation {
  return observation(id, {
    code: coded('85354-9'),
    effectiveDateTime: at,
    component: [
      { code: coded('8480-6', 'Systolic'), valueQuantity: quantity(systolic, 'mm[Hg]') },
      { code: coded('8462-4', 'Diastolic'), valueQuantity: quantity(diastolic, 'mm[Hg]') },
    ],
  })
}

/** The parameters of an answer with a name. */
export function parametersNamed(answer: Answer, name: string): ParametersParameter[] {
  return (resourceOf(answer).parameter as ParametersParameter[]).filter((one) => one.name === name)
}

/** The value of the one parameter with a name; undefined where there is none. */
export function valueNamed(parameters: readonly ParametersParameter[], name: string): unknown {
  const found = parameters.filter((one) => one.name === name)
  if (found.length > 1) throw new TypeError(`${name} is there more than once`)
  const [value] = Object.entries(found[0] ?? {}).filter(([key]) => key.startsWith('value'))
  return value?.[1]
}
