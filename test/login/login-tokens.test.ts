import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readEnvironment } from '../../src/config/env.ts'
import { fhirMcpError } from '../../src/errors.ts'
import { createLoginTokens, type LoginTokensParts } from '../../src/login/login-tokens.ts'
import { loginSettings } from '../../src/login/settings.ts'
import { tokenFile } from '../../src/login/token-file.ts'
import type { TokenSet } from '../../src/login/token-set.ts'
import { createBrowser } from './browser.ts'
import { confidentialVariables, finished, jupyterHealthVariables, temporaryFolder } from './machine.ts'
import { startUpstream, type UpstreamOptions } from './upstream.ts'

const signal = new AbortController().signal
const day = 86_400_000

/** Somebody who has signed in, with the parts that a process makes its tokens of. */
async function signedIn(options: UpstreamOptions = {}, more: Record<string, string> = {}) {
  const upstream = await startUpstream(options)
  onTestFinished(() => upstream.close())
  const environment = { ...jupyterHealthVariables(upstream, temporaryFolder()), ...more }
  const { code, stderr } = await finished(['login'], environment, async (url) => {
    await createBrowser().signIn(url)
  })
  expect(code, stderr).toBe(0)
  const settings = loginSettings(readEnvironment(environment))
  if (settings === undefined) throw new Error('no client')
  const clock = { at: Date.now() }
  const source = (changes: Partial<LoginTokensParts> = {}) =>
    createLoginTokens({
      settings,
      file: tokenFile(settings),
      signIn: undefined,
      callPatience: 50_000,
      now: () => clock.at,
      ...changes,
    })
  const [name = ''] = readdirSync(settings.folder)
  const path = join(settings.folder, name)
  const kept = (): TokenSet => JSON.parse(readFileSync(path, 'utf8'))
  const change = (changes: Partial<TokenSet>) =>
    writeFileSync(path, JSON.stringify({ ...kept(), ...changes }), { mode: 0o600 })
  return {
    upstream,
    settings,
    clock,
    source,
    kept,
    change,
    environment,
    isKept: () => readdirSync(settings.folder),
  }
}

