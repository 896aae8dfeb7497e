import { fhirMcpError } from '../../errors.ts'

/** Whether an id may be one of this exchange: its ids are plain integers, and it fails on anything else. */
export function isExchangeId(id: string): boolean {
  return /^(0|[1-9]\d{0,18})$/.test(id)
}

/** The id, for a search or a read. Throws FORBIDDEN, with nothing sent, for one that the exchange cannot have. */
export function exchangeId(id: string): string {
  if (!isExchangeId(id)) throw fhirMcpError('FORBIDDEN')
  return id
}

/** Numbers as the exchange orders its ids. */
export function byNumber(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length
  return a < b ? -1 : a > b ? 1 : 0
}

const importedId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Whether the exchange may have given this id to a record that it imported. */
export function isImportedId(id: string): boolean {
  return importedId.test(id)
}
