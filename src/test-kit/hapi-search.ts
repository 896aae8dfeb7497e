import type { AnyResource, FhirVersion } from '../fhir/types.ts'
import { Refusal, refuse } from './answer.ts'
import { spanOfElement } from './dates.ts'
import { valuesAt } from './elements.ts'
import { type Condition, conditionOf, normalised, splitValues } from './hapi-match.ts'
import { parametersOf, typesOf } from './hapi-parameters.ts'
import type { SearchParameter } from './search-parameter.ts'

/** What a search looks at. */
export interface Searched {
  readonly version: FhirVersion
  readonly resources: readonly AnyResource[]
}

type Pair = readonly [name: string, value: string]

/** A chain without a type (`patient._has:…`), which keeps a HAPI server busy for minutes: it is never answered. */
export class EndlessSearch extends Error {}

/**
 * The resources of a type that a search finds, in order. Parameters that begin with `_` and are not known, and empty
 * ones, are ignored without a word; other unknown ones are a 400.
 */
export function find(searched: Searched, type: string, pairs: readonly Pair[]): AnyResource[] {
  const conditions = pairs.flatMap(([name, value]) => conditionFor(searched, type, name, value) ?? [])
  const found = searched.resources.filter(
    (resource) => resource.resourceType === type && conditions.every((condition) => condition(resource)),
  )
  const sort = pairs.findLast(([name]) => name === '_sort')?.[1]
  return sort === undefined || sort === '' ? found : sorted(searched.version, type, found, sort)
}

function tableOf(version: FhirVersion, type: string) {
  const table = parametersOf(version, type)
  if (table !== undefined) return table
  refuse(
    404,
    `HAPI-0302: Unknown resource type '${type}' - Server knows how to handle: [${typesOf(version).join(', ')}]`,
  )
}

function conditionFor(searched: Searched, type: string, name: string, value: string): Condition | undefined {
  const table = tableOf(searched.version, type)
  if (value === '') return undefined
  if (name.startsWith('_has:')) return hasCondition(searched, name, value)
  const chain = /^([\w-]+)(?::(\w+))?\.(.+)$/.exec(name)
  if (chain !== null) return chainCondition(searched, type, chain, value)
  const [base = '', modifier] = name.split(':')
  const parameter = Object.hasOwn(table, base) ? table[base] : undefined
  if (parameter !== undefined) {
    const bare = base === '_id' ? value.replaceAll(`${type}/`, '') : value
    return conditionOf(parameter, { type, name: base, modifier, value: bare })
  }
  if (name.startsWith('_')) return undefined
  const valid = Object.keys(table).sort().join(', ')
  refuse(
    400,
    `HAPI-0524: Unknown search parameter "${base}" for resource type "${type}". Valid search parameters for this search are: [${valid}]`,
  )
}

/** `_has:ResearchSubject:patient:study=…`: each one by itself; two can be met by different resources. */
function hasCondition(searched: Searched, name: string, value: string): Condition {
  const [, source = '', link = '', ...rest] = name.split(':')
  const table = parametersOf(searched.version, source)
  const reference = table !== undefined && Object.hasOwn(table, link) ? table[link] : undefined
  const [asked = ''] = rest.join(':').split(/[:.]/)
  if (reference?.kind !== 'reference') refuse(400, `HAPI-1209: Unknown parameter name: ${source}:${link}`)
  if (table === undefined || !Object.hasOwn(table, asked)) {
    refuse(400, `HAPI-1209: Unknown parameter name: ${source}:${asked}`)
  }
  const named = new Set(
    find(searched, source, [[rest.join(':'), value]]).flatMap((resource) =>
      referencesOf(reference, resource),
    ),
  )
  return (resource) => named.has(`${resource.resourceType}/${resource.id}`)
}

function chainCondition(
  searched: Searched,
  type: string,
  chain: RegExpExecArray,
  value: string,
): Condition | undefined {
  const [, base = '', given, rest = ''] = chain
  const table = tableOf(searched.version, type)
  const reference = Object.hasOwn(table, base) ? table[base] : undefined
  if (reference?.kind !== 'reference') {
    if (base.startsWith('_')) return undefined
    refuse(400, `HAPI-0524: Unknown search parameter "${base}" for resource type "${type}".`)
  }
  if (given === undefined && rest.startsWith('_has:')) throw new EndlessSearch()
  const [target] = given === undefined ? (reference.targets ?? []) : [given]
  const found = new Set(
    chained(searched, base, target ?? '', rest, value).map(
      (resource) => `${resource.resourceType}/${resource.id}`,
    ),
  )
  return (resource) => referencesOf(reference, resource).some((one) => found.has(one))
}

function chained(searched: Searched, base: string, target: string, rest: string, value: string) {
  try {
    return find(searched, target, [[rest, value]])
  } catch (thrown) {
    const unknown = thrown instanceof Refusal && JSON.stringify(thrown.answer.body).includes('HAPI-0524')
    if (unknown) refuse(400, `HAPI-1243: Invalid parameter chain: ${base}.${rest}`)
    throw thrown
  }
}

/** The references of a resource in one search parameter. */
export function referencesOf(parameter: SearchParameter, resource: AnyResource): string[] {
  return parameter.paths
    .flatMap((path) => valuesAt(resource, `${path}.reference`))
    .filter((reference) => typeof reference === 'string')
}

/** Stable sort by `_sort`; resources without a value come last, whichever way. */
function sorted(
  version: FhirVersion,
  type: string,
  found: readonly AnyResource[],
  sort: string,
): AnyResource[] {
  const table = tableOf(version, type)
  const keys = splitValues(sort).map((name) => {
    const bare = name.replace(/^-/, '')
    const parameter = Object.hasOwn(table, bare) ? table[bare] : undefined
    if (parameter === undefined) {
      refuse(400, `HAPI-1194: Unknown _sort parameter value "${bare}" for resource type "${type}"`)
    }
    return { parameter, sign: name.startsWith('-') ? -1 : 1 }
  })
  return found.toSorted((a, b) => {
    for (const { parameter, sign } of keys) {
      const order = compareKeys(sortKey(parameter, a), sortKey(parameter, b), sign)
      if (order !== 0) return order
    }
    return 0
  })
}

function sortKey(parameter: SearchParameter, resource: AnyResource): string | number | undefined {
  const values = parameter.paths.flatMap((path) => valuesAt(resource, path))
  const keys = values.flatMap((value): (string | number)[] => {
    if (parameter.kind === 'date') return [spanOfElement(value)?.low ?? []].flat()
    if (parameter.kind === 'reference')
      return valuesAt(value, 'reference').filter((one) => typeof one === 'string')
    if (typeof value === 'object')
      return [...valuesAt(value, 'coding.code'), ...valuesAt(value, 'value')].map(String)
    return [parameter.kind === 'string' ? normalised(String(value)) : String(value)]
  })
  return keys.toSorted()[0]
}

function compareKeys(a: string | number | undefined, b: string | number | undefined, sign: number): number {
  if (a === b) return 0
  if (a === undefined) return 1
  if (b === undefined) return -1
  return (a < b ? -1 : 1) * sign
}
