/** Where the page is, as browsers see it. Never made from `Host` or `X-Forwarded-*`. */
export interface PageAddress {
  /** Origin (and prefix) of this server, without a slash at its end. */
  readonly base: string
  /** Path of the prefix; empty without one. */
  readonly prefix: string
  /** The MCP endpoint. */
  readonly mcpUrl: string
  /** Where issuers send people back to. */
  readonly callbackUrl: string
  readonly isHttps: boolean
}

/** Paths of the page, within the server. */
export const pagePaths = {
  start: '/',
  signIn: '/page/sign-in',
  callback: '/page/callback',
  forget: '/page/forget',
  script: '/page/copy.js',
} as const

/** The address of a page beside the MCP endpoint that clients know as `mcpUrl`, and that is at `path` within the server. */
export function pageAddress(mcpUrl: string, path: string): PageAddress {
  const base = mcpUrl.slice(0, mcpUrl.length - path.length)
  const { pathname, protocol } = new URL(base)
  return {
    base,
    prefix: pathname.replace(/\/$/, ''),
    mcpUrl,
    callbackUrl: pageCallbackAt(base),
    isHttps: protocol === 'https:',
  }
}

/** Where issuers send people back to, on the server that is at `publicUrl`. */
export function pageCallbackAt(publicUrl: string): string {
  return `${publicUrl.replace(/\/+$/, '')}${pagePaths.callback}`
}
