import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePermissions } from '../../src/access/permissions.ts'

const schema: Record<string, unknown> = JSON.parse(
  readFileSync(new URL('../../docs/jhe-permissions.schema.json', import.meta.url), 'utf8'),
)
const accepts = new Ajv2020({ allErrors: false }).compile(schema)

function parses(claim: unknown): boolean {
  try {
    parsePermissions(claim)
    return true
  } catch {
    return false
  }
}

const inStudies = (entry: unknown) => ({ studies: [entry], organizations: [] })
const inOrganizations = (entry: unknown) => ({ studies: [], organizations: [entry] })

const ids: unknown[] = [
  '1',
  'a-b.C',
  '...',
  '.a',
  'x'.repeat(64),
  0,
  -0,
  1,
  2 ** 53 - 1,
  '',
  '.',
  '..',
  '1\n',
  '\n1',
  ' 1',
  'x'.repeat(65),
  'Study/1',
  'ä',
  '*',
  '1,2',
  -1,
  1.5,
  2 ** 53,
  1e308,
  null,
  true,
  [],
  ['1'],
  {},
]
const texts: unknown[] = [
  'manager',
  ' manager ',
  '\u00A0x\uFEFF',
  'x'.repeat(256),
  `  ${'x'.repeat(256)}\n`,
  '😀'.repeat(256),
  'a\nb',
  '\uD800',
  null,
  '',
  ' ',
  '\n\t\u2028',
  'x'.repeat(257),
  '😀'.repeat(257),
  5,
  true,
  [],
  {},
]
const corpus: unknown[] = [
  { studies: [], organizations: [] },
  { studies: [], organizations: [], patients: ['9'], superuser: true },
  ...[null, 5, 'x', true, [], {}, { studies: [] }, { organizations: [] }],
  ...[null, '*', {}, { 0: '1' }, 5].flatMap((list) => [
    { studies: list, organizations: [] },
    { studies: [], organizations: list },
  ]),
  ...ids.flatMap((id) => [
    inStudies(id),
    inOrganizations(id),
    inStudies({ id }),
    inOrganizations({ id }),
    inStudies({ id: '1', organization: id }),
    { studies: ['1', id], organizations: [] },
  ]),
  ...texts.flatMap((text) => [
    inOrganizations({ id: '1', role: text }),
    inOrganizations({ id: '1', name: text }),
    inStudies({ id: '1', name: text, role: text }),
  ]),
  inStudies({ organization: '1' }),
  inOrganizations({ role: 'manager' }),
]

describe('the JSON Schema of the permissions claim', () => {
  it('is tried on claims of both kinds', () => {
    const verdicts = corpus.map((claim) => accepts(claim))
    expect(verdicts.filter((verdict) => verdict).length).toBeGreaterThan(30)
    expect(verdicts.filter((verdict) => !verdict).length).toBeGreaterThan(60)
  })

  it.each(corpus.map((claim) => [JSON.stringify(claim).slice(0, 80), claim]))(
    'says of %s what the plugin says',
    (_, claim) => {
      expect(accepts(claim)).toBe(parses(claim))
    },
  )

  it('says the same of any claim', () => {
    const id = fc.oneof(fc.constantFrom(...ids), fc.stringMatching(/^[\w.\- /]{0,3}$/), fc.integer())
    const text = fc.oneof(fc.constantFrom(...texts), fc.string({ unit: 'binary' }))
    const study = fc.oneof(id, fc.record({ id, organization: id, name: text }, { requiredKeys: [] }))
    const organization = fc.oneof(id, fc.record({ id, name: text, role: text }, { requiredKeys: [] }))
    const lists = fc.record({
      studies: fc.array(study, { maxLength: 4 }),
      organizations: fc.array(organization, { maxLength: 4 }),
    })
    const claims = fc.oneof({ weight: 9, arbitrary: lists }, { weight: 1, arbitrary: fc.jsonValue() })
    fc.assert(
      fc.property(claims, (claim) => {
        expect(parses(claim)).toBe(accepts(claim))
      }),
      { numRuns: 2000 },
    )
  })

  it('has examples that both accept', () => {
    const examples = schema.examples as unknown[]
    expect(examples).toHaveLength(2)
    for (const example of examples) expect([accepts(example), parses(example)]).toEqual([true, true])
  })
})
