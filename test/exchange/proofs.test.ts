import { describe, expect, it } from 'vitest'
import { fhirMcpError } from '../../src/errors.ts'
import { createProofs } from '../../src/exchange/proofs.ts'
import { codeOf, testNow } from './opened.ts'

describe('a proof', () => {
  it.each([
    ['0', async () => 0],
    ['a refusal', () => Promise.reject(fhirMcpError('FORBIDDEN'))],
    ['a rejection', () => Promise.reject(fhirMcpError('EXCHANGE_REJECTED'))],
  ])('is given by %s for an impossible value', async (_, control) => {
    await expect(createProofs(() => testNow).require('patient', control)).resolves.toBeUndefined()
  })

  it('is not given by a number above 0, which is kept as well', async () => {
    const proofs = createProofs(() => testNow)
    let asked = 0
    const control = async () => {
      asked += 1
      return 7
    }
    expect(await codeOf(proofs.require('code', control))).toBe('NOT_SUPPORTED_BY_EXCHANGE')
    expect(await codeOf(proofs.require('code', control))).toBe('NOT_SUPPORTED_BY_EXCHANGE')
    expect(asked).toBe(1)
  })

  it('is asked again after five minutes, and for every form', async () => {
    let now = testNow
    const proofs = createProofs(() => now)
    const asked: string[] = []
    const require = (form: string) =>
      proofs.require(form, async () => {
        asked.push(form)
        return 0
      })
    await require('code')
    now += 299_999
    await require('code')
    await require('date ge')
    now += 1
    await require('code')
    expect(asked).toEqual(['code', 'date ge', 'code'])
  })

  it('is neither given nor withheld by a failure', async () => {
    const proofs = createProofs(() => testNow)
    const failing = proofs.require('code', () => Promise.reject(fhirMcpError('EXCHANGE_TIMEOUT')))
    expect(await codeOf(failing)).toBe('EXCHANGE_TIMEOUT')
    await expect(proofs.require('code', async () => 0)).resolves.toBeUndefined()
  })

  it('is asked once for all who wait, and again for one whose companion failed', async () => {
    const proofs = createProofs(() => testNow)
    let asked = 0
    const control = async () => {
      asked += 1
      if (asked === 1) throw fhirMcpError('EXCHANGE_TIMEOUT')
      return 0
    }
    const answers = await Promise.allSettled([
      proofs.require('code', control),
      proofs.require('code', control),
    ])
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    expect(asked).toBe(2)
  })
})

describe('what holds of all that a caller sees', () => {
  it('is found out once a minute for each caller, and a failure is not kept', async () => {
    let time = 0
    const proofs = createProofs(() => time)
    const asked: string[] = []
    const holds = (caller: string, answer: boolean | Error) =>
      proofs.holds('a fact', caller, async () => {
        asked.push(caller)
        if (answer instanceof Error) throw answer
        return answer
      })
    await expect(holds('a', new Error('down'))).rejects.toThrow('down')
    expect(await Promise.all([holds('a', true), holds('a', false), holds('b', false)])).toEqual([
      true,
      true,
      false,
    ])
    time = 59_999
    expect(await holds('a', false)).toBe(true)
    time = 60_000
    expect(await holds('a', false)).toBe(false)
    expect(asked).toEqual(['a', 'a', 'b', 'a'])
  })
})
