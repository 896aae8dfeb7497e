import { describe, expect, it } from 'vitest'
import { enrolledIn, membershipOf, rosterOf } from '../../src/access/roster.ts'

function row(patient: string, enrolled: boolean) {
  return { patient, subject: undefined, codes: [], status: 'x', enrolled, start: undefined, end: undefined }
}

describe('a roster', () => {
  it('counts a patient as enrolled when one of several enrolments is', () => {
    const roster = rosterOf([row('back', false), row('back', true), row('gone', false)], true, 0)
    expect(membershipOf(roster, 'back')).toBe('enrolled')
    expect(membershipOf(roster, 'gone')).toBe('known')
    expect(membershipOf(roster, 'nobody')).toBe('stranger')
    expect([...enrolledIn(roster)]).toEqual(['back'])
  })

  it('says so where it is not complete and was not asked about a patient', () => {
    const asked = { ...rosterOf([row('in', true)], false, 0) }
    expect(membershipOf(asked, 'in')).toBe('enrolled')
    expect(membershipOf(asked, 'unasked')).toBe('unasked')
    expect(membershipOf({ ...asked, enrolments: new Map([['out', []]]) }, 'out')).toBe('stranger')
  })
})
