import { z } from 'zod'
import { studyNeed } from '../access/narrowing.ts'
import type { RequestedType } from '../access/restrictions.ts'
import { leftOutOf } from '../fhir/people/left-out.ts'
import type { ResearchStudy } from '../fhir/types.ts'
import { anyResource } from '../results/any-resource.ts'
import { oneLine } from '../results/line.ts'
import { pruneStudy } from '../results/prune.ts'
import { allQuoted, dateWord, isKnownSystem, quoted, referenceWord, word } from '../results/quoted.ts'
import { withoutBase } from '../results/relative.ts'
import { singleAnswer } from '../results/single.ts'
import { identifierValues, sponsorOf } from '../results/studies.ts'
import { codeText } from './arguments/data-type.ts'
import { singleFormat } from './arguments/format.ts'
import { studyId } from './arguments/ids.ts'
import { studyOf } from './target-study.ts'
import { defineTool } from './tool.ts'

const input = z.strictObject({ study_id: studyId, format: singleFormat })

/** One study, as the exchange describes it. */
export const getStudyMetadata = defineTool({
  name: 'get_study_metadata',
  title: 'Study metadata',
  description:
    'One study as ResearchStudy: title, status, description, period, sponsor, requested types of data.',
  input,
  output: 'fhir',
  rule: { needs: [studyNeed], patients: false },
  subject: ({ study_id }) => ({ kind: 'study', study: study_id }),
  async run({ format }, context) {
    const { baseUrl } = context.settings
    const id = studyOf(context.target)
    const [read, requested] = await Promise.all([
      context.exchange.study(context.grant, id),
      context.requestedTypes(id),
    ])
    const study = withRequested(withoutBase(read, baseUrl), requested)
    const pruned = pruneStudy(study)
    return singleAnswer({
      asked: `Study ${id}`,
      resource: format === 'fhir_full' ? anyResource(study) : pruned,
      smaller: pruned,
      lines: [...linesOf(study), ...requestedLines(requested)],
      notes: [],
      leftOut: leftOutOf(read),
      byteBudget: context.byteBudget,
      asOf: new Date(context.now()).toISOString(),
    })
  },
})

const requestedHead = 'Types of data that the study requested'

/** What a study requested is said as a note: a ResearchStudy has no element for it. */
function withRequested<Study extends ResearchStudy>(
  study: Study,
  requested: readonly RequestedType[] | undefined,
): Study {
  if (requested === undefined) return study
  const text = `${requestedHead}: ${typesText(requested, (one) => oneLine(one))}`
  return { ...study, note: [...(study.note ?? []), { text }] }
}

function requestedLines(requested: readonly RequestedType[] | undefined): string[] {
  return requested === undefined ? [] : [`requested types: ${typesText(requested, (one) => quoted(one))}`]
}

function typesText(requested: readonly RequestedType[], say: (text: string) => string): string {
  if (requested.length === 0) return 'none'
  return requested
    .map(({ display, ...code }) => {
      const text = isKnownSystem(code.system) ? oneLine(codeText(code)) : say(codeText(code))
      return display === undefined ? text : `${say(display)} (${text})`
    })
    .join(', ')
}

/** Characters of one value. */
const longest = 4000

function linesOf(study: ResearchStudy): string[] {
  const { start, end } = study.period ?? {}
  const concepts = (all: readonly Concept[] | undefined) => all && allQuoted(all.map(wordsOf), longest)
  const text = (one: string | undefined) => one && quoted(one, longest)
  const sponsor = sponsorOf(study)
  const period = `${start === undefined ? '?' : dateWord(start)} to ${end === undefined ? 'open' : dateWord(end)}`
  const pairs = [
    ['ResearchStudy', study.id],
    ['title', text(study.title)],
    ['status', study.status && word(study.status)],
    ['identifier', allQuoted(identifierValues(study))],
    ['period', start === undefined && end === undefined ? undefined : period],
    ['sponsor', sponsor && (referenceWord(sponsor) === sponsor ? sponsor : text(sponsor))],
    ['phase', study.phase && text(wordsOf(study.phase))],
    ['condition', concepts(study.condition)],
    ['keyword', concepts(study.keyword)],
    ['description', text(study.description)],
  ] as const
  return pairs.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [`${name}: ${value}`]))
}

/** What R4's and R5's CodeableConcept have in common. */
interface Concept {
  readonly text?: string | undefined
  readonly coding?: readonly { display?: string | undefined; code?: string | undefined }[] | undefined
}

function wordsOf({ text, coding }: Concept): string {
  return text ?? coding?.[0]?.display ?? coding?.[0]?.code ?? '?'
}
