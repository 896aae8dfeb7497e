type Node = Readonly<Record<string, unknown>>

/** An invariant by its key in the specification: whether a node of that kind keeps it. */
interface Invariant {
  readonly key: string
  readonly on: (node: Node) => boolean
  readonly holds: (node: Node) => boolean
}

const isType = (type: string) => (node: Node) => node.resourceType === type
const has = (node: Node, name: string) => node[name] !== undefined || node[`_${name}`] !== undefined
const hasChoice = (node: Node, stem: string) =>
  Object.keys(node).some((name) => new RegExp(`^_?${stem}[A-Z]`).test(name))
const nodes = (value: unknown): Node[] =>
  Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : []
const always = () => true

const invariants: readonly Invariant[] = [
  { key: 'bdl-1', on: isType('Bundle'), holds: (bundle) => searching(bundle) || bundle.total === undefined },
  {
    key: 'bdl-2',
    on: isType('Bundle'),
    holds: (bundle) =>
      bundle.type === 'searchset' || entries(bundle).every((entry) => entry.search === undefined),
  },
  {
    key: 'bdl-3',
    on: (node) => isType('Bundle')(node) && node.type === 'searchset',
    holds: (bundle) =>
      entries(bundle).every(
        (entry) => has(entry, 'resource') && !has(entry, 'request') && !has(entry, 'response'),
      ),
  },
  {
    key: 'bdl-7',
    on: isType('Bundle'),
    holds: (bundle) =>
      distinct(entries(bundle).flatMap(({ fullUrl }) => (fullUrl === undefined ? [] : [fullUrl]))),
  },
  {
    key: 'bdl-8',
    on: isType('Bundle'),
    holds: (bundle) => entries(bundle).every(({ fullUrl }) => !String(fullUrl).includes('/_history/')),
  },
  {
    // An invariant of R5; R4 says it in words, and HL7's validator holds both to it.
    key: 'bdl-15',
    on: isType('Bundle'),
    holds: (bundle) => entries(bundle).every((entry) => has(entry, 'fullUrl')),
  },
  {
    key: 'bdl-18',
    on: (node) => isType('Bundle')(node) && node.type === 'searchset',
    holds: ({ link }) => nodes(link).some(({ relation, url }) => relation === 'self' && url !== undefined),
  },
  {
    // An OperationOutcome of a search is an entry of mode `outcome`, and nothing else is.
    key: 'search-mode',
    on: (node) => isType('Bundle')(node) && node.type === 'searchset',
    holds: (bundle) =>
      entries(bundle).every(({ search, resource }) => {
        const [{ mode } = { mode: undefined }] = nodes(search)
        return (mode === 'outcome') === nodes(resource).some(isType('OperationOutcome'))
      }),
  },
  {
    key: 'inv-1',
    on: isType('Parameters'),
    holds: ({ parameter }) => nodes(parameter).every(isOneThing),
  },
  {
    key: 'obs-6',
    on: isType('Observation'),
    holds: (observation) => !has(observation, 'dataAbsentReason') || !hasChoice(observation, 'value'),
  },
  {
    key: 'obs-7',
    on: isType('Observation'),
    holds: (observation) =>
      !hasChoice(observation, 'value') ||
      nodes(observation.component).every(
        ({ code }) => !codesOf(code).some((one) => codesOf(observation.code).includes(one)),
      ),
  },
  {
    key: 'dom-2',
    on: (node) => Array.isArray(node.contained),
    holds: ({ contained }) => nodes(contained).every((inner) => !has(inner, 'contained')),
  },
  {
    key: 'ref-1',
    on: (node) => typeof node.resourceType === 'string',
    holds: (resource) => {
      const ids = nodes(resource.contained).map(({ id }) => `#${id}`)
      return localReferences(resource).every((reference) => reference === '#' || ids.includes(reference))
    },
  },
  {
    key: 'ext-1',
    on: always,
    holds: (node) =>
      [...nodes(node.extension), ...nodes(node.modifierExtension)].every(
        (extension) => hasChoice(extension, 'value') !== has(extension, 'extension'),
      ),
  },
  {
    key: 'qty-3',
    on: (node) => Object.keys(node).some((name) => /^(valueQuantity|low|high)$/.test(name)),
    holds: ({ valueQuantity, low, high }) =>
      [valueQuantity, low, high]
        .flatMap(nodes)
        .every((quantity) => !has(quantity, 'code') || has(quantity, 'system')),
  },
  {
    key: 'per-1',
    on: (node) => typeof node.start === 'string' && typeof node.end === 'string',
    holds: ({ start, end }) => earliest(String(start)) <= latest(String(end)),
  },
  {
    // A mark such as SUBSETTED does not come twice.
    key: 'tags',
    on: (node) => Array.isArray(node.tag),
    holds: ({ tag }) => distinct(nodes(tag).map(({ system, code }) => `${system}|${code}`)),
  },
]

/** The invariants of FHIR that a resource breaks, and empty members, which FHIR's JSON forbids, a line each. */
export function brokenInvariants(resource: unknown): string[] {
  const broken: string[] = []
  visit(resource, '', (node, path) => {
    for (const { key, on, holds } of invariants) {
      if (on(node) && !holds(node)) broken.push(`${path || '/'} breaks ${key}`)
    }
    for (const [name, value] of Object.entries(node)) {
      if (isEmpty(value)) broken.push(`${path}/${name} is empty`)
    }
  })
  return broken
}

function visit(value: unknown, path: string, see: (node: Node, path: string) => void): void {
  if (isNode(value)) see(value, path)
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) visit(member, `${path}/${name}`, see)
}

/** `undefined` stands for a member that JSON leaves out. In an array `null` keeps the place of an extension. */
function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0 || value.some((one) => one !== null && isEmpty(one))
  if (isNode(value)) return Object.values(value).every((member) => member === undefined)
  return value === null || (typeof value === 'string' && value.trim() === '')
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function searching({ type }: Node): boolean {
  return type === 'searchset' || type === 'history'
}

function entries({ entry }: Node): Node[] {
  return nodes(entry)
}

function isOneThing(parameter: Node): boolean {
  const things = [hasChoice(parameter, 'value'), has(parameter, 'resource'), has(parameter, 'part')]
  return things.filter(Boolean).length === 1 && nodes(parameter.part).every(isOneThing)
}

function codesOf(concept: unknown): string[] {
  return nodes(concept).flatMap(({ coding }) => nodes(coding).map(({ system, code }) => `${system}|${code}`))
}

/** References into the resource itself; another resource in it (a Bundle's entry) answers for its own. */
function localReferences(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => {
    if (name === 'reference' && typeof member === 'string') return member.startsWith('#') ? [member] : []
    return name === 'resource' ? [] : localReferences(member)
  })
}

function distinct(all: readonly unknown[]): boolean {
  return new Set(all).size === all.length
}

function earliest(date: string): number {
  return Date.parse(date)
}

/** The last instant that a date of less than full precision can mean. */
function latest(date: string): number {
  if (date.includes('T')) return Date.parse(date)
  const [year = 0, month, day] = date.split('-').map(Number)
  if (month === undefined) return Date.UTC(year + 1, 0, 1)
  return day === undefined ? Date.UTC(year, month, 1) : Date.UTC(year, month - 1, day + 1)
}
