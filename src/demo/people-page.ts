import { consentFields } from '../broker/consent/model.ts'
import { page } from '../broker/consent/page.ts'
import { foreign } from '../pages/foreign.ts'
import { type Html, html } from '../pages/html.ts'
import type { Person } from './cast.ts'

/** Field of the form that names the person; `consentFields.csrf` and `consentFields.decision` are sent as well. */
export const personField = 'person'

const longestHost = 300
const longestWords = 300

/** Everything that the page shows or sends back. Names of clients and studies come from others. */
export interface PeoplePageModel {
  readonly clientName: string | undefined
  readonly redirectHost: string
  readonly redirectIsLoopback: boolean
  readonly resourceHost: string
  readonly people: readonly Person[]
  /** Whether the data is that of a server that was named, not the invented cohort. */
  readonly foreignData: boolean
  /** Where the form is posted. */
  readonly action: string
  readonly csrf: string
}

/** The page on which a newcomer chooses whom to be. A form by POST, without scripts; send it with `pageHeaders`. */
export function peoplePage(model: PeoplePageModel): string {
  return page(
    'Who do you want to be?',
    model.resourceHost,
    html`<h1>Who do you want to be?</h1>
<p class="note"><strong>This is a demo.</strong> ${
      model.foreignData
        ? 'The people are invented, and there is no password. The data is that of the FHIR server that the demo was started with.'
        : 'The people and all data are invented, and there is no password.'
    }</p>
<dl>
<dt>Who asks</dt><dd>${foreign(model.clientName) ?? 'A program without a name'}<small>Not verified: it chose this name itself.</small></dd>
<dt>Answer goes to</dt><dd>${destination(model)}</dd>
</dl>
<form method="post" action="${model.action}" autocomplete="off">
<input type="hidden" name="${consentFields.csrf}" value="${model.csrf}">
<fieldset>
<legend><h2>Sign in as</h2></legend>
${model.people.map(choice)}
</fieldset>
<p class="quiet">The program can then read what this person may see, and nothing else. If you did not start this sign-in yourself, cancel.</p>
<div class="buttons">
<button type="submit" name="${consentFields.decision}" value="allow">Sign in</button>
<button type="submit" name="${consentFields.decision}" value="deny">Cancel</button>
</div>
</form>`,
    html`To be somebody else, have the program forget this sign-in, and connect it again.`,
  )
}

function choice({ name, sees }: Person, index: number): Html {
  const [checked, unchecked] = [
    html`<input type="radio" name="${personField}" value="${name}" required checked>`,
    html`<input type="radio" name="${personField}" value="${name}" required>`,
  ]
  return html`<label class="choice">${index === 0 ? checked : unchecked}<span><strong>${name}</strong><br>${foreign(sees, longestWords)}</span></label>
`
}

function destination({ redirectHost, redirectIsLoopback }: PeoplePageModel): Html {
  const host = foreign(redirectHost, longestHost) ?? html`a host without a name`
  return redirectIsLoopback ? html`A program on this device<small>${host}</small>` : host
}
