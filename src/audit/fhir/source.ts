import type { Options } from '../../config/options.ts'
import type { EventSource } from './event.ts'

/** What AuditEvents say of the server that has these options. */
export function sourceOf({ fhir, audit, publicUrl, path }: Options): EventSource {
  const exchangeUrl = withoutSlash(fhir.baseUrl)
  return {
    exchangeUrl,
    serverUrl: publicUrl === undefined ? undefined : `${withoutSlash(publicUrl)}${path}`,
    sameServer: audit.fhir !== undefined && withoutSlash(audit.fhir.baseUrl) === exchangeUrl,
  }
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '')
}
