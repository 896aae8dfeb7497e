import { leftOutOf } from '../fhir/people/left-out.ts'
import type { ResearchStudy } from '../fhir/types.ts'
import { anyResource } from './any-resource.ts'
import { barred, oneLine } from './line.ts'
import { pruneListedStudy } from './prune.ts'
import { allQuoted, dateWord, quoted, referenceWord, word } from './quoted.ts'
import { withoutBase } from './relative.ts'
import type { Row } from './row.ts'

/** How studies are listed. */
export interface StudyView {
  readonly format: 'fhir' | 'fhir_full' | 'table'
  readonly baseUrl: string
}

/** The columns of a list of studies. */
export const studyColumns = ['id', 'title', 'status', 'identifier', 'start', 'end', 'sponsor'] as const

/** A study as a row: ResearchStudy, a line of text, and cells. */
export function studyRow(listed: ResearchStudy, view: StudyView): Row {
  const study = withoutBase(listed, view.baseUrl)
  const identifier = oneLine(identifierValues(study).join(', '))
  const { start, end } = study.period ?? {}
  const sponsor = sponsorOf(study)
  const values = identifierValues(study)
  return {
    leftOut: leftOutOf(listed),
    resource: view.format === 'fhir_full' ? anyResource(study) : pruneListedStudy(study),
    line: barred([
      `ResearchStudy/${study.id}`,
      study.title === undefined ? 'without a title' : quoted(study.title),
      study.status === undefined ? undefined : `status ${word(study.status)}`,
      values.length === 0 ? undefined : `identifier ${allQuoted(values)}`,
      periodOf(study),
      sponsor === undefined ? undefined : `sponsor ${referenceWord(sponsor)}`,
    ]),
    cells: [
      study.id ?? null,
      study.title ?? null,
      study.status ?? null,
      identifier === '' ? null : identifier,
      start ?? null,
      end ?? null,
      sponsor ?? null,
    ],
  }
}

/** The identifiers of a study by their values. */
export function identifierValues(study: ResearchStudy): string[] {
  return (study.identifier ?? []).flatMap(({ value }) => value ?? [])
}

function periodOf({ period = {} }: ResearchStudy): string | undefined {
  const { start, end } = period
  if (start === undefined && end === undefined) return undefined
  return `${start === undefined ? '?' : dateWord(start)}..${end === undefined ? '' : dateWord(end)}`
}

/** Who is responsible: R4 `sponsor`, R5 the `associatedParty` of role sponsor. */
export function sponsorOf(study: ResearchStudy): string | undefined {
  if ('sponsor' in study && study.sponsor !== undefined) return partyOf(undefined, study.sponsor)
  const parties = 'associatedParty' in study ? (study.associatedParty ?? []) : []
  const sponsor = parties.find(({ role }) => (role?.coding ?? []).some(({ code }) => code === 'sponsor'))
  return sponsor === undefined ? undefined : partyOf(sponsor.name, sponsor.party)
}

interface Named {
  readonly display?: string | undefined
  readonly reference?: string | undefined
}

function partyOf(name: string | undefined, party: Named | undefined): string | undefined {
  const words = [name ?? party?.display, party?.reference].filter((part) => part !== undefined)
  return words.length > 0 ? oneLine(words.join(', ')) : undefined
}
