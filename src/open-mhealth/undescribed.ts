import type { CodeableConcept, Observation } from '../fhir/types.ts'
import { componentOf, type Leaf } from './members.ts'
import { namespaceSystems, parseSchemaCode } from './systems.ts'
import { frameMember } from './time-frame.ts'
import { quantityOf } from './units.ts'

/** The most values of a body that nobody described: more is a series or a document, and is left as it came. */
export const mostValues = 100

/** What the schema that a concept names is called: the name in its code. Undefined for any other code. */
export function schemaNameOf(concept: CodeableConcept | undefined): string | undefined {
  for (const { system, code } of concept?.coding ?? []) {
    const schema = parseSchemaCode(code ?? '')
    if (schema !== undefined && namespaceSystems[schema.namespace] === system) return schema.name
  }
  return undefined
}

/** The code system that the members of a body are named in: its schema's; Open mHealth's, whose form it has, for any other. */
export function memberSystemOf(concept: CodeableConcept | undefined): string {
  const { omh, ieee } = namespaceSystems
  return concept?.coding?.some(({ system }) => system === ieee) ? ieee : omh
}

/** The member that is the value: the one named as the schema is, else the only number with a unit at the top of the body. */
export function mainLeafOf(leaves: readonly Leaf[], name: string | undefined): Leaf | undefined {
  const measured = leaves.filter(({ path, value }) => value.kind === 'unitValue' && !path.includes('.'))
  const named = name?.replaceAll('-', '_')
  return measured.find(({ path }) => path === named) ?? (measured.length === 1 ? measured[0] : undefined)
}

/** Whether a body can be shown value by value: it has a number that is not of its time, and not too much beside it. */
export function isReadable(leaves: readonly Leaf[]): boolean {
  const isNumber = ({ path, value }: Leaf) =>
    (value.kind === 'unitValue' || value.kind === 'number') && !path.startsWith(`${frameMember}.`)
  return leaves.length <= mostValues && leaves.some(isNumber)
}

/** The value and components of a body whose type nobody described; members whose paths are in `used` are left out. */
export function undescribedElements(
  concept: CodeableConcept | undefined,
  leaves: readonly Leaf[],
  used: ReadonlySet<string>,
): Pick<Observation, 'valueQuantity' | 'component'> {
  const main = mainLeafOf(leaves, schemaNameOf(concept))
  const system = memberSystemOf(concept)
  const others = leaves.filter((leaf) => leaf !== main && !used.has(leaf.path))
  return {
    ...(main?.value.kind === 'unitValue'
      ? { valueQuantity: quantityOf(main.value.value, main.value.unit) }
      : {}),
    ...(others.length === 0 ? {} : { component: others.map((leaf) => componentOf(leaf, system, [])) }),
  }
}
