import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Enrolment, Roster, refusedRoster, rosterOf } from '../../src/access/roster.ts'

function row(patient: string, enrolled: boolean, codes: string[] = []): Enrolment {
  return { patient, subject: undefined, codes, status: 'x', enrolled, start: undefined, end: undefined }
}

describe('a roster', () => {
  it('counts a patient as enrolled when one of several enrolments is', () => {
    const roster = rosterOf([row('back', false), row('back', true), row('gone', false)], true, 0)
    expect(roster.membership('back')).toBe('enrolled')
    expect(roster.membership('gone')).toBe('known')
    expect(roster.membership('nobody')).toBe('stranger')
    expect(roster.size).toBe(2)
  })

  it('says so where it is not complete and was not asked about a patient', () => {
    const asked = rosterOf([row('in', true)], false, 0)
    expect(asked.membership('in')).toBe('enrolled')
    expect(asked.membership('unasked')).toBe('unasked')
    const out = new Roster({ rows: [], complete: false, asked: 'out', loadedAt: 0 })
    expect(out.membership('out')).toBe('stranger')
    expect(out.membership('unasked')).toBe('unasked')
  })

  it('says whether anybody has a participant code', () => {
    expect(rosterOf([row('a', true), row('b', true)], true, 0).hasCodes()).toBe(false)
    expect(rosterOf([row('a', true), row('b', false, ['B1'])], true, 0).hasCodes()).toBe(true)
    expect(rosterOf([], true, 0).hasCodes()).toBe(false)
  })

  it('has nobody where the exchange refuses it', () => {
    expect(refusedRoster()).toMatchObject({ refused: true, complete: true, size: 0 })
    expect(refusedRoster().membership('in')).toBe('stranger')
  })

  it('is not misled by a wrong place, in the middle of another patient or of none', () => {
    const roster = rosterOf([row('a', false, ['b\tx', 'b']), row('b', true)], true, 0)
    const places = Array.from({ length: 60 }, (_, near) => near - 5)
    expect(new Set(places.map((near) => roster.membership('b', near)))).toEqual(new Set(['enrolled']))
    expect(new Set(places.map((near) => roster.membership('a', near)))).toEqual(new Set(['known']))
    for (const stranger of ['', 'Z', 'aa', 'x']) {
      expect(new Set(places.map((near) => roster.membership(stranger, near)))).toEqual(new Set(['stranger']))
    }
  })
})

describe('a roster, held against a Map of its rows', () => {
  const odd = fc.constantFrom(
    '',
    '"',
    '"a"',
    '\\',
    'a\tb',
    'a\n',
    '\u0000',
    '\u001f',
    ' ',
    'A ',
    'é',
    '患者',
    '\ud800',
    '|A1',
    '-',
  )
  const text = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('A1', 'A10', 'A2', 'urn:x|A1') },
    odd,
    fc.string(),
  )
  const patient = fc.oneof(
    { weight: 4, arbitrary: fc.nat(12).map((n) => `pat-${n}`) },
    { weight: 1, arbitrary: fc.oneof(odd, fc.string()) },
  )
  const optional = fc.option(text, { nil: undefined })
  const rows = fc.array(
    fc.record({
      patient,
      subject: optional,
      codes: fc.array(text, { maxLength: 3 }),
      status: fc.oneof(fc.constantFrom('on-study', 'withdrawn', 'member'), text),
      enrolled: fc.boolean(),
      start: optional,
      end: optional,
    }),
    { maxLength: 40 },
  )

  it('says the same of every patient, and gives back every row as it was', () => {
    fc.assert(
      fc.property(rows, fc.array(patient), fc.boolean(), (all, others, complete) => {
        const roster = rosterOf(all, complete, 7)
        const model = new Map<string, Enrolment[]>()
        for (const one of all) model.set(one.patient, [...(model.get(one.patient) ?? []), one])
        expect(roster.size).toBe(model.size)
        for (const id of [...model.keys(), ...others]) {
          const own = model.get(id) ?? []
          const absent = complete ? 'stranger' : 'unasked'
          const present = own.some(({ enrolled }) => enrolled) ? 'enrolled' : 'known'
          expect(roster.membership(id)).toBe(own.length === 0 ? absent : present)
          expect(roster.enrolments(id)).toEqual(own)
        }
        const listed = [...roster.patients()]
        expect(listed.map((one) => one.patient).sort()).toEqual([...model.keys()].sort())
        for (const { patient: id, enrolled, at } of listed) {
          expect(enrolled).toBe(roster.membership(id) === 'enrolled')
          expect(roster.membership(id, at)).toBe(roster.membership(id))
        }
      }),
    )
  })

  it('finds the same participant codes', () => {
    fc.assert(
      fc.property(rows, text, (all, code) => {
        const found = [...rosterOf(all, true, 0).withCode(code)]
        // A code of anything but letters, digits and simple signs may be shown as another text.
        const mayFit = (one: string) => one.includes(code) || /[^A-Za-z0-9._:|+\t\n-]/.test(one)
        const wanted = all.filter(({ codes }) => codes.some(mayFit))
        expect(found).toHaveLength(wanted.length)
        expect(found).toEqual(expect.arrayContaining(wanted))
      }),
    )
  })
})
