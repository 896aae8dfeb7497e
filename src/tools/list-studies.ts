import { z } from 'zod'
import { studyNeed } from '../access/narrowing.ts'
import type { StudyList } from '../exchange/exchange.ts'
import { gapNotes } from '../results/gaps.ts'
import { openPosition, pageById, pagedCall } from '../results/keyset.ts'
import { someOf } from '../results/line.ts'
import type { Note } from '../results/outcome.ts'
import { searchLink } from '../results/search-link.ts'
import { pageAnswer } from '../results/searchset.ts'
import { studyColumns, studyRow } from '../results/studies.ts'
import { format } from './arguments/format.ts'
import { cursor, limit } from './arguments/paging.ts'
import { defineTool, type GrantedContext } from './tool.ts'

const input = z.strictObject({ limit, cursor, format })

/** Lists the permitted studies, and names the permitted ids that the exchange no longer has. */
export const listStudies = defineTool({
  name: 'list_studies',
  title: 'List studies',
  description: 'The studies within reach: id, title, status. Start here to find a study_id.',
  input,
  output: 'fhir',
  rule: { needs: [studyNeed], patients: false },
  subject: () => ({ kind: 'reach' }),
  async run(input, context) {
    const call = pagedCall('list_studies', input, context)
    const after = await openPosition(call)
    const { studies, missing, gaps } = await context.exchange.studies(context.grant)
    const page = pageById(call, studies, (study) => study.id ?? '', after)
    const view = { format: input.format, baseUrl: context.settings.baseUrl }
    return pageAnswer({
      asked: 'Studies within reach, by id',
      self: searchLink('ResearchStudy', [['_count', String(input.limit)]]),
      columns: studyColumns,
      rows: page.items.map((study) => studyRow(study, view)),
      total: gaps.length > 0 ? undefined : studies.length,
      notes: [...gapNotes(gaps), ...notesOf(context, studies.length, { missing, gaps })],
      limit: input.limit,
      most: page.most,
      cursorAfter: page.cursorAfter,
      format: input.format,
      byteBudget: context.byteBudget,
      asOf: new Date(context.now()).toISOString(),
    })
  },
})

function notesOf(
  { grant }: GrantedContext,
  found: number,
  { missing, gaps }: Pick<StudyList, 'missing' | 'gaps'>,
): Note[] {
  const notes: Note[] = []
  if (missing.length > 0) {
    const where = gaps.length > 0 ? 'in its answer' : '(any more) on the exchange, and not in the total'
    const text = `Permitted, but not ${where}: ${someOf(missing)}.`
    notes.push({ severity: 'warning', code: 'incomplete', text })
  }
  if (found === 0 && missing.length === 0 && gaps.length === 0) {
    const text = grant.terms.unrestricted ? 'The exchange has no studies.' : 'The token permits no studies.'
    notes.push({ severity: 'information', code: 'informational', text })
  }
  return notes
}
