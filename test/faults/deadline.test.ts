import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Setting, startSetting } from './setting.ts'

let setting: Setting

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 23, 12) })
  setting = await startSetting()
})
afterEach(async () => {
  vi.useRealTimers()
  await setting.close()
})

const study = { study_id: 'study-a', data_type: 'heart-rate' }

/** Each search for this type takes so many seconds, by the clock. */
function slow(type: string, seconds: number): void {
  setting.exchange.misbehave(({ path }) => {
    if (path.includes(`/${type}`)) vi.setSystemTime(Date.now() + seconds * 1000)
    return undefined
  })
}

describe('the deadline of a call', () => {
  it('begins with the call, so that a roster takes of its time', async () => {
    const gateway = await setting.gateway()
    const client = await gateway.connect('http', await setting.token())
    slow('ResearchSubject', 46)
    const late = await client.call('summarize_study_observations', study)
    expect(late.isError, late.text).toBe(false)
    expect(late.text).toContain('PARTIAL')
    expect(late.text).toContain('the deadline came first')
    expect(late.text).toContain('call again with the same arguments and cursor')
  })

  it('is not reached by a roster that leaves time (control)', async () => {
    const gateway = await setting.gateway()
    const client = await gateway.connect('http', await setting.token())
    slow('ResearchSubject', 44)
    const whole = await client.call('summarize_study_observations', study)
    expect(whole.text).not.toContain('PARTIAL')
  })

  it('ends counts by patient as well', async () => {
    const gateway = await setting.gateway()
    const client = await gateway.connect('http', await setting.token())
    slow('ResearchSubject', 46)
    const counted = await client.call('count_study_observations', { ...study, by_patient: true })
    expect(counted.text).toContain('NOT COUNTED: deadline')
  })
})
