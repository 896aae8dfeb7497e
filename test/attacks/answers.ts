/** Elements that say whose a resource is. */
const owners = new Set(['subject', 'patient', 'individual'])

/** The ids of all patients of whom a structured answer has a resource, be it theirs or about them, at any depth. */
export function patientsIn(value: unknown, found: Set<string> = new Set()): Set<string> {
  if (typeof value !== 'object' || value === null) return found
  if ('resourceType' in value && value.resourceType === 'Patient' && 'id' in value)
    found.add(String(value.id))
  for (const [name, member] of Object.entries(value)) {
    if (owners.has(name)) for (const one of [member].flat()) addReference(one, found)
    patientsIn(member, found)
  }
  return found
}

function addReference(value: unknown, found: Set<string>): void {
  if (typeof value !== 'object' || value === null || !('reference' in value)) return
  const id = /^Patient\/(.+)$/.exec(String(value.reference))?.[1]
  if (id !== undefined) found.add(id)
}
