import { fhirMcpError } from '../../errors.ts'

/** A setting that has to be there. Throws CONFIG with its name. */
export function configured<T>(value: T | undefined, setting: string): T {
  if (value === undefined) throw fhirMcpError('CONFIG', { detail: `${setting} is required.` })
  return value
}
