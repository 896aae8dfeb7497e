import fc from 'fast-check'

/** A permissions claim as issuers write it. */
export interface WrittenClaim {
  readonly studies: readonly unknown[]
  readonly organizations: readonly unknown[]
}

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.'
const fhirId = fc
  .string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 64 })
  .filter((id) => id !== '.' && id !== '..')
const writtenId = fc.oneof(fhirId, fc.nat(2 ** 40))
const name = fc.string({ minLength: 1, maxLength: 40 }).filter((text) => text.trim() !== '')

const study = fc.oneof(
  writtenId,
  fc.record(
    { id: writtenId, organization: fc.oneof(writtenId, fc.constant(null)) },
    { requiredKeys: ['id'] },
  ),
)
const organization = fc.oneof(
  writtenId,
  fc.record(
    { id: writtenId, name: fc.oneof(name, fc.constant(null)), role: fc.oneof(name, fc.constant(null)) },
    { requiredKeys: ['id'] },
  ),
)

/** The id of an entry, as text. */
export function idIn(entry: unknown): string {
  return String(typeof entry === 'object' && entry !== null && 'id' in entry ? entry.id : entry)
}

/** Claims that are valid in every way in which they may be written. */
export const validClaim: fc.Arbitrary<WrittenClaim> = fc.record({
  studies: fc.uniqueArray(study, { selector: idIn, maxLength: 6 }),
  organizations: fc.uniqueArray(organization, { selector: idIn, maxLength: 4 }),
})

const noId = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    '',
    '.',
    '..',
    'a/b',
    'a b',
    'a,b',
    'a|b',
    '../a',
    'a\n',
    '%2f',
    'ａ',
    -1,
    0.5,
  ),
  fc.constantFrom<unknown>(2 ** 53, [], ['a'], {}, { id: null }, 'x'.repeat(65)),
)
/** Entries that have an id in a member are objects; these are none, or have none. */
const noEntry = noId.filter((one) => one !== undefined)
const noList = fc.constantFrom<unknown>(
  null,
  true,
  5,
  '',
  'study-a',
  {},
  { 0: 'study-a', length: 1 },
  undefined,
)
const noRole = fc.constantFrom<unknown>(true, 5, '', ' ', [], ['manager'], {}, 'x'.repeat(257))

/** One node of a valid claim is of another shape than it may be. */
export const claimOffByOne: fc.Arbitrary<unknown> = validClaim.chain((claim) => {
  const withEntry = (list: 'studies' | 'organizations', entry: unknown, at: number) => {
    const entries = [...claim[list]]
    entries.splice(at % (entries.length + 1), 0, entry)
    return { ...claim, [list]: entries }
  }
  const list = fc.constantFrom('studies' as const, 'organizations' as const)
  return fc.oneof(
    fc.constantFrom<unknown>(null, true, 7, '', 'all', [], [claim], JSON.stringify(claim)),
    fc.tuple(list, noList).map(([name, wrong]) => ({ ...claim, [name]: wrong })),
    fc.tuple(list, noEntry, fc.nat(9)).map(([name, wrong, at]) => withEntry(name, wrong, at)),
    fc.tuple(list, noId, fc.nat(9)).map(([name, wrong, at]) => withEntry(name, { id: wrong }, at)),
    fc
      .tuple(
        noId.filter((one) => one !== null),
        fc.nat(9),
      )
      .map(([organization, at]) => withEntry('studies', { id: 'new', organization }, at)),
    fc.tuple(noRole, fc.nat(9)).map(([role, at]) => withEntry('organizations', { id: 'new', role }, at)),
  )
})
