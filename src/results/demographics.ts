import type { Patient } from '../fhir/types.ts'
import { nameOf, replacementsOf } from './patients.ts'
import { dateWord, quoted, referenceWord, word } from './quoted.ts'

/** Characters of one value. */
const longest = 1000

type ContactPoint = NonNullable<Patient['telecom']>[number]
type Address = NonNullable<Patient['address']>[number]

/** A patient's demographics in lines of text. */
export function demographicLines(patient: Patient): string[] {
  const pairs = [
    ['Patient', patient.id],
    ['name', said(nameOf(patient))],
    ['born', said(patient.birthDate, dateWord)],
    ['sex', said(patient.gender, word)],
    ['deceased', deceasedText(patient)],
    ['identifiers', joined(patient.identifier, ({ system, value }) => [system, value], '|')],
    ['telecom', joined(patient.telecom, telecomWords, ' ')],
    ['address', joined(patient.address, addressWords, ', ', '; ')],
    ['marital status', said(patient.maritalStatus?.text ?? patient.maritalStatus?.coding?.[0]?.code)],
    [
      'languages',
      joined(patient.communication, ({ language }) => [language.text ?? language.coding?.[0]?.code], ''),
    ],
    ['organization', organizationText(patient)],
  ] as const
  return pairs.flatMap(([label, value]) =>
    value === undefined || value === '' ? [] : [`${label}: ${value}`],
  )
}

/** What has to be known before this record is used. */
export function demographicNotes(patient: Patient): string[] {
  const replacedBy = replacementsOf(patient)
  const notes: string[] = []
  if (replacedBy.length > 0) notes.push(`This record was merged: it is replaced by ${replacedBy.join(', ')}.`)
  if (patient.active === false) notes.push('This record is not active.')
  return notes
}

function deceasedText({ deceasedBoolean, deceasedDateTime }: Patient): string | undefined {
  return (
    said(deceasedDateTime, dateWord) ??
    (deceasedBoolean === undefined ? undefined : deceasedBoolean ? 'yes' : 'no')
  )
}

function organizationText({
  managingOrganization: { display, reference } = {},
}: Patient): string | undefined {
  return said(display) ?? said(reference, referenceWord)
}

/** A text where there is one. */
function said(text: string | undefined, say: (text: string) => string = longQuoted): string | undefined {
  return text === undefined ? undefined : say(text)
}

function longQuoted(text: string): string {
  return quoted(text, longest)
}

function telecomWords({ system, value, use }: ContactPoint): (string | undefined)[] {
  return [system, value, use === undefined ? undefined : `(${use})`]
}

function addressWords({
  text,
  line,
  city,
  state,
  postalCode,
  country,
  use,
}: Address): (string | undefined)[] {
  const words = text === undefined ? [...(line ?? []), city, state, postalCode, country] : [text]
  return [...words, use === undefined ? undefined : `(${use})`]
}

function joined<T>(
  all: readonly T[] | undefined,
  words: (one: T) => readonly (string | undefined)[],
  within: string,
  between = ', ',
): string {
  const texts = (all ?? []).map((one) =>
    words(one)
      .filter((word) => word !== undefined)
      .join(within),
  )
  return texts.flatMap((text) => (text === '' ? [] : [longQuoted(text)])).join(between)
}
