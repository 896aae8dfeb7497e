import { type FhirMcpError, fhirMcpError } from '../errors.ts'
import { digitsOf } from '../fhir/decimal-digits.ts'
import type { AnyResource, Bundle } from '../fhir/types.ts'
import { BadAnswer } from './bad-answer.ts'

/** Deeper than any FHIR resource; what reads a resource may recurse. */
const deepest = 100

/**
 * A parsed answer as a resource. Throws EXCHANGE_REJECTED where it is none, nests without end, or has a key `__proto__`:
 * JSON makes that an own property, but whoever copies it key by key would give the copy elements that nobody has checked.
 */
export function resourceOf(answer: object): AnyResource {
  if (!('resourceType' in answer) || typeof answer.resourceType !== 'string' || !isPlain(answer)) {
    throw notAsAsked()
  }
  // The copy leaves behind the request and response that the FHIR library hangs on its answers.
  return { ...answer, resourceType: answer.resourceType }
}

/**
 * The resource as one of this type, and of this id where one is given. Throws EXCHANGE_REJECTED; another one of the type in its
 * place, such as another patient, is EXCHANGE_LEAK.
 */
export function resourceNamed(resource: AnyResource, type: string, id?: string): AnyResource {
  const { resourceType, id: named } = resource
  if (resourceType !== type || (id !== undefined && typeof named !== 'string')) throw notAsAsked()
  if (id !== undefined && named !== id) throw fhirMcpError('EXCHANGE_LEAK')
  return resource
}

/** The resource as a searchset whose entries, links and total have the form of FHIR. Throws EXCHANGE_REJECTED. */
export function searchsetOf(resource: AnyResource): Bundle {
  if (!isSearchset(resource)) throw notAsAsked()
  return resource
}

function isSearchset(resource: AnyResource): resource is AnyResource & Bundle {
  const { resourceType, type, entry, link, total } = resource
  return (
    resourceType === 'Bundle' &&
    type === 'searchset' &&
    isObjects(entry) &&
    isObjects(link) &&
    isTotal(total, resource)
  )
}

/** A total that no double can hold was there all the same: only its digits are left of it. */
function isTotal(total: unknown, resource: AnyResource): boolean {
  if (total === undefined) return digitsOf(resource, 'total') === undefined
  return Number.isSafeInteger(total) && Number(total) >= 0
}

function isObjects(list: unknown): boolean {
  return (
    list === undefined ||
    (Array.isArray(list) && list.every((one) => typeof one === 'object' && one !== null))
  )
}

function isPlain(root: object): boolean {
  let level: object[] = [root]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) return false
    const below: object[] = []
    for (const node of level) {
      if (Object.hasOwn(node, '__proto__')) return false
      for (const value of Array.isArray(node) ? node : Object.values(node)) {
        if (typeof value === 'object' && value !== null) below.push(value)
      }
    }
    level = below
  }
  return true
}

function notAsAsked(): FhirMcpError {
  return new BadAnswer('It answered with something else than was asked for.')
}
