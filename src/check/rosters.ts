import { rosterNeed } from '../access/narrowing.ts'
import type { Principal } from '../access/principal.ts'
import type { Roster } from '../access/roster.ts'
import type { RosterKey } from '../access/target.ts'
import { type FhirMcpError, isFhirMcpError } from '../errors.ts'
import { doWork } from '../mcp/call.ts'
import type { Subject } from '../tools/tool.ts'
import { type Finding, fail, ok, skipped, warn } from './finding.ts'
import type { Probes } from './probes.ts'
import { whyNotCalling } from './why-not-calling.ts'

/** Rosters that one run reads; the others are counted as not looked at. */
const most = 20

interface Read {
  readonly key: RosterKey
  readonly roster: Roster | undefined
  readonly error: FhirMcpError | undefined
}

/** Reads the rosters of the permitted studies and organizations, up to the limit: whether they can be had, and how large they are. */
export async function checkRosters(probes: Probes): Promise<Finding> {
  const why = await whyNotCalling(probes)
  if (why !== undefined) return why
  const keys = rosterKeysOf(await probes.principal())
  if (keys.length === 0) return skipped('The token permits no study and no organization.')
  const read: Read[] = []
  for (const key of keys.slice(0, most)) {
    probes.progress(`rosters: ${read.length + 1} of ${Math.min(keys.length, most)}`)
    read.push(await rosterOf(probes, key))
  }
  return judged(read, keys.length - read.length, probes.options.access.rosterLimit)
}

/** The rosters that a token permits: of studies, then of organizations. */
export function rosterKeysOf({ permissions }: Principal): readonly RosterKey[] {
  return [
    ...[...permissions.studies.keys()].map((id) => ({ kind: 'study', id }) as const),
    ...[...permissions.organizations.keys()].map((id) => ({ kind: 'organization', id }) as const),
  ]
}

async function rosterOf(probes: Probes, key: RosterKey): Promise<Read> {
  try {
    return { key, roster: await readRoster(probes, key), error: undefined }
  } catch (thrown) {
    if (!isFhirMcpError(thrown)) throw thrown
    return { key, roster: undefined, error: thrown }
  }
}

/** One roster, by a decision and with a record; incomplete and empty beyond `access.rosterLimit`. */
export async function readRoster(probes: Probes, key: RosterKey): Promise<Roster> {
  const { parts, asker } = await probes.calling()
  return doWork(parts, {
    kind: 'tool',
    name: 'check',
    rule: { name: 'list_study_patients', needs: [rosterNeed], patients: false },
    asker,
    given: [],
    progress: undefined,
    subject: () => subjectOf(key),
    run: ({ exchange, grant }) => exchange.roster(grant, probes.options.access.rosterLimit),
    saidIn: () => ({}),
  })
}

function subjectOf({ kind, id }: RosterKey): Subject {
  return kind === 'study' ? { kind, study: id } : { kind, organization: id }
}

function judged(read: readonly Read[], left: number, limit: number): Finding {
  const sizes = read.map(({ key, roster, error }) => {
    return `${key.kind} ${key.id}: ${roster === undefined ? error?.code : sizeOf(roster, limit)}`
  })
  const found = `${sizes.join(', ')}${left > 0 ? `, and ${left} not looked at` : ''}.`
  const errors = read.flatMap(({ error }) => error ?? [])
  const [first] = errors
  if (first !== undefined) return fail(found, cures[first.code] ?? first.entry.cure)
  if (read.some(({ roster }) => roster?.complete === false)) {
    return warn(
      found,
      'Rosters beyond FHIR_MCP_ACCESS_ROSTER_LIMIT are not kept: each patient of theirs is asked for by itself. Raise it where there is memory (about 40 bytes for an enrolment).',
    )
  }
  if (read.every(({ roster }) => roster !== undefined && enrolledIn(roster) === 0)) {
    return warn(
      found,
      'Nobody is enrolled: the claim has to hold the ids of this exchange, and FHIR_MCP_ACCESS_ENROLLED_* say which statuses count.',
    )
  }
  return ok(found)
}

function sizeOf(roster: Roster, limit: number): string {
  return roster.complete ? `${enrolledIn(roster)} of ${roster.size} enrolled` : `more than ${limit}`
}

function enrolledIn(roster: Roster): number {
  return [...roster.patients()].filter(({ enrolled }) => enrolled).length
}

const cures: Readonly<Record<string, string>> = {
  FHIR_MCP_FORBIDDEN:
    'The exchange does not have this study or organization, or does not let this caller read it (or FHIR_MCP_ACCESS_ROLES does not): correct the id in the claim, or the rights of the caller there.',
  FHIR_MCP_INSUFFICIENT_SCOPE:
    'The token has SMART scopes: it needs user/Patient.rs or user/ResearchSubject.rs among them.',
  FHIR_MCP_EXCHANGE_REJECTED:
    'The exchange refuses the credential: look at FHIR_MCP_FHIR_CREDENTIALS (docs/credentials.md) and at its own log.',
  FHIR_MCP_EXCHANGE_LEAK:
    'The exchange ignored the filter by which a roster is read and answered with others: do not use it before that is cured.',
}
