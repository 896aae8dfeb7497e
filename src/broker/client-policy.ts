import { type AllClientMetadata, errors } from 'oidc-provider'
import { isLoopback } from '../loopback.ts'

const mostRedirects = 20
const longestMetadata = 16_384

/**
 * Holds what a client says of itself against our rules, whether it registers or names a document, and puts right what has only
 * one right value here. `own` are URLs of this server, which no client has for its own. Throws invalid_redirect_uri or invalid_client_metadata (RFC 7591 §3.2.2).
 */
export function applyClientPolicy(metadata: AllClientMetadata, own: readonly string[]): void {
  const size = JSON.stringify(metadata).length
  if (size > longestMetadata) throw new errors.InvalidClientMetadata('the client metadata is too large')
  const uris: unknown = metadata.redirect_uris
  if (!Array.isArray(uris) || uris.length === 0 || uris.length > mostRedirects || !uris.every(isText)) {
    throw redirectRefused(`redirect_uris must be 1 to ${mostRedirects} texts`)
  }
  for (const uri of uris)
    if (!isAllowedRedirect(uri)) throw redirectRefused('redirect_uris must be https or loopback')
    else if (isOurs(uri, own)) throw redirectRefused('redirect_uris must not be of this server')
  // Ports of loopback redirects are free for native clients only (RFC 8252 §7.3), and few clients say what they are.
  metadata.application_type = uris.some(isLoopbackRedirect) ? 'native' : 'web'
  // What a client asks for is decided with each request, and with the person.
  delete metadata.scope
  // Further places that a stranger would have us fetch from or send people to.
  delete metadata.sector_identifier_uri
  delete metadata.initiate_login_uri
}

/**
 * Whether a redirect URI may be registered: `https` to a host that is not this machine, or `http` to loopback as RFC 8252 §7.3
 * spells it. No scheme of an app's own: any app may claim it.
 */
export function isAllowedRedirect(uri: string): boolean {
  if (!URL.canParse(uri) || /[\s\\*]/.test(uri)) return false
  const { protocol, hostname, username, password } = new URL(uri)
  if (username !== '' || password !== '' || uri.includes('#')) return false
  return protocol === 'https:' ? !isThisMachine(hostname) : spelledLoopback.test(uri)
}

/** Others (`127.1`, `2130706433`, `0x7f.1`) are loopback to some programs and a name or nothing to others. */
const spelledLoopback = /^http:\/\/(?:127(?:\.(?:0|[1-9]\d{0,2})){3}|localhost|\[::1\])(?::\d+)?(?:[/?]|$)/

/** Whether a host leads to whatever machine asks for it, however it is spelled. */
function isThisMachine(hostname: string): boolean {
  const host = hostname.replace(/\.$/, '')
  return isLoopback(host) || host.endsWith('.localhost') || /^(?:0\.|\[::)/.test(host)
}

/** Whether an answer would come to one of these URLs of this server, or to something below it. */
function isOurs(uri: string, own: readonly string[]): boolean {
  const target = new URL(uri)
  return own.some((text) => {
    const { host, hostname, port, pathname } = new URL(text)
    const sameMachine = isLoopback(target.hostname) && isLoopback(hostname) && target.port === port
    if (target.host !== host && !sameMachine) return false
    return `${target.pathname}/`.startsWith(`${pathname.replace(/\/$/, '')}/`)
  })
}

/** Whether the answer goes to a program on the person's own machine. */
export function isLoopbackRedirect(uri: string): boolean {
  return isLoopback(new URL(uri).hostname)
}

/** A redirect URI for comparison over time: a loopback one without its port. */
export function redirectIdentity(uri: string): string {
  if (!isLoopbackRedirect(uri)) return uri
  const url = new URL(uri)
  url.port = ''
  return url.href
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function redirectRefused(description: string): Error {
  return Object.assign(new errors.InvalidRedirectUri(), { error_description: description })
}
