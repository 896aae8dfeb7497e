import { foreign } from '../pages/foreign.ts'
import { type Html, html } from '../pages/html.ts'
import { type PageAddress, pagePaths } from './address.ts'
import { type ReachModel, reachSection } from './reach-section.ts'
import type { SetUp } from './set-ups.ts'
import { style } from './style.ts'

/** Everything that the page shows. */
export interface StartModel {
  readonly address: PageAddress
  /** Name and version of the server. */
  readonly server: { readonly title: string; readonly version: string }
  /** The kind of exchange behind it, never its address. */
  readonly exchange: string
  readonly setUps: readonly SetUp[]
  readonly reach: ReachModel
}

/** What went wrong, in words of ours. */
export interface TroubleModel {
  readonly title: string
  readonly message: string
  readonly cure: string | undefined
  readonly code: string | undefined
}

/** The start page. Whole without scripts. */
export function startPage({ address, server, exchange, setUps, reach }: StartModel): string {
  return layout(
    'Study data for your AI assistant',
    address,
    html`<h1>Study data for your AI assistant</h1>
<p>This server answers questions of AI assistants about studies and their patients, from ${exchange}. It speaks the Model Context Protocol (MCP). An assistant sees what the person sees who signs in, and no more; it can read, and change nothing.</p>
<section aria-labelledby="address"><h2 id="address">Address</h2>
${block({ label: 'the address', text: address.mcpUrl })}
<p class="quiet">Most assistants need nothing else: they open a page on which you sign in.</p></section>
${reachSection(reach, address)}
<section aria-labelledby="clients"><h2 id="clients">Connect your assistant</h2>
${setUps.map(details)}
</section>
<p class="status" role="status"></p>`,
    html`${server.title} ${server.version}`,
  )
}

/** The page that says what went wrong; it leads back to the start. */
export function troublePage({ title, message, cure, code }: TroubleModel, address: PageAddress): string {
  return layout(
    title,
    address,
    html`<h1>${title}</h1>
<p>${message}</p>
${cure === undefined ? undefined : html`<p>${cure}</p>`}
${code === undefined ? undefined : html`<p class="quiet">Code: <code>${code}</code></p>`}
<p><a href="${address.prefix}${pagePaths.start}">Back to the start</a></p>`,
    html`Nothing was kept.`,
  )
}

function details({ title, steps, documentation }: SetUp): Html {
  return html`<details><summary>${title}</summary>
<ol>${steps.map(
    ({ about, text }) =>
      html`<li>${about}${text === undefined ? undefined : block({ label: `the text for ${title}`, text })}</li>
`,
  )}</ol>
<p class="quiet"><a href="${documentation}" rel="noreferrer">${title}: its own documentation</a></p></details>
`
}

function block({ label, text }: { readonly label: string; readonly text: string }): Html {
  return html`<div class="block"><pre data-label="${label}">${text}</pre></div>`
}

function layout(title: string, address: PageAddress, main: Html, footer: Html): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${html`<title>${title}</title>`}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<style>${style}</style>
${html`<script src="${address.prefix}${pagePaths.script}" defer></script>`}
</head>
<body>
${html`<header><p>${foreign(new URL(address.base).host, 300)}</p></header>`}
<main>
${main}
</main>
${html`<footer><p>${footer}</p></footer>`}
</body>
</html>
`
}
