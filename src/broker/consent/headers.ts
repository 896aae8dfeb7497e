import { createHash } from 'node:crypto'
import { style } from './style.ts'

const styleHash = createHash('sha256').update(style).digest('base64')

/**
 * Content Security Policy (Level 3) of every page: no script, nothing loaded, our own style by its hash, in no frame,
 * and forms go back to where the page came from. Browsers hold redirects after a form against `form-action` too (all
 * but Firefox, through every hop), and nobody knows where a client's own redirects lead: so the answer to the form must
 * be `continuePage`, not a redirect to the client.
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${styleHash}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

/**
 * Headers of every page. The referrer policy is not `no-referrer`: with that one, browsers send `Origin: null` with the
 * form (Fetch, "append a request Origin header").
 */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': contentSecurityPolicy,
  'cache-control': 'no-store',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}
