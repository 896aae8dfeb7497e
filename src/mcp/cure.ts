import type { FhirMcpError } from '../errors.ts'
import type { AnyTool } from './registry.ts'

type Shape = AnyTool['input']['shape']

/** How to ask a tool for less, each way by the arguments that it takes. */
const lesses: readonly (readonly [what: string, ...names: string[]])[] = [
  ['one data_type', 'data_type'],
  ['fewer data_types', 'data_types'],
  ['a shorter period (start, end)', 'start', 'end'],
  ['a narrower search', 'search'],
  ['a smaller limit', 'limit'],
]

/** Arguments that narrow what a tool finds. */
const filters = [
  'data_type',
  'data_types',
  'start',
  'end',
  'name',
  'family',
  'given',
  'birthdate',
  'identifier',
  'search',
]

/** The cure of an error for a caller of a tool: where it lies in arguments, with those that this tool takes. */
export function cureOf({ code, entry }: FhirMcpError, { input: { shape } }: Pick<AnyTool, 'input'>): string {
  if (code === 'FHIR_MCP_EXCHANGE_TIMEOUT') return asksForLess(shape)
  if (code === 'FHIR_MCP_NOT_SUPPORTED_BY_EXCHANGE') return asksOtherwise(shape)
  return entry.cure
}

function asksForLess(shape: Shape): string {
  const ways = lesses.filter(([, ...names]) => names.every((name) => Object.hasOwn(shape, name)))
  if (ways.length === 0) return 'Try again later.'
  return `Ask for less (${ways.map(([what]) => what).join(', ')}), or try again later.`
}

function asksOtherwise(shape: Shape): string {
  const own = filters.filter((name) => Object.hasOwn(shape, name))
  if (own.length === 0)
    return 'Ask in another way; get_server_capabilities says which searches the exchange takes.'
  return `Leave a filter out (${own.join(', ')}), or ask in another way.`
}
