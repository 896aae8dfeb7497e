import { fhirMcpError } from '../errors.ts'
import type { Bundle } from '../fhir/types.ts'

/**
 * The `next` link of a Bundle as path and query below the base; undefined when there is none. A HAPI page link (`_getpages`)
 * elsewhere, as a server behind a proxy makes it, is rebuilt on the base from its query alone. Any other link that is not on
 * the base, and one that cannot be read, throws EXCHANGE_REJECTED: to go on without it would be an incomplete answer.
 */
export function nextLinkOf(baseUrl: string, bundle: Bundle): string | undefined {
  const next = bundle.link?.find((link) => link.relation === 'next')
  if (next === undefined) return undefined
  const url = typeof next.url === 'string' ? parse(baseUrl, next.url) : undefined
  if (url !== undefined) {
    const below = belowBase(baseUrl, url)
    if (below !== undefined) return below
    if (url.searchParams.get('_getpages')) return url.search
  }
  throw fhirMcpError('EXCHANGE_REJECTED', { detail: 'Its link to the next page leads elsewhere.' })
}

/** The URL of a page that `nextLinkOf` named. Throws INVALID_ARGUMENT for anything that is not below the base. */
export function pageUrl(baseUrl: string, link: string): string {
  const url = parse(baseUrl, link)
  const below = url === undefined ? undefined : belowBase(baseUrl, url)
  if (below === undefined || below === '') {
    throw fhirMcpError('INVALID_ARGUMENT', { detail: 'The page is not one that the exchange named.' })
  }
  return below.startsWith('?') ? `${baseUrl}${below}` : `${baseUrl}/${below}`
}

/** Servers behind a proxy put the forwarded port behind a host that has one: `https://fhir.example:8443:443/fhir`. */
const doubledPort = /^(https?:\/\/(?:\[[^\]/?#@]*\]|[^[\]/?#@:\\]+):\d+):\d+(?=[/?#]|$)/i

/** An http(s) URL, relative ones on the base (FHIR R5 Bundle, `link.url`); undefined when it tries to climb or to hide. */
function parse(baseUrl: string, link: string): URL | undefined {
  const text = link.replace(doubledPort, '$1')
  const [path = ''] = text.split(/[?#]/)
  if (/\\|%(2e|2f|5c)|(^|\/)\.\.?(\/|$)/i.test(path)) return undefined
  if (!URL.canParse(text, `${baseUrl}/`)) return undefined
  const url = new URL(text, `${baseUrl}/`)
  const plain = (url.protocol === 'http:' || url.protocol === 'https:') && url.username === ''
  return plain && url.password === '' ? url : undefined
}

function belowBase(baseUrl: string, url: URL): string | undefined {
  const base = new URL(baseUrl)
  const root = base.pathname === '/' ? '' : base.pathname
  if (url.origin !== base.origin) return undefined
  if (url.pathname === root || url.pathname === `${root}/`) return url.search
  if (!url.pathname.startsWith(`${root}/`)) return undefined
  return `${url.pathname.slice(root.length + 1)}${url.search}`
}
