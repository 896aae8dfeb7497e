// Makes test/fhir-schemas from HL7's own files; its README says where they are had.
//   node scripts/fhir-schemas.mjs R4 fhir.schema.json <folder with profiles-resources.xml and profiles-types.xml>
//   node scripts/fhir-schemas.mjs R5 fhir.schema.json <folder with StructureDefinition-*.json, ValueSet-*.json, CodeSystem-*.json>
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loaded, read } from './fhir-definitions.mjs'

/** What the tools, the resources and the audit return. */
const returned = [
  'AllergyIntolerance',
  'AuditEvent',
  'Bundle',
  'CapabilityStatement',
  'CarePlan',
  'CareTeam',
  'Condition',
  'Coverage',
  'Device',
  'DiagnosticReport',
  'DocumentReference',
  'Encounter',
  'Goal',
  'Group',
  'Immunization',
  'Medication',
  'MedicationAdministration',
  'MedicationDispense',
  'MedicationRequest',
  'MedicationStatement',
  'Observation',
  'OperationOutcome',
  'Parameters',
  'Patient',
  'Procedure',
  'QuestionnaireResponse',
  'ResearchStudy',
  'ResearchSubject',
  'ServiceRequest',
]

const [version, schemaFile, folder] = process.argv.slice(2)
const official = read(schemaFile).definitions
const conformance = loaded(folder)
const definitions = reachable()
const into = join(import.meta.dirname, '../test/fhir-schemas')
const lower = version.toLowerCase()
write(`${lower}.schema.json`, { $id: `fhir-${lower}`, definitions })
write(`${lower}.rules.json`, { definitions: rules(), types: resourceTypes() })

function write(name, content) {
  writeFileSync(join(into, name), `${JSON.stringify(content)}\n`)
}

/** The official definitions that the returned types reach, without descriptions; a contained resource is one of them. */
function reachable() {
  const kept = {}
  const queue = [...returned]
  while (queue.length > 0) {
    const name = queue.pop()
    if (kept[name] !== undefined) continue
    const definition =
      name === 'ResourceList'
        ? { oneOf: returned.map((type) => ({ $ref: `#/definitions/${type}` })) }
        : withoutDescription(official[name])
    kept[name] = definition
    queue.push(
      ...[...JSON.stringify(definition).matchAll(/"#\/definitions\/(\w+)"/g)].map(([, found]) => found),
    )
  }
  return Object.fromEntries(Object.entries(kept).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function withoutDescription(node) {
  return JSON.parse(
    JSON.stringify(node, (key, value) =>
      key === 'description' && typeof value === 'string' ? undefined : value,
    ),
  )
}

/** What the StructureDefinitions say and the official schema does not, for each of its definitions. */
function rules() {
  const made = {}
  const names = Object.keys(definitions).filter((name) => !name.includes('_') && /^[A-Z]/.test(name))
  for (const name of names) {
    const structure = conformance.get(`http://hl7.org/fhir/StructureDefinition/${name}`)
    if (structure === undefined) continue
    for (const element of structure.snapshot.element.slice(1)) ruleOf(element, made)
  }
  const filled = Object.entries(made).map(([name, { properties, allOf }]) => [
    name,
    {
      ...(Object.keys(properties).length > 0 ? { properties } : {}),
      ...(allOf.length > 0 ? { allOf } : {}),
    },
  ])
  return Object.fromEntries(filled.filter(([, rule]) => Object.keys(rule).length > 0))
}

function ruleOf(element, made) {
  const [root, ...steps] = element.path.split('.')
  const last = steps.pop()
  const owner = ownerOf(root, steps)
  // A backbone element of another version of the same name has no definition of its own.
  if (owner === undefined) throw new Error(`no definition holds ${element.path}`)
  made[owner] ??= { properties: {}, allOf: [] }
  const rule = made[owner]
  const types = (element.type ?? []).filter(({ code }) => !code.startsWith('http://hl7.org/fhirpath/'))
  const choice = last.endsWith('[x]')
  const stem = choice ? last.slice(0, -3) : last
  const named = types.map((type) => [
    choice ? stem + type.code[0].toUpperCase() + type.code.slice(1) : last,
    type,
  ])
  const members = named
    .map(([name]) => name)
    .filter((name) => definitions[owner].properties[name] !== undefined)
  const known = definitions[owner].properties
  if (choice && members.length > 1) rule.allOf.push({ atMostOne: members })
  const required = definitions[owner].required ?? []
  if (element.min > 0 && members.length > 0 && !members.some((name) => required.includes(name))) {
    // A code of a required binding has to be there; of any other an extension may say why it is not.
    const isBound = element.binding?.strength === 'required' || known[last]?.enum !== undefined
    const instead = isBound ? [] : members.map((name) => `_${name}`)
    const ways = [...members, ...instead].filter((name) => known[name] !== undefined)
    rule.allOf.push({ anyOf: ways.map((name) => ({ required: [name] })) })
  }
  for (const [name, type] of named) {
    if (known[name] === undefined) continue
    const own = valueRule(element, type)
    if (own === undefined) continue
    rule.properties[name] = element.max === '1' ? own : { items: own }
  }
}

function valueRule(element, { code, targetProfile }) {
  if (['date', 'dateTime', 'instant'].includes(code)) return { format: 'calendar' }
  if (code === 'Reference' || code === 'CodeableReference') {
    const targets = (targetProfile ?? []).map((url) => url.split('/').pop())
    if (targets.length === 0 || targets.includes('Resource')) return undefined
    return code === 'Reference' ? { targets } : { properties: { reference: { targets } } }
  }
  if (code !== 'code' || element.binding?.strength !== 'required') return undefined
  const codes = codesOf(element.binding.valueSet.split('|')[0])
  return codes === undefined ? undefined : { enum: codes }
}

/** The definition that a path leads to: each step is a property, whose `$ref` is the next definition. */
function ownerOf(root, steps) {
  let owner = root
  for (const step of steps) {
    const property = definitions[owner]?.properties?.[step]
    owner = /\/(\w+)$/.exec(property?.$ref ?? property?.items?.$ref ?? '')?.[1]
  }
  return definitions[owner] === undefined ? undefined : owner
}

/** All codes of a value set, where it takes them from code systems that are here in full; the R4 schema lists them itself. */
function codesOf(url) {
  const codes = []
  const { include = [], exclude } = conformance.get(url)?.compose ?? {}
  if (include.length === 0 || exclude !== undefined) return undefined
  for (const part of include) {
    if (part.filter !== undefined || part.valueSet !== undefined) return undefined
    if (part.concept !== undefined) {
      codes.push(...part.concept.map((one) => one.code))
      continue
    }
    const system = conformance.get(part.system)
    if (system?.content !== 'complete') return undefined
    codes.push(...conceptsOf(system.concept))
  }
  return codes
}

function conceptsOf(concepts = []) {
  return concepts.flatMap((one) => [one.code, ...conceptsOf(one.concept)])
}

/** Every type of resource of the version: what a relative reference may begin with. */
function resourceTypes() {
  return Object.entries(official)
    .filter(([, definition]) => definition.properties?.resourceType !== undefined)
    .map(([name]) => name)
    .sort()
}
