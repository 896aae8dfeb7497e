import { contentSecurityPolicyOf, pageHeadersOf } from '../../pages/headers.ts'
import { style } from '../../pages/style.ts'

/**
 * Content Security Policy of every page of a sign-in: no script at all. Browsers hold redirects after a form against
 * `form-action` too (all but Firefox, through every hop), and nobody knows where a client's own redirects lead: so the answer
 * to the form must be `continuePage`, not a redirect to the client.
 */
export const contentSecurityPolicy = contentSecurityPolicyOf({ style })

/** Headers of every page of a sign-in. */
export const pageHeaders = pageHeadersOf({ style })
