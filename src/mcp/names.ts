import { type Rule, studyNeed } from '../access/narrowing.ts'
import { localReference } from '../fhir/reference.ts'
import type { ResearchStudy } from '../fhir/types.ts'
import { type CallParts, doWork } from './call.ts'
import type { Asker } from './service.ts'

/** What the exchange calls things, by id. The texts are the exchange's own. */
export interface Names {
  /** Titles of studies. */
  readonly studies: ReadonlyMap<string, string>
  /** Names of organizations, as far as the studies that they sponsor give them. */
  readonly organizations: ReadonlyMap<string, string>
}

/**
 * Reads the names of what the asker's permissions reach: decided on, held against the grant, and recorded like a call of
 * `list_studies`. Throws what that call throws.
 */
export type ReadNames = (asker: Asker) => Promise<Names>

const rule: Rule = { name: 'list_studies', needs: [studyNeed], patients: false }

/** Makes `ReadNames`. */
export function createReadNames(parts: CallParts): ReadNames {
  const { baseUrl } = parts.context.settings
  return (asker) =>
    doWork(parts, {
      kind: 'tool',
      rule,
      asker,
      progress: undefined,
      given: [],
      saidIn: () => ({}),
      subject: () => ({ kind: 'reach' }),
      async run({ exchange, grant }) {
        const { studies } = await exchange.studies(grant)
        return {
          studies: new Map(studies.flatMap(({ id, title }) => (id && title ? [[id, title] as const] : []))),
          organizations: new Map(studies.flatMap((study) => sponsorsOf(study, baseUrl))),
        }
      },
    })
}

/** The sponsors that are named: R4 `sponsor`, R5 each `associatedParty` of role sponsor. */
function sponsorsOf(study: ResearchStudy, baseUrl: string): (readonly [string, string])[] {
  const parties = 'associatedParty' in study ? (study.associatedParty ?? []) : []
  const sponsors = parties.filter(({ role }) => (role?.coding ?? []).some(({ code }) => code === 'sponsor'))
  const named = [
    ...('sponsor' in study && study.sponsor !== undefined ? [{ party: study.sponsor, name: undefined }] : []),
    ...sponsors.map(({ party, name }) => ({ party, name })),
  ]
  return named.flatMap(({ party, name }) => {
    const organization = localReference(party?.reference, baseUrl)
    const text = party?.display ?? name
    return organization?.type === 'Organization' && text ? [[organization.id, text] as const] : []
  })
}
