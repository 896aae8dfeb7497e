import type { Capabilities } from '../exchange.ts'
import { organizationParameter, studyParameter } from './within.ts'

/** Parameters that work on every type though the metadata does not list them. */
const unlisted = ['patient', studyParameter, organizationParameter]
/** Parameters that the metadata lists and that only imported records answer, of types that the exchange has itself. */
const ignored: Readonly<Record<string, readonly string[]>> = {
  Observation: ['category'],
  Patient: ['death-date'],
}

/** The capabilities with the searches that this dialect really has. */
export function withOwnSearches(capabilities: Capabilities): Capabilities {
  const searches = Object.fromEntries(
    Object.entries(capabilities.searches).map(([type, own]) => {
      const listed = own.filter((name) => !ignored[type]?.includes(name))
      return [type, [...new Set([...listed, ...unlisted])].sort()] as const
    }),
  )
  return { ...capabilities, searches }
}
