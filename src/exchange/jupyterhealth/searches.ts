import type { Capabilities } from '../exchange.ts'
import { organizationParameter, studyParameter } from './within.ts'

/** Parameters that work on these types though the metadata does not list them. */
const unlisted = ['patient', studyParameter, organizationParameter]
/** Parameters that the metadata lists and that only imported records answer. */
const ignored = ['category', 'death-date']

/** The capabilities with the searches that this dialect really has. */
export function withOwnSearches(capabilities: Capabilities): Capabilities {
  const searches = { ...capabilities.searches }
  for (const type of ['Group', 'Observation', 'Patient']) {
    const own = searches[type]
    // Where the server says nothing of a type, nothing is known of it.
    if (own === undefined) continue
    const listed = own.filter((name) => !ignored.includes(name))
    searches[type] = [...new Set([...listed, ...unlisted])].sort()
  }
  return { ...capabilities, searches }
}
