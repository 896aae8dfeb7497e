import { sseResourceBeside } from '../mcp/sse-resource.ts'
import type { BrokerSettings } from './options.ts'

/** Where the broker is, as clients see it. Never made from `Host` or `X-Forwarded-*`. */
export interface BrokerAddress {
  readonly issuer: string
  /** Path of the issuer, as clients see it. */
  readonly issuerPath: string
  /** Path of the broker within this server. */
  readonly path: string
  /** The resource that tokens are for: the MCP endpoint. */
  readonly resource: string
  /** The stream of HTTP+SSE beside it, which clients of that transport ask tokens for. */
  readonly sseResource: string
  /** Where the upstream sends people back to. */
  readonly callbackUrl: string
  readonly isHttps: boolean
}

/** The address of a registration. */
export function addressOf(settings: Pick<BrokerSettings, 'publicUrl' | 'path' | 'resource'>): BrokerAddress {
  const base = settings.publicUrl.replace(/\/+$/, '')
  const issuer = `${base}${settings.path}`
  const { pathname, protocol } = new URL(issuer)
  const resource = settings.resource ?? `${base}/mcp`
  return {
    issuer,
    issuerPath: pathname,
    path: settings.path,
    resource,
    sseResource: sseResourceBeside(resource),
    callbackUrl: `${issuer}/callback`,
    isHttps: protocol === 'https:',
  }
}

/** Where a page of the person's sign-in is, as browsers see it. */
export function interactionPath({ issuerPath }: BrokerAddress, uid: string): string {
  return `${issuerPath}/interaction/${uid}`
}
