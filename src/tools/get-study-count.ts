import { z } from 'zod'
import { studyNeed } from '../access/narrowing.ts'
import { requireWhole } from '../exchange/whole.ts'
import type { AnyResource, ParametersParameter } from '../fhir/types.ts'
import { oneLine } from '../results/line.ts'
import { quoted } from '../results/quoted.ts'
import { singleAnswer } from '../results/single.ts'
import { defineTool, type GrantedContext } from './tool.ts'

const input = z.strictObject({})

/** Organizations that are told apart; a claim with more is counted in all. */
const mostOrganizations = 50

/** Counts the permitted studies from the claims, without a request; for a superuser those of the exchange. */
export const getStudyCount = defineTool({
  name: 'get_study_count',
  title: 'Count studies',
  description:
    'How many studies this token permits, from its claims, without a request. Cheapest first look.',
  input,
  output: 'fhir',
  rule: { needs: [studyNeed], patients: false },
  subject: () => ({ kind: 'reach' }),
  async run(_, context) {
    const { grant, exchange } = context
    const fromClaims = !grant.terms.unrestricted
    const asOf = new Date(context.now()).toISOString()
    const count = fromClaims
      ? grant.terms.studies.size
      : requireWhole(await exchange.studies(grant)).studies.length
    const organizations = fromClaims ? countByOrganization(context) : []
    const source = fromClaims ? 'claims' : 'exchange'
    const resource: AnyResource = {
      resourceType: 'Parameters',
      parameter: [
        { name: 'count', valueInteger: count },
        { name: 'source', valueCode: source },
        { name: 'asOf', valueInstant: asOf },
        ...organizations.slice(0, mostOrganizations).map(organizationParameter),
      ],
    }
    return singleAnswer({
      asked: 'Number of studies within reach',
      resource,
      lines: [`Studies: ${count}`, ...organizations.slice(0, mostOrganizations).map(organizationLine)],
      notes: notesOf(fromClaims, organizations.length),
      byteBudget: context.byteBudget,
      asOf,
    })
  },
})

interface OrganizationCount {
  /** Undefined for studies whose organization the claim does not name. */
  readonly id: string | undefined
  readonly name: string | undefined
  readonly count: number
}

function countByOrganization({ grant, principal }: GrantedContext): OrganizationCount[] {
  const { studies, organizations } = principal.permissions
  const counts = new Map<string | undefined, number>()
  for (const id of grant.terms.studies) {
    const organization = studies.get(id)?.organizations[0]
    counts.set(organization, (counts.get(organization) ?? 0) + 1)
  }
  if (![...counts.keys()].some((id) => id !== undefined)) return []
  return [...counts].map(([id, count]) => ({
    id,
    name: id === undefined ? undefined : organizations.get(id)?.name,
    count,
  }))
}

function organizationParameter({ id, name, count }: OrganizationCount): ParametersParameter {
  const part: ParametersParameter[] = [{ name: 'count', valueInteger: count }]
  if (name !== undefined) part.unshift({ name: 'name', valueString: oneLine(name) })
  if (id !== undefined) part.unshift({ name: 'id', valueId: id })
  return { name: 'organization', part }
}

function organizationLine({ id, name, count }: OrganizationCount): string {
  if (id === undefined) return `- ${count} of an organization that the claim does not name`
  return `- ${count} of Organization/${id}${name === undefined ? '' : ` ${quoted(name)}`}`
}

function notesOf(fromClaims: boolean, organizations: number): string[] {
  if (!fromClaims) return ['This token sees every study: counted on the exchange.']
  const notes = [
    "Counted from the token's claims, without a request; list_studies names those that the exchange no longer has.",
  ]
  if (organizations > mostOrganizations) {
    notes.push(`${organizations} organizations; the first ${mostOrganizations} are told apart.`)
  }
  return notes
}
