import { z } from 'zod'
import { fhirMcpError } from '../errors.ts'
import { conditionsOf, type SearchArguments } from '../exchange/compartment/conditions.ts'
import { pageOfCursor } from '../exchange/page-expired.ts'
import { type CompartmentType, compartmentRule } from '../fhir/compartment.ts'
import { gapNotes } from '../results/gaps.ts'
import { oneLine } from '../results/line.ts'
import type { Note } from '../results/outcome.ts'
import { recordNotes, recordTable } from '../results/records.ts'
import { searchLink } from '../results/search-link.ts'
import { pageAnswer } from '../results/searchset.ts'
import { cursor, limit } from './arguments/paging.ts'
import {
  type AllowedTypes,
  namesWithType,
  needsOfType,
  recordArguments,
  recordRule,
} from './compartment/arguments.ts'
import { medicationsFor, unnamedNotes } from './compartment/medications.ts'
import { narrowedBy } from './narrowed-by.ts'
import { patientOf } from './target-patient.ts'
import { defineTool } from './tool.ts'

/** JSON makes `__proto__` an own member, which zod leaves out: a condition would be dropped without a word. */
function withoutPrototype(value: unknown): unknown {
  const hidden = typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__')
  return hidden ? null : value
}

const search = z
  .preprocess(withoutPrototype, z.record(z.string(), z.union([z.string(), z.array(z.string())])).default({}))
  .describe('FHIR search by token or date, as {"code": "system|code", "date": ["ge2026-01", "lt2026-07"]}')

/** Bytes below which hardly any row comes, structured and text together. */
const leastBytes = { fhir: 500, table: 150 } as const

/** The tool that searches a patient's record, for the types that the operator allows. */
export function searchFhir(types: AllowedTypes) {
  return defineTool({
    name: 'search_fhir',
    title: 'Search the record of a patient',
    description:
      'Other resources of one patient, by type, newest first, a page at a time. An unknown search says which there are.',
    input: z.strictObject({
      ...recordArguments(types),
      search,
      limit,
      cursor,
      format: z.enum(['fhir', 'table']).default('fhir'),
    }),
    output: 'fhir',
    rule: recordRule(types),
    needsOf: needsOfType,
    recorded: ({ type, search }, names) => [
      ...namesWithType(names, type),
      // Any other name is a text of the caller's.
      ...Object.keys(compartmentRule(type).searches)
        .filter((name) => Object.hasOwn(search, name))
        .map((name) => `search.${name}`),
    ],
    subject(given) {
      conditionsOf(given.type, given.search)
      return { kind: 'patient', patient: given.patient_id, study: given.study_id }
    },
    async run(given, context) {
      const { type, format } = given
      const { baseUrl } = context.settings
      const patient = patientOf(context.target)
      const call = {
        principal: context.principal,
        tool: 'search_fhir',
        arguments: { type, search: given.search, patient_id: patient },
        narrowed: narrowedBy(context.grant, patient),
      }
      const position = await openPosition(given.cursor, (sealed) => context.cursors.open(call, sealed))
      const fitting = Math.max(1, Math.floor(context.byteBudget / leastBytes[format]))
      const most = Math.min(given.limit, fitting)
      const page = await pageOfCursor(given.cursor, () =>
        context.exchange.search(context.grant, type, {
          search: given.search,
          count: most,
          ...(position === undefined ? {} : { position }),
        }),
      )
      const medications = await medicationsFor(page.resources, type, context)
      return pageAnswer({
        asked: `${type} of Patient/${patient}, ${wordingOf(type, given.search)}, newest first, every status`,
        self: selfOf(type, patient, given.search, given.limit),
        ...recordTable(page.resources, { type, baseUrl, medications }),
        total: page.total,
        notes: [
          ...gapNotes(page.gaps),
          ...recordNotes(page.resources),
          ...unnamedNotes(page.resources, type, medications, baseUrl),
          ...(page.gaps.length > 0 ? [] : emptyNotes(page.resources.length, given.search)),
        ],
        limit: given.limit,
        most,
        async cursorAfter(n) {
          const next = page.positionAfter(n)
          return next === undefined ? undefined : context.cursors.seal(call, next)
        },
        format,
        byteBudget: context.byteBudget,
        asOf: new Date(context.now()).toISOString(),
      })
    },
  })
}

async function openPosition(
  sealed: string | undefined,
  open: (sealed: string) => Promise<unknown>,
): Promise<string | undefined> {
  if (sealed === undefined) return undefined
  const position = await open(sealed)
  if (typeof position === 'string') return position
  throw fhirMcpError('INVALID_ARGUMENT', { detail: 'cursor is not one of this tool: leave it out.' })
}

function wordingOf(type: CompartmentType, search: SearchArguments): string {
  const words = conditionsOf(type, search).map(({ name, kind }) => {
    const values = [search[name] ?? []].flat()
    return `${name} ${values.join(kind === 'token' ? ' or ' : ' and ')}`
  })
  return words.length === 0 ? 'all' : words.map((word) => oneLine(word)).join(', ')
}

function selfOf(type: CompartmentType, patient: string, search: SearchArguments, count: number): string {
  const pairs = conditionsOf(type, search).flatMap((condition) => condition.pairs)
  return searchLink(type, [['patient', `Patient/${patient}`], ...pairs, ['_count', String(count)]])
}

function emptyNotes(rows: number, search: SearchArguments): Note[] {
  if (rows > 0) return []
  const text =
    Object.keys(search).length === 0
      ? 'The exchange has none of this type for this patient.'
      : 'Nothing fits. What has no code or no date is not found by one: ask without search to see all.'
  return [{ severity: 'information', code: 'informational', text }]
}
