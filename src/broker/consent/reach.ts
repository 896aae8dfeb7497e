import { foreign } from '../../pages/foreign.ts'
import { type Html, html } from '../../pages/html.ts'
import type { ConsentModel, ConsentOrganization, ConsentStudy } from './model.ts'

/** Entries of a list that are seen at once; the others are folded. */
const unfolded = 5
/** Entries of a list that are on the page at all. */
const listed = 1000

const count = (number: number, one: string, many: string) =>
  `${number.toLocaleString('en')} ${number === 1 ? one : many}`

/**
 * What the person's permissions reach, in a few words: "3 studies at Northlake Clinic", or everything. Empty: nothing.
 */
export function reachPhrases({ studies, organizations, everything }: ConsentModel): Html[] {
  if (everything) return [html`everything: every study and every patient`]
  const phrases: Html[] = []
  if (studies.length > 0) phrases.push(studyPhrase(studies))
  const [first] = organizations
  if (first !== undefined) {
    phrases.push(
      organizations.length === 1
        ? html`all patients of ${organizationName(first, 'organization')}`
        : html`all patients of ${count(organizations.length, 'organization', 'organizations')}`,
    )
  }
  return phrases
}

function studyPhrase(studies: readonly ConsentStudy[]): Html {
  const number = count(studies.length, 'study', 'studies')
  const owners = new Set(studies.map(({ organization }) => organization))
  const [owner] = owners
  if (owners.has(undefined)) return html`${number}`
  return owners.size === 1
    ? html`${number} at ${foreign(owner) ?? 'an organization without a name'}`
    : html`${number} at ${count(owners.size, 'organization', 'organizations')}`
}

/** The studies and organizations by name, long lists folded. */
export function reachLists({ studies, organizations }: ConsentModel): Html[] {
  return [
    list(
      'Studies',
      studies.map((study) => {
        const owner = foreign(study.organization)
        return html`<li>${foreign(study.name) ?? html`Study ${foreign(study.id)}`}${owner && html` <span class="quiet">at ${owner}</span>`}</li>`
      }),
    ),
    list(
      'Organizations, with all their patients',
      organizations.map((organization) => {
        const role = foreign(organization.role)
        return html`<li>${organizationName(organization, 'Organization')}${role && html` <span class="quiet">your role: ${role}</span>`}</li>`
      }),
    ),
  ].filter((one) => one !== undefined)
}

function organizationName({ id, name }: ConsentOrganization, word: string): Html {
  return foreign(name) ?? html`${word} ${foreign(id)}`
}

function list(title: string, entries: readonly Html[]): Html | undefined {
  if (entries.length === 0) return undefined
  const [open, folded, over] = [
    entries.slice(0, unfolded),
    entries.slice(unfolded, listed),
    Math.max(0, entries.length - listed),
  ]
  const rest =
    folded.length === 0
      ? undefined
      : html`<details><summary>${(entries.length - unfolded).toLocaleString('en')} more</summary><ul>${folded}</ul>${
          over === 0 ? undefined : html`<p>and ${over.toLocaleString('en')} that are not shown here</p>`
        }</details>`
  return html`<h3>${title}</h3><ul>${open}</ul>${rest}`
}
