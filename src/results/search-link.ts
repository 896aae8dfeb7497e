/** A relative FHIR search as a `self` link has it: what was asked, without the exchange's address. */
export function searchLink(type: string, pairs: readonly (readonly [name: string, value: string])[]): string {
  const query = new URLSearchParams()
  for (const [name, value] of pairs) query.append(name, value)
  return `${type}?${query}`
}
