/** Code system of LOINC. */
export const loincSystem = 'http://loinc.org'
/** Code system of UCUM units. */
export const ucumSystem = 'http://unitsofmeasure.org'

/** The two publishers of schemas, as they prefix their codes. */
export type Namespace = 'omh' | 'ieee'

/** The code system of each namespace. */
export const namespaceSystems: Readonly<Record<Namespace, string>> = {
  omh: 'https://w3id.org/openmhealth',
  ieee: 'https://w3id.org/ieee1752',
}

/** A code of a schema, taken apart: `omh:heart-rate:2.0`. */
export interface SchemaCode {
  readonly namespace: Namespace
  readonly name: string
  /** `2.0`, `1`, `1.x` or `x`. */
  readonly version: string
}

const grammar = /^(omh|ieee):([a-z0-9]+(?:-[a-z0-9]+)*):(\d+(?:\.\d+)*(?:\.x)?|x)$/

/** Takes a schema's code apart; undefined where it is none. */
export function parseSchemaCode(code: string): SchemaCode | undefined {
  const match = grammar.exec(code)
  if (match?.[2] === undefined || match[3] === undefined) return undefined
  return { namespace: match[1] === 'omh' ? 'omh' : 'ieee', name: match[2], version: match[3] }
}
