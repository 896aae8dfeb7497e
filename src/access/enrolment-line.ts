import type { Enrolment } from './roster.ts'

/**
 * A value as a field of a line: as it is, or as JSON where it has a quote or a control character, or is empty. So no field has
 * a tab or a line end in it, and an empty field is one that is not there.
 */
export function fieldOf(value: string | undefined): string {
  if (value === undefined) return ''
  return isPlain(value) ? value : JSON.stringify(value)
}

function isPlain(value: string): boolean {
  for (let n = 0; n < value.length; n += 1) {
    const code = value.charCodeAt(n)
    if (code < space || code === quote) return false
  }
  return value !== ''
}

const [space, quote] = [32, 34]

/** The text of a field that is there. */
export function textOf(field: string): string {
  return field.startsWith('"') ? String(JSON.parse(field)) : field
}

/**
 * An enrolment as a line, with its end: patient, `+` or `-` (enrolled or not) with the number of the status, ResearchSubject,
 * start, end, codes. What is not there at the end is left out.
 */
export function lineOf({ patient, enrolled, subject, start, end, codes }: Enrolment, status: number): string {
  const standing = `${enrolled ? '+' : '-'}${status}`
  const fields = [fieldOf(patient), standing, ...[subject, start, end, ...codes].map(fieldOf)]
  return `${fields.join('\t').replace(/\t+$/, '')}\n`
}

/** The enrolment that a line says, without its end. */
export function enrolmentIn(line: string, statuses: readonly string[]): Enrolment {
  const [patient = '', standing = '', subject = '', start = '', end = '', ...codes] = line.split('\t')
  const [status = ''] = statuses.slice(Number(standing.slice(1)))
  const optional = (field: string) => (field === '' ? undefined : textOf(field))
  return {
    patient: textOf(patient),
    subject: optional(subject),
    codes: codes.map(textOf),
    status,
    enrolled: standing.startsWith('+'),
    start: optional(start),
    end: optional(end),
  }
}
