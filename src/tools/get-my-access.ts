import { z } from 'zod'
import type { OrganizationPermission, StudyPermission } from '../access/permissions.ts'
import type { Principal } from '../access/principal.ts'
import { type Scopes, whyScopesNarrow } from '../access/scopes.ts'
import { oneLine } from '../results/line.ts'
import { meaningBytes, quoted } from '../results/quoted.ts'
import { defineLocalTool, type ToolContext, type ToolStanding } from './tool.ts'

const input = z.strictObject({})

/** What the token lets the caller see, by what, until when and how fresh; without any request. */
export const getMyAccess = defineLocalTool({
  name: 'get_my_access',
  title: 'My access',
  description:
    'What this token lets me see, by what, until when, how fresh. No request; use it after a refusal.',
  input,
  output: 'object',
  local: true,
  async run(_, context) {
    const { studies, organizations } = context.principal.permissions
    let most = Math.max(studies.size, organizations.size)
    let answer = accessAnswer(context, most)
    while (most > 0 && bytesOf(answer) > context.byteBudget) {
      most = Math.floor(most / 2)
      answer = accessAnswer(context, most)
    }
    return answer
  },
})

/** The answer with at most so many studies and organizations named; their numbers are always there. */
function accessAnswer({ principal, settings, tools }: ToolContext, most: number) {
  const { permissions, scopes } = principal
  const standings = tools()
  const studies = [...permissions.studies.values()].slice(0, most)
  const organizations = [...permissions.organizations.values()].slice(0, most)
  const structured = {
    ...identityOf(principal),
    superuser: permissions.superuser,
    studyCount: permissions.studies.size,
    studies: studies.map(studyOf),
    organizationCount: permissions.organizations.size,
    organizations: organizations.map(organizationOf),
    ...(principal.patient === undefined ? {} : { patient: principal.patient }),
    ...(scopes.present ? { scopes: scopeWords(scopes) } : {}),
    expiresAt: instant(principal.expiresAt),
    claimsAt: instant(principal.claimsAt),
    rosterSeconds: settings.rosterSeconds,
    tools: standings.map(({ name, missingScopes }) =>
      missingScopes.length === 0 ? { name } : { name, missingScopes },
    ),
  }
  const studyWords = studies.map(({ id, organizations: owners }) =>
    owners.length === 0 ? id : `${id} (of ${owners.map((owner) => `Organization/${owner}`).join(', ')})`,
  )
  const organizationWords = organizations.map(({ id, name, roles }) =>
    [id, name === undefined ? undefined : quoted(name), `(${oneLine(roles.join(', ') || 'no role', 64)})`]
      .filter((word) => word !== undefined)
      .join(' '),
  )
  const text = [
    `Signed in as ${oneLine(principal.subject)} of ${oneLine(principal.issuer)}, client ${oneLine(principal.client ?? 'not named')}; claims from ${principal.source}`,
    ...(permissions.superuser ? ['Superuser: every study and every patient of the exchange'] : []),
    `Studies (${permissions.studies.size}): ${listed(studyWords, permissions.studies.size)}`,
    `Organizations, whose patients are within reach (${permissions.organizations.size}): ${listed(organizationWords, permissions.organizations.size)}`,
    ...(principal.patient === undefined ? [] : [`Patient context: Patient/${principal.patient}`]),
    `Scopes: ${scopes.present ? oneLine(scopeWords(scopes).join(' '), 2000) || `none for data. ${whyScopesNarrow(scopes)}` : 'the token has no SMART scopes; nothing is narrowed'}`,
    `Valid until ${instant(principal.expiresAt)}; claims of ${instant(principal.claimsAt)}; who is enrolled may be up to ${settings.rosterSeconds} s old`,
    `Tools: ${standings.map(toolWords).join(', ')}`,
    'No request was made for this answer.',
  ].join('\n')
  return { structured, text }
}

function identityOf({ subject, issuer, client, source }: Principal) {
  return { subject, issuer, ...(client === undefined ? {} : { client }), source }
}

/** The scopes as they count, in SMART 2 form. */
function scopeWords({ clauses }: Scopes): string[] {
  return [...clauses].flatMap(([type, all]) =>
    all.map(({ patientOnly, categories }) => {
      const restriction = categories === undefined ? '' : `?category=${categories.join(',')}`
      return `${patientOnly ? 'patient' : 'user'}/${type}.rs${restriction}`
    }),
  )
}

function toolWords({ name, missingScopes }: ToolStanding): string {
  return missingScopes.length === 0 ? name : `${name} (needs ${missingScopes.join(' ')})`
}

function listed(words: readonly string[], total: number): string {
  if (total === 0) return 'none'
  const rest = total - words.length
  return words.join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

function studyOf({ id, organizations: [organization, ...others] }: StudyPermission) {
  return {
    id,
    ...(organization === undefined ? {} : { organization }),
    ...(others.length === 0 ? {} : { otherOrganizations: others }),
  }
}

function organizationOf({ id, name, roles }: OrganizationPermission) {
  return {
    id,
    ...(name === undefined ? {} : { name }),
    ...(roles.length === 0 ? {} : { role: roles.join(', ') }),
  }
}

/** The last instant that a Date has: an expiry beyond it is one that never comes. */
const lastInstant = 8.64e15

function instant(seconds: number): string {
  return new Date(Math.min(seconds * 1000, lastInstant)).toISOString()
}

function bytesOf({ structured, text }: { structured: object; text: string }): number {
  return Buffer.byteLength(JSON.stringify(structured)) + Buffer.byteLength(text) + meaningBytes
}
