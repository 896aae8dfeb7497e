/**
 * The program of the thread with all that it needs, as one text, for gateways that are bundled into a file of their own: there
 * `thread.mjs` is not beside them. The build writes it over this module (`scripts/bundled-thread.mjs`); the source has none.
 */
export const bundledThread: string | undefined = undefined
