import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Setting, startSetting } from './setting.ts'

let setting: Setting

beforeEach(async () => {
  setting = await startSetting()
})
afterEach(() => setting.close())

describe('the progress of a call', () => {
  it.each(['http', 'http-2026', 'sse'] as const)(
    'over %s comes while the exchange is asked, and not with the answer',
    async (by) => {
      const gateway = await setting.gateway()
      const client = await gateway.connect(by, await setting.token())
      let tell: (() => void) | undefined
      const told = new Promise<void>((resolve) => {
        tell = resolve
      })
      let held = 0
      // The last patient waits until the client has heard of another one: held back till the answer, it would never hear.
      setting.exchange.misbehave(({ path, body }) => {
        if (!path.includes('/Observation') || !/pat-6\b/.test(path + body)) return undefined
        held += 1
        return { kind: 'hold', until: told }
      })
      const seen: number[] = []
      const onprogress = ({ progress }: { progress: number }) => {
        seen.push(progress)
        tell?.()
      }
      const given = { study_id: 'study-a', by_patient: true, data_type: 'heart-rate' }
      const counted = await client.call('count_study_observations', given, { onprogress })
      expect(counted.isError, counted.text).toBe(false)
      expect(held).toBeGreaterThan(0)
      expect(seen.length).toBeGreaterThan(1)
      expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    },
  )
})
