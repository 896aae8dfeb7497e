import { createHash } from 'node:crypto'

/** What a page may do beyond showing itself. */
export interface PageRights {
  /** The text of its `<style>`; no other style is taken. */
  readonly style: string
  /** Whether scripts that this server serves may run; those of others and those in the page never do. */
  readonly scripts?: boolean
}

/**
 * Content Security Policy (Level 3) of a page: nothing loaded, its own style by its hash, in no frame, and forms go back to
 * where the page came from.
 */
export function contentSecurityPolicyOf({ style, scripts = false }: PageRights): string {
  const hash = createHash('sha256').update(style).digest('base64')
  return [
    "default-src 'none'",
    `style-src 'sha256-${hash}'`,
    ...(scripts ? ["script-src 'self'"] : []),
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
}

/**
 * Headers of a page. The referrer policy is not `no-referrer`: with that one, browsers send `Origin: null` with the form
 * (Fetch, "append a request Origin header").
 */
export function pageHeadersOf(rights: PageRights): Readonly<Record<string, string>> {
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': contentSecurityPolicyOf(rights),
    'cache-control': 'no-store',
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  }
}
