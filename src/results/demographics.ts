import type { Patient } from '../fhir/types.ts'
import { oneLine } from './line.ts'
import { nameOf, replacementsOf } from './patients.ts'

type ContactPoint = NonNullable<Patient['telecom']>[number]
type Address = NonNullable<Patient['address']>[number]

/** A patient's demographics in lines of text. */
export function demographicLines(patient: Patient): string[] {
  const pairs = [
    ['Patient', patient.id],
    ['name', nameOf(patient)],
    ['born', patient.birthDate],
    ['sex', patient.gender],
    ['deceased', deceasedText(patient)],
    ['identifiers', joined(patient.identifier, ({ system, value }) => [system, value], '|')],
    ['telecom', joined(patient.telecom, telecomWords, ' ')],
    ['address', joined(patient.address, addressWords, ', ', '; ')],
    ['marital status', patient.maritalStatus?.text ?? patient.maritalStatus?.coding?.[0]?.code],
    [
      'languages',
      joined(patient.communication, ({ language }) => [language.text ?? language.coding?.[0]?.code], ''),
    ],
    ['organization', patient.managingOrganization?.display ?? patient.managingOrganization?.reference],
  ] as const
  return pairs.flatMap(([label, value]) =>
    value === undefined || value === '' ? [] : [`${label}: ${oneLine(value, 1000)}`],
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
  return deceasedDateTime ?? (deceasedBoolean === undefined ? undefined : deceasedBoolean ? 'yes' : 'no')
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
  return texts.filter((text) => text !== '').join(between)
}
