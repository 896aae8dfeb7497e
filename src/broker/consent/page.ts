import { foreign } from '../../pages/foreign.ts'
import { type Html, html } from '../../pages/html.ts'
import { style } from '../../pages/style.ts'
import {
  type ConsentModel,
  type ConsentScope,
  type ContinueModel,
  consentFields,
  type ErrorModel,
} from './model.ts'
import { reachLists, reachPhrases } from './reach.ts'

/** Longest that the words for a scope may be, in code points. */
const longestWords = 160
/** DNS allows 253 characters; with a port or a scheme. */
const longestHost = 300

/**
 * The page on which a person allows or denies a client. A form by POST, without scripts; `consentFields` says what it
 * sends. Send it with `pageHeaders`. Deny stands first, so that Enter on a check box never allows.
 */
export function consentPage(model: ConsentModel): string {
  const phrases = reachPhrases(model)
  return page(
    'Allow access?',
    model.resourceHost,
    html`<h1>${asking(model)} asks to read study data in your name</h1>
<p>${phrases.length === 0 ? 'Your account sees no study and no organization now, and so would the program.' : html`If you allow it, it can read ${joined(phrases)}, ${model.everything ? html`because your account may see everything.` : html`and nothing that you cannot see yourself.`}`}</p>
<dl>
<dt>Who asks</dt><dd>${clientOf(model)}</dd>
<dt>Answer goes to</dt><dd>${destination(model)}</dd>
<dt>Data from</dt><dd>${host(model.resourceHost)}</dd>
<dt>Signed in as</dt><dd>${foreign(model.person) ?? 'a person without a name'}</dd>
</dl>
${reachSection(model)}
<form method="post" action="${model.action}" autocomplete="off">
<input type="hidden" name="${consentFields.csrf}" value="${model.csrf}">
<fieldset>
<legend><h2>What it may do</h2></legend>
<p class="quiet">Clear what you do not want to allow; with nothing left to read, nothing is allowed. It always learns who you are.</p>
${model.scopes.map(choice)}
</fieldset>
<p class="note"><strong>Did you start this sign-in yourself, just now?</strong> If not, deny: somebody else may have sent you here.</p>
<div class="buttons">
<button type="submit" name="${consentFields.decision}" value="deny">Deny</button>
<button type="submit" name="${consentFields.decision}" value="allow">Allow</button>
</div>
</form>`,
    html`Your answer is remembered for this program only. When your own permissions change, so does what it can read.`,
  )
}

/** The page that says what went wrong: texts of the error catalog alone. */
export function errorPage({ code, message, cure }: ErrorModel): string {
  return page(
    'The sign-in did not work',
    undefined,
    html`<h1>The sign-in did not work</h1>
<p>${message}</p>
<p>${cure}</p>
<p class="quiet">Code: <code>${code}</code></p>`,
    html`Nothing was allowed. You can close this page and start again in the program that sent you here.`,
  )
}

/**
 * The answer to the form: it goes on by itself, without scripts, to `href`, from where the authorization server redirects
 * to the client. It ends what browsers hold against `form-action`.
 */
export function continuePage({ href, redirectHost, redirectIsLoopback }: ContinueModel): string {
  return page(
    'Going back',
    undefined,
    html`<h1>Going back to ${redirectIsLoopback ? 'the program on this device' : host(redirectHost)}</h1>
<p><a href="${href}">Continue</a> if nothing happens.</p>`,
    html`You can close this page when the program has answered.`,
    html`<meta http-equiv="refresh" content="0;url=${href}">`,
  )
}

/** A whole page in the style of all of them: title, host of the MCP resource, what it says, and a line below. */
export function page(
  title: string,
  resourceHost: string | undefined,
  main: Html,
  footer: Html,
  head?: Html,
): string {
  const top = resourceHost === undefined ? undefined : html`<p>Sign-in for ${host(resourceHost)}</p>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${html`<title>${title}</title>`}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${head ?? ''}<style>${style}</style>
</head>
<body>
${html`<header>${top}</header>`}
<main>
${main}
</main>
${html`<footer><p>${footer}</p></footer>`}
</body>
</html>
`
}

/** A host is shown whole: what is cut off its end is whose it is. */
function host(text: string): Html {
  return html`${foreign(text, longestHost) ?? 'a host without a name'}`
}

/**
 * The client in the headline: by its proven host where it has one, and only then by what it calls itself. A name cannot
 * end the quotation marks around it to go on in our voice.
 */
function asking({ clientName, clientHost }: ConsentModel): Html {
  const name = foreign(clientName?.replace(/["“”„‟«»]/g, "'"))
  if (clientHost !== undefined) return html`${host(clientHost)}${name && html` (“${name}”)`}`
  return name === undefined ? html`A program without a name` : html`A program that calls itself “${name}”`
}

function clientOf({ clientName, clientHost, clientId }: ConsentModel): Html {
  const name = foreign(clientName) ?? 'Without a name'
  const standing =
    clientHost === undefined
      ? html`Not verified: it chose this name itself.`
      : html`Described at ${host(clientHost)}; the name is its own choice.`
  return html`${name}<small>${standing}</small><small>Client id: ${foreign(clientId, longestWords)}</small>`
}

function destination({ clientHost, redirectHost, redirectIsLoopback }: ConsentModel): Html {
  if (!redirectIsLoopback) return host(redirectHost)
  const pose =
    clientHost === undefined
      ? undefined
      : html`<small>Any program on it could pose as that of ${host(clientHost)}.</small>`
  return html`A program on this device<small>${host(redirectHost)}</small>${pose}`
}

function reachSection(model: ConsentModel): Html | undefined {
  const lists = reachLists(model)
  const all = model.everything
    ? html`<p>Every study and every patient of ${host(model.resourceHost)}${lists.length === 0 ? undefined : html`, and so these`}.</p>`
    : undefined
  if (lists.length === 0 && all === undefined) return undefined
  return html`<section aria-labelledby="reach"><h2 id="reach">What you can see, and it could read</h2>${all}${lists}</section>`
}

function choice({ scope, words }: ConsentScope): Html {
  return html`<label class="choice"><input type="checkbox" name="${consentFields.scope}" value="${scope}" checked><span>${foreign(words, longestWords)}</span></label>
`
}

function joined(phrases: readonly Html[]): Html {
  const strong = phrases.map((phrase) => html`<strong>${phrase}</strong>`)
  return html`${strong.flatMap((phrase, index) => (index === 0 ? [phrase] : [html` and `, phrase]))}`
}
