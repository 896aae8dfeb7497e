import { foreign } from '../pages/foreign.ts'
import { type Html, html } from '../pages/html.ts'
import { type PageAddress, pagePaths } from './address.ts'
import { reachSeconds } from './cookies.ts'
import type { Reach } from './reach.ts'

/** Entries of a list that are seen at once; the others are folded. */
const unfolded = 8
const longestWords = 160

/** What the page says of the person's reach. */
export type ReachModel =
  | { readonly kind: 'read'; readonly reach: Reach }
  /** Nobody has signed in here. */
  | { readonly kind: 'sign-in' }
  /** The page has no client at the issuer. */
  | { readonly kind: 'ask' }

/** The section on what the person may see. */
export function reachSection(model: ReachModel, { base, prefix }: PageAddress): Html {
  switch (model.kind) {
    case 'read':
      return section(html`${readReach(model.reach)}
<form method="post" action="${prefix}${pagePaths.forget}"><div class="buttons"><button class="quieter" type="submit">Forget this</button></div></form>`)
    case 'sign-in':
      return section(html`<p>Your sign-in decides it, and so it does for your assistant.</p>
<p><a class="button" href="${base}${pagePaths.signIn}">Sign in to see what you may reach</a></p>
<p class="quiet">This page asks for the titles of your studies, and for nothing of a patient. What it shows is kept in this browser alone, for ${String(reachSeconds / 60)} minutes.</p>`)
    case 'ask':
      return section(
        html`<p>Your sign-in decides it. Once your assistant is connected, ask it: <q>What may I see here?</q> It calls <code>get_my_access</code>.</p>`,
      )
  }
}

function section(inner: Html): Html {
  return html`<section aria-labelledby="reach"><h2 id="reach">What you may reach</h2>
${inner}</section>`
}

function readReach(reach: Reach): Html {
  const { studies, organizations, studyCount, organizationCount, scopes } = reach
  const everything = reach.superuser
    ? html`<p><strong>Every study and every patient.</strong></p>`
    : undefined
  const nothing =
    !reach.superuser && studyCount + organizationCount === 0
      ? html`<p><strong>No study and no organization.</strong> Your account is known, and has been given nothing here yet.</p>`
      : undefined
  const owners = new Map(organizations.map(({ id, name }) => [id, name]))
  return html`<dl>
<dt>Signed in as</dt><dd>${foreign(reach.subject) ?? 'a person without a name'}</dd>
<dt>Valid until</dt><dd>${moment(reach.expiresAt)}<small>The token that this was read with; it is gone already.</small></dd>
<dt>Scopes</dt><dd>${scopes === undefined ? 'not narrowed by scopes' : (foreign(scopes.join(' '), longestWords) ?? 'none')}<small>Of this page; your assistant asks for its own.</small></dd>
</dl>
${everything}${nothing}
${list(
  'Studies, with their enrolled patients',
  studyCount,
  studies.map(({ id, title, organization }) => {
    const owner = organization === undefined ? undefined : (owners.get(organization) ?? organization)
    return html`<li>${foreign(title) ?? html`Study ${foreign(id)}`} <span class="quiet">${owner === undefined ? undefined : html`at ${foreign(owner)}, `}id ${foreign(id)}</span></li>`
  }),
)}${list(
  'Organizations, with all their patients',
  organizationCount,
  organizations.map(
    ({ id, name, role }) =>
      html`<li>${foreign(name) ?? html`Organization ${foreign(id)}`} <span class="quiet">${name === undefined ? undefined : html`id ${foreign(id)}, `}${role === undefined ? 'no role' : html`role ${foreign(role)}`}</span></li>`,
  ),
)}`
}

function moment(instant: string): Html {
  const shown = instant.replace('T', ' ').replace(/:\d\d\.\d{3}Z$/, ' UTC')
  return html`<time datetime="${instant}">${shown}</time>`
}

function list(title: string, total: number, entries: readonly Html[]): Html | undefined {
  if (total === 0) return undefined
  const [open, folded] = [entries.slice(0, unfolded), entries.slice(unfolded)]
  const unshown = total - entries.length
  const rest =
    folded.length === 0
      ? undefined
      : html`<details><summary>${folded.length.toLocaleString('en')} more</summary><ul>${folded}</ul></details>`
  return html`<h3>${title} (${total.toLocaleString('en')})</h3><ul>${open}</ul>${rest}${
    unshown <= 0
      ? undefined
      : html`<p class="quiet">${unshown.toLocaleString('en')} that there is no room for here; your assistant can list them.</p>`
  }
`
}
