// Makes src/fhir/people/reference-elements.ts from HL7's own StructureDefinitions; test/fhir-schemas/README.md says where they are had.
//   node scripts/person-references.mjs <R4 folder> <R5 folder>
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loaded } from './fhir-definitions.mjs'

const people = ['Patient', 'Person', 'RelatedPerson', 'Group']
const anything = 'Resource'
const person = 'person'
const definition = 'http://hl7.org/fhir/StructureDefinition/'
/** Said of every element by name; what is in them is found without a table. */
const everywhere = new Set(['extension', 'modifierExtension', 'contained'])

const elements = new Map()
const types = new Set()
for (const folder of process.argv.slice(2)) readRelease(loaded(folder))
writeFileSync(join(import.meta.dirname, '../src/fhir/people/reference-elements.ts'), written())

function readRelease(conformance) {
  for (const [url, { kind, derivation, abstract, snapshot }] of conformance) {
    if (!url.startsWith(definition) || derivation === 'constraint') continue
    if (kind !== 'resource' && kind !== 'complex-type') continue
    const [root, ...rest] = snapshot.element
    if (kind === 'resource' && !abstract) types.add(root.path)
    for (const element of rest) readElement(element, conformance)
  }
}

function readElement({ path, type = [], contentReference }) {
  const dot = path.lastIndexOf('.')
  const owner = path.slice(0, dot)
  const last = path.slice(dot + 1)
  if (everywhere.has(last)) return
  if (contentReference !== undefined)
    note(owner, last, contentReference.slice(contentReference.indexOf('#') + 1))
  for (const { code, targetProfile = [] } of type) {
    const isChoice = last.endsWith('[x]')
    const name = isChoice ? last.slice(0, -3) + code[0].toUpperCase() + code.slice(1) : last
    if (code === 'Reference' || code === 'CodeableReference') {
      const targets = targetProfile.map((url) => url.split('/').pop())
      const canBePerson =
        targets.length === 0 || targets.some((target) => target === anything || people.includes(target))
      // CodeableReference.reference itself: its elements say what it may name.
      if (canBePerson && owner !== 'CodeableReference') note(owner, name, person)
    } else note(owner, name, ['BackboneElement', 'Element'].includes(code) ? path : code)
  }
}

function note(owner, name, found) {
  const known = elements.get(owner) ?? new Map()
  elements.set(owner, known)
  known.set(name, (known.get(name) ?? new Set()).add(found))
}

/** Whether a definition has, or has in it, an element that may name a person. */
function leads(name, seen = new Set()) {
  if (name === person) return true
  if (seen.has(name)) return false
  seen.add(name)
  return [...(elements.get(name)?.values() ?? [])].some((all) => [...all].some((found) => leads(found, seen)))
}

function written() {
  const lines = [...elements]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([owner, members]) => {
      const said = [...members].sort().flatMap(([name, all]) => {
        const leading = [...all].filter((found) => leads(found)).sort()
        if (leading.length === 0) return []
        // What may be a person in one release and is none in the other is told apart by what it looks like.
        const isBoth = leading.includes(person) && all.size > leading.length
        const found = [...leading, ...(isBoth ? ['-'] : [])].join('|')
        return [found === person ? name : `${name}:${found}`]
      })
      return said.length === 0 ? [] : [`${owner} ${said.join(' ')}`]
    })
  return `// Made by scripts/person-references.mjs from HL7's StructureDefinitions of FHIR 4.0.1 and 5.0.0. Do not edit it; make it anew.

/**
 * Elements that may name a person (a Patient, Person, RelatedPerson or Group, or anything at all) by a Reference or a
 * CodeableReference, and elements on the way to them: behind a colon the definition of what is in them, or several, where R4 and R5
 * differ; \`person\` among these is such a reference, and \`-\` something that names nobody. A line for each definition.
 */
export const referenceElements = \`
${lines.join('\n')}
\`

/** Every type of resource of R4 and R5. */
export const resourceTypes = \`
${wrapped([...types].sort(), 120).join('\n')}
\`
`
}

function wrapped(words, width) {
  const lines = ['']
  for (const word of words) {
    const last = lines.at(-1)
    if (last !== '' && last.length + word.length >= width) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines
}