describe('kept tokens', () => {
  it('are used as they are until a minute before the first of them expires', async () => {
    const { upstream, clock, source, kept } = await signedIn({ idTokenTtl: 3600 })
    const first = kept()
    const { tokens } = source()
    const now = clock.at
    clock.at = now + 3530_000
    expect(await tokens(signal)).toEqual({ accessToken: first.accessToken, idToken: first.idToken })
    expect(upstream.refreshes()).toBe(0)
    clock.at = now + 3541_000
    const renewed = await tokens(signal)
    expect(renewed.accessToken).not.toBe(first.accessToken)
    expect(upstream.refreshes()).toBe(1)
    expect(kept()).toMatchObject(renewed)
    expect(kept().refreshToken).not.toBe(first.refreshToken)
    expect([upstream.isActive(first.accessToken), upstream.isActive(renewed.accessToken)]).toEqual([
      false,
      true,
    ])
  })

  it.each([
    ['a public client', {}],
    ['a confidential client', confidentialVariables],
  ])('are renewed by %s when they are found stale, once for all who ask', async (_, more) => {
    const { upstream, source, kept } = await signedIn({}, more)
    const stale = { accessToken: kept().accessToken, idToken: kept().idToken }
    const { tokens } = source()
    const pairs = await Promise.all([tokens(signal, stale), tokens(signal, stale), tokens(signal, stale)])
    expect(new Set(pairs.map(({ accessToken }) => accessToken)).size).toBe(1)
    expect(pairs[0]?.accessToken).not.toBe(stale.accessToken)
    expect(upstream.refreshes()).toBe(1)
    // Somebody who still has the old pair is given the new one: no further renewal.
    expect(await tokens(signal, stale)).toEqual(pairs[0])
    expect(upstream.refreshes()).toBe(1)
  })

  it('are not renewed where nothing can be written: the refresh token stays good for when it can', async () => {
    const { upstream, settings, clock, source, kept } = await signedIn({ idTokenTtl: 3600 })
    const first = kept()
    clock.at += 3541_000
    let full = true
    const real = tokenFile(settings)
    const write = (tokens: TokenSet) => (full ? Promise.reject(fhirMcpError('CONFIG')) : real.write(tokens))
    const { tokens } = source({ file: { ...real, write } })
    await expect(tokens(signal)).rejects.toMatchObject({ code: 'FHIR_MCP_CONFIG' })
    expect(upstream.refreshes()).toBe(0)
    full = false
    expect((await tokens(signal)).accessToken).not.toBe(first.accessToken)
    expect(upstream.refreshes()).toBe(1)
  })

  it('go on in the process that renewed them, where they could not be written after all', async () => {
    const { upstream, settings, clock, source, kept } = await signedIn({ idTokenTtl: 3600 })
    clock.at += 3541_000
    let room = 1
    const real = tokenFile(settings)
    const write = async (tokens: TokenSet) => {
      room -= 1
      if (room < 0) throw fhirMcpError('CONFIG')
      await real.write(tokens)
    }
    const { tokens } = source({ file: { ...real, write } })
    const renewed = await tokens(signal)
    // The issuer's clock stood still: what it gave is new.
    clock.at -= 3541_000
    expect(await tokens(signal)).toEqual(renewed)
    expect(kept()).not.toMatchObject(renewed)
    room = 1
    expect(await tokens(signal)).toEqual(renewed)
    expect(kept()).toMatchObject(renewed)
    expect(upstream.refreshes()).toBe(1)
  })

  it('are renewed by one of two processes at once, and both go on with a valid token', async () => {
    const { upstream, source, kept } = await signedIn()
    const stale = { accessToken: kept().accessToken, idToken: kept().idToken }
    const processes = [source(), source(), source(), source()]
    const pairs = await Promise.all(processes.map(({ tokens }) => tokens(signal, stale)))
    expect(new Set(pairs.map(({ accessToken }) => accessToken)).size).toBe(1)
    expect(upstream.refreshes()).toBe(1)
    expect(upstream.isActive(pairs[0]?.accessToken ?? '')).toBe(true)
    // The refresh token was not lost: reuse would have ended the grant.
    const next = await source().tokens(signal, pairs[0])
    expect(upstream.isActive(next.accessToken)).toBe(true)
  })

  it('would be lost without the lock (the control)', async () => {
    const { upstream, settings, source, kept } = await signedIn()
    const stale = { accessToken: kept().accessToken, idToken: kept().idToken }
    const file = { ...tokenFile(settings), locked: <T>(work: () => Promise<T>) => work() }
    const outcomes = await Promise.allSettled(
      [source({ file }), source({ file })].map(({ tokens }) => tokens(signal, stale)),
    )
    expect(upstream.refreshes()).toBe(2)
    expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true)
  })

  it('are renewed to the end even if the call that needed them goes away', async () => {
    const { upstream, source, kept } = await signedIn()
    const first = kept()
    const caller = new AbortController()
    const { tokens } = source()
    const asked = tokens(caller.signal, { accessToken: first.accessToken, idToken: first.idToken })
    await expect.poll(() => upstream.refreshes()).toBe(1)
    caller.abort(new Error('gone'))
    await asked.catch(() => undefined)
    await expect.poll(() => kept().refreshToken).not.toBe(first.refreshToken)
  })

  it('are removed when the issuer does not take the refresh token any more', async () => {
    const { upstream, clock, source, isKept } = await signedIn()
    clock.at += day
    upstream.revokeAll()
    const { tokens, kept } = source()
    await expect(tokens(signal)).rejects.toMatchObject({
      code: 'FHIR_MCP_TOKEN_EXPIRED',
      detail: 'Run fastify-fhir-mcp login to sign in again.',
    })
    expect(isKept()).toEqual([])
    expect(await kept(signal)).toBeUndefined()
    await expect(tokens(signal)).rejects.toMatchObject({ code: 'FHIR_MCP_UNAUTHENTICATED' })
  })

  it('are used to their end while the issuer cannot be asked', async () => {
    const { upstream, clock, source, kept } = await signedIn({ idTokenTtl: 3600 })
    const { accessToken, idToken } = kept()
    clock.at += 3560_000
    upstream.failWith(503)
    expect(await source().tokens(signal)).toEqual({ accessToken, idToken })
    for (const [later, stale] of [
      [0, { accessToken, idToken }],
      [60_000, undefined],
    ] as const) {
      clock.at += later
      upstream.failWith(503)
      await expect(source().tokens(signal, stale)).rejects.toMatchObject({
        code: 'FHIR_MCP_ISSUER_UNAVAILABLE',
      })
    }
    upstream.failWith(503)
    expect(await source().kept(signal)).toBeUndefined()
    expect((await source().tokens(signal)).accessToken).not.toBe(accessToken)
  })

  it('without a refresh token end with themselves: somebody signs in again', async () => {
    const { upstream, clock, source, kept, isKept } = await signedIn({ refreshTokens: false })
    expect(kept().refreshToken).toBeUndefined()
    clock.at += day
    await expect(source().tokens(signal)).rejects.toMatchObject({ code: 'FHIR_MCP_UNAUTHENTICATED' })
    expect([isKept(), upstream.refreshes()]).toEqual([[], 0])
  })

  it('of an issuer that does not say when they expire are used until they are found stale', async () => {
    const { clock, source, kept, change } = await signedIn()
    change({ expiresAt: undefined })
    clock.at += 365 * day
    expect((await source().tokens(signal)).accessToken).toBe(kept().accessToken)
  })

  it('are refused when a refresh brings those of somebody else', async () => {
    const { clock, source, kept, change, isKept } = await signedIn()
    const [head, , signature] = (kept().idToken ?? '').split('.')
    const payload = Buffer.from(JSON.stringify({ sub: 'bob', exp: 1 })).toString('base64url')
    change({ idToken: `${head}.${payload}.${signature}` })
    clock.at += day
    await expect(source().tokens(signal)).rejects.toMatchObject({ code: 'FHIR_MCP_TOKEN_EXPIRED' })
    expect(isKept()).toEqual([])
  })

  it('keep the resource that they were asked for', async () => {
    const resource = 'http://127.0.0.1:8765/mcp'
    const jwt = {
      FHIR_MCP_FHIR_CREDENTIALS: 'none',
      FHIR_MCP_AUTH_SOURCES: 'jwt',
      FHIR_MCP_AUTH_AUDIENCE: resource,
    }
    const { source, kept, environment } = await signedIn({ resource }, jwt)
    const { accessToken, idToken } = kept()
    const renewed = await source().tokens(signal, { accessToken, idToken })
    expect(
      JSON.parse(Buffer.from(renewed.accessToken.split('.')[1] ?? '', 'base64url').toString()),
    ).toMatchObject({
      aud: resource,
      jhe_permissions: { studies: ['30006', '30007'] },
    })
    expect((await finished(['whoami'], environment)).code).toBe(0)
  })

  it('are gone for a process that is renewing them when somebody signs out', async () => {
    const { upstream, source, kept, environment } = await signedIn()
    const { accessToken, idToken } = kept()
    await finished(['logout'], environment)
    await expect(source().tokens(signal, { accessToken, idToken })).rejects.toMatchObject({
      code: 'FHIR_MCP_UNAUTHENTICATED',
    })
    expect(upstream.refreshes()).toBe(0)
  })
})

