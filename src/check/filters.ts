import type { RosterKey } from '../access/target.ts'
import { isFhirMcpError } from '../errors.ts'
import type { Exchange, ObservationFilter } from '../exchange/exchange.ts'
import { doWork } from '../mcp/call.ts'
import { countPatientObservations } from '../tools/count-patient-observations.ts'
import type { GrantedContext } from '../tools/tool.ts'
import { type Finding, fail, ok, skipped, warn } from './finding.ts'
import type { Probes } from './probes.ts'
import { readRoster, rosterKeysOf } from './rosters.ts'
import { whyNotCalling } from './why-not-calling.ts'

/** Patients that are tried for one who has an observation. */
const mostPatients = 5
/** Studies and organizations that are tried for one with patients. */
const mostRosters = 5

/**
 * Which filters the exchange honours: each is used on a patient who has observations, and then with a value that nothing can
 * have, which has to give nothing. Only numbers come of it.
 */
export async function checkFilters(probes: Probes): Promise<Finding> {
  const why = await whyNotCalling(probes)
  if (why !== undefined) return why
  const keys = rosterKeysOf(await probes.principal())
  if (keys.length === 0) return skipped('The token permits no study and no organization.')
  const found = await proofs(probes, keys)
  if (found === undefined) {
    return warn(
      'There is no observation within reach to prove them with.',
      'Give a token whose studies have patients with observations.',
    )
  }
  const honoured = found.filter(({ proven }) => proven).map(({ form }) => form)
  const ignored = found.filter(({ proven }) => !proven).map(({ form }) => form)
  if (ignored.length === 0) return ok(`${honoured.join(', ')}: each honoured.`)
  const also = honoured.length === 0 ? '' : `; ${honoured.join(', ')}: honoured`
  return fail(
    `${ignored.join(', ')}: ignored by the exchange${also}.`,
    'Calls that need an ignored filter are refused rather than answered wrongly. Have the exchange index that search parameter of Observation (HAPI: $reindex), or update it.',
  )
}

interface Proof {
  readonly form: string
  readonly proven: boolean
}

async function proofs(probes: Probes, keys: readonly RosterKey[]): Promise<readonly Proof[] | undefined> {
  for (const key of keys.slice(0, mostRosters)) {
    const members = await membersOf(probes, key)
    if (members.length === 0) continue
    const proven = await provenWith(probes, key, members)
    if (proven !== undefined) return proven
  }
  return undefined
}

/** Some who are enrolled; none of a roster that cannot be read or is too large, which the check of rosters tells. */
async function membersOf(probes: Probes, key: RosterKey): Promise<readonly string[]> {
  try {
    const roster = await readRoster(probes, key)
    const members: string[] = []
    for (const { patient, enrolled } of roster.patients()) {
      if (enrolled) members.push(patient)
      if (members.length === mostPatients) break
    }
    return members
  } catch (thrown) {
    if (isFhirMcpError(thrown)) return []
    throw thrown
  }
}

async function provenWith(
  probes: Probes,
  { kind, id }: RosterKey,
  members: readonly string[],
): Promise<readonly Proof[] | undefined> {
  const { parts, asker } = await probes.calling()
  return doWork(parts, {
    kind: 'tool',
    name: 'check',
    rule: { name: countPatientObservations.name, ...countPatientObservations.rule },
    asker,
    given: [],
    progress: undefined,
    subject: () => (kind === 'study' ? { kind, study: id } : { kind, organization: id }),
    run: (context) => proveAll(context, members),
    saidIn: () => ({}),
  })
}

async function proveAll(
  { exchange, grant }: GrantedContext,
  members: readonly string[],
): Promise<readonly Proof[] | undefined> {
  for (const patient of members) {
    const count = (filter: ObservationFilter) => exchange.countPatientObservations(grant, patient, filter)
    const whose = await proofOf('patient', count({}))
    if (whose === undefined) continue
    if (!whose.proven) return [whose]
    const codes = await codesOf(exchange.patientObservations(grant, patient, { order: 'newest', count: 1 }))
    const others = await Promise.all([
      codes === undefined ? undefined : proofOf('code', count({ codes })),
      proofOf('date (from)', count({ from: '1900-01-01T00:00:00Z' })),
      proofOf('date (until)', count({ before: '2200-01-01T00:00:00Z' })),
    ])
    return [whose, ...others.filter((one) => one !== undefined)]
  }
  return undefined
}

/** Undefined where nothing was counted: a 0 proves nothing. */
async function proofOf(
  form: string,
  counting: ReturnType<Exchange['countPatientObservations']>,
): Promise<Proof | undefined> {
  try {
    const { count, excluded } = await counting
    return count + excluded === 0 ? undefined : { form, proven: true }
  } catch (thrown) {
    if (isFhirMcpError(thrown, 'NOT_SUPPORTED_BY_EXCHANGE')) return { form, proven: false }
    throw thrown
  }
}

/** A code that the newest observation has; undefined where it has none with its system. */
async function codesOf(
  reading: ReturnType<Exchange['patientObservations']>,
): Promise<ObservationFilter['codes'] | undefined> {
  const [newest] = (await reading).observations
  const coding = (newest?.code?.coding ?? []).find(
    ({ system, code }) => system !== undefined && code !== undefined,
  )
  return coding?.system === undefined || coding.code === undefined
    ? undefined
    : [{ system: coding.system, code: coding.code }]
}
