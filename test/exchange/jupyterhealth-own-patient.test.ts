import { describe, expect, it, onTestFinished } from 'vitest'
import { startExchange as startStandIn } from '../../src/test-kit/index.ts'
import { grantFor, on, type TestCaller } from './grants.ts'
import { data, startJupyterHealth } from './jupyterhealth-stand-in.ts'
import { callOf } from './loopback.ts'
import { codeOf, exchangeOf, openerOf } from './opened.ts'

const own = grantFor({ patient: '41' }, on.patient('41'))

describe("a count of the token's own patient", () => {
  it('needs no control where the exchange shows nobody else', async () => {
    const { rows, ...rest } = data()
    const only = rows.filter((row) => row.id === '41' || JSON.stringify(row.subject ?? '').includes('/41"'))
    const server = await startJupyterHealth({ ignores: ['patient'] }, { ...rest, rows: only })
    const exchange = exchangeOf(server.baseUrl)
    expect(await exchange.countPatientObservations(own, '41', {})).toMatchObject({ count: 13 })
    expect(server.arrivals.map(({ url }) => url)).not.toContainEqual(expect.stringContaining('patient=0'))
  })

  it('is refused where the exchange shows others and ignores whose it is asked for', async () => {
    const server = await startJupyterHealth({ ignores: ['patient'] })
    expect(await codeOf(exchangeOf(server.baseUrl).countPatientObservations(own, '41', {}))).toBe(
      'NOT_SUPPORTED_BY_EXCHANGE',
    )
  })

  it('is given where the exchange shows others and honours whose it is asked for', async () => {
    const server = await startJupyterHealth()
    const exchange = exchangeOf(server.baseUrl)
    expect(await exchange.countPatientObservations(own, '41', {})).toMatchObject({ count: 13 })
  })

  it('leans on no Patient where the exchange does not let the caller look', async () => {
    const server = await startJupyterHealth({ ignores: ['patient'], forbids: ['Patient'] })
    expect(await codeOf(exchangeOf(server.baseUrl).countPatientObservations(own, '41', {}))).toBe(
      'NOT_SUPPORTED_BY_EXCHANGE',
    )
  })

  it('is not proven by another caller, for whom the exchange honours what it ignores for this one', async () => {
    const standIn = await startStandIn({ dialect: 'jupyterhealth' })
    onTestFinished(() => standIn.close())
    const opener = openerOf(standIn.url)
    const as = (name: string) => {
      const token = standIn.cohort.users.find((user) => user.name === name)?.token
      const call = callOf(`Bearer ${token}`)
      return opener.open({ ...call, credential: { ...call.credential, identity: name } })
    }
    const member: TestCaller = { organizations: { '20009': ['40006', '40007'] } }
    const on40007 = grantFor(member, on.patient('40007'))
    expect(await as('northlake_member').countPatientObservations(on40007, '40007', {})).toMatchObject({
      count: 200,
    })
    // A patient user whose claims permit more than the exchange: it answers their own, whoever is asked for.
    expect(await codeOf(as('patient01').countPatientObservations(on40007, '40007', {}))).toBe(
      'NOT_SUPPORTED_BY_EXCHANGE',
    )
    expect(await as('northlake_member').countPatientObservations(on40007, '40007', {})).toMatchObject({
      count: 200,
    })
  })
})