describe('a sign-in at the first call', () => {
  it('is one for all calls, and is not ended by a call that goes away', async () => {
    const { source, kept, settings } = await signedIn()
    const set = kept()
    await tokenFile(settings).remove()
    let begun = 0
    let finish: (set: TokenSet) => void = () => undefined
    const signIn = () => {
      begun += 1
      return new Promise<TokenSet>((resolve) => {
        finish = resolve
      })
    }
    const { tokens } = source({ signIn })
    const caller = new AbortController()
    const leaving = tokens(caller.signal)
    const staying = tokens(signal)
    await expect.poll(() => begun).toBe(1)
    caller.abort(new Error('gone'))
    await expect(leaving).rejects.toThrow('gone')
    finish(set)
    expect(await staying).toEqual({ accessToken: set.accessToken, idToken: set.idToken })
    await expect(tokens(caller.signal)).rejects.toThrow('gone')
    expect(begun).toBe(1)
  })

  it('that takes longer than clients wait answers what to do, and the next call waits on', async () => {
    const { source, settings } = await signedIn()
    await tokenFile(settings).remove()
    let begun = 0
    const signIn = () => {
      begun += 1
      return new Promise<TokenSet>(() => undefined)
    }
    const { tokens } = source({ signIn, callPatience: 1 })
    for (let call = 0; call < 2; call += 1) {
      await expect(tokens(signal)).rejects.toMatchObject({
        code: 'FHIR_MCP_UNAUTHENTICATED',
        detail: 'Finish signing in in the browser, then ask again.',
      })
    }
    expect(begun).toBe(1)
  })

  it('that fails is begun anew by the next call', async () => {
    const { source, settings } = await signedIn()
    await tokenFile(settings).remove()
    let begun = 0
    const signIn = async (): Promise<TokenSet> => {
      begun += 1
      throw new Error('failed')
    }
    const { tokens } = source({ signIn })
    await expect(tokens(signal)).rejects.toThrow('failed')
    await expect(tokens(signal)).rejects.toThrow('failed')
    expect(begun).toBe(2)
  })
})

describe('errors of a renewal', () => {
  it('hold no token, however they are printed', async () => {
    const { upstream, clock, source, kept } = await signedIn()
    clock.at += 20 * day
    upstream.failWith(500)
    const failed: unknown[] = [
      await source()
        .tokens(signal)
        .catch((thrown: unknown) => thrown),
    ]
    upstream.revokeAll()
    failed.push(
      await source()
        .tokens(signal)
        .catch((thrown: unknown) => thrown),
    )
    const printed = inspect(failed, { depth: 20, showHidden: true })
    expect(printed).toContain('FHIR_MCP_ISSUER_UNAVAILABLE')
    expect(printed).toContain('FHIR_MCP_TOKEN_EXPIRED')
    for (const secret of upstream.secrets) expect(printed).not.toContain(secret)
    expect(() => kept()).toThrow()
  })
})
