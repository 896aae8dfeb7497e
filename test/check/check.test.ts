import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { syntheticCohort } from '../../src/test-kit/cohort.ts'
import { permissionsClaim, startExchange, startIssuer } from '../../src/test-kit/index.ts'
import { startRedisStub } from '../cli/redis-stub.ts'
import { startStandalone } from '../cli/standalone.ts'
import { issued, startTokenEndpoint } from '../exchange/credentials/token-endpoint-double.ts'
import { createBrowser } from '../login/browser.ts'
import { finished, jupyterHealthVariables, temporaryFolder } from '../login/machine.ts'
import { startUpstream } from '../login/upstream.ts'
import { checked, startSetting, withToken } from './setting.ts'

describe('check', () => {
  it('finds everything in order, asks by decisions, and leaves a record of each', async () => {
    const setting = await startSetting()
    const permissions = permissionsClaim({ studies: ['study-a'], organizations: { 'org-1': 'manager' } })
    const environment = await withToken(setting, permissions)
    const { passed, by, progress, output } = await checked(environment)
    expect(passed).toBe(true)
    expect(Object.values(by).map(({ outcome }) => outcome)).toEqual([
      ...Array(13).fill('ok'),
      'skipped',
      'ok',
    ])
    expect(by.dialect?.found).toBe('hapi, by its metadata.')
    expect(by['fhir version']?.found).toBe('FHIR R4.')
    expect(by.keys?.found).toBe('4 keys, for RS256, PS256, ES256, EdDSA.')
    expect(by.claims?.found).toMatch(/^1 study, 1 organization; from jwt, until /)
    expect(by.rosters?.found).toMatch(
      /^study study-a: 7 of 9 enrolled, organization org-1: \d of \d enrolled\.$/,
    )
    expect(by.filters?.found).toBe('patient, code, date (from), date (until): each honoured.')
    expect(progress).toBe('rosters: 1 of 2\nrosters: 2 of 2\n')
    const records = readFileSync(environment.FHIR_MCP_AUDIT_PATH ?? '', 'utf8')
      .trim()
      .split('\n')
    expect(records.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ name: 'check', subject: 'ada', outcome: 'allowed' }),
    )
    expect(output).not.toContain(environment.FHIR_MCP_ACCESS_TOKEN)
    expect(output).not.toMatch(/\bada\b/)
    expect(output).not.toMatch(/pat-\d|HAPI FHIR/)
  })

  it('works on R5 as well', async () => {
    const { passed, by } = await checked(await withToken(await startSetting('R5')))
    expect(passed).toBe(true)
    expect(by['fhir version']?.found).toBe('FHIR R5.')
  })

  it('looks at all but the token without one, and says how to give one', async () => {
    const { environment, exchange } = await startSetting()
    const { passed, by } = await checked(environment)
    expect(passed).toBe(true)
    for (const name of ['audience', 'token', 'claims', 'rosters', 'filters']) {
      expect(by[name]).toMatchObject({
        outcome: 'skipped',
        cure: expect.stringContaining('FHIR_MCP_ACCESS_TOKEN_FILE'),
      })
    }
    expect(exchange.requests.every(({ path }) => path.includes('/metadata'))).toBe(true)
  })

  it('tells a variable that is wrong, and looks at nothing else then', async () => {
    const { environment, exchange, issuer } = await startSetting()
    const { passed, by } = await checked({
      ...environment,
      FHIR_MCP_FHIR_DIALECT: 'other',
      FHIR_MCP_TYPO: '1',
    })
    expect(passed).toBe(false)
    expect(by.configuration).toMatchObject({
      outcome: 'fail',
      found: expect.stringContaining('FHIR_MCP_TYPO'),
    })
    expect(by.issuer?.outcome).toBe('skipped')
    expect(exchange.count + issuer.count).toBe(0)
  })

  it('tells every failure at once when neither issuer nor exchange is there', async () => {
    const setting = await startSetting()
    const environment = await withToken(setting)
    await setting.issuer.close()
    await setting.exchange.close()
    const { passed, by } = await checked(environment)
    expect(passed).toBe(false)
    expect(by.exchange).toMatchObject({
      outcome: 'fail',
      cure: expect.stringContaining('FHIR_MCP_FHIR_BASE_URL'),
    })
    expect(by.issuer).toMatchObject({
      outcome: 'fail',
      cure: expect.stringContaining('FHIR_MCP_AUTH_ISSUER'),
    })
    expect(by.token).toMatchObject({
      outcome: 'fail',
      found: expect.stringContaining('ISSUER_UNAVAILABLE'),
    })
    for (const name of ['dialect', 'fhir version', 'keys', 'clock', 'rosters', 'filters']) {
      expect(by[name]?.outcome).toBe('skipped')
    }
    expect(by.audit?.outcome).toBe('ok')
  })
})

describe('check of the exchange', () => {
  it('refuses another FHIR release', async () => {
    const { environment, exchange } = await startSetting()
    exchange.misbehave(() => ({
      kind: 'rewrite',
      change: (body) => ({ ...Object(body), fhirVersion: '3.0.2' }),
    }))
    const { passed, by } = await checked(environment)
    expect(passed).toBe(false)
    expect(by.exchange?.outcome).toBe('ok')
    expect(by['fhir version']).toMatchObject({
      outcome: 'fail',
      cure: expect.stringContaining('R4 or R5 endpoint'),
    })
  })

  it('says that a page of HTML is no FHIR server', async () => {
    const { environment, exchange } = await startSetting()
    exchange.misbehave(() => ({ kind: 'html' }))
    const { by, output } = await checked(environment)
    expect(by.exchange).toMatchObject({
      outcome: 'fail',
      cure: expect.stringContaining('FHIR_MCP_FHIR_BASE_URL'),
    })
    expect(output).not.toContain('Welcome')
  })

  it('warns when it is asked as something that it does not seem to be', async () => {
    const { environment } = await startSetting()
    const { passed, by } = await checked({ ...environment, FHIR_MCP_FHIR_DIALECT: 'jupyterhealth' })
    expect(passed).toBe(true)
    expect(by.dialect).toMatchObject({
      outcome: 'warn',
      cure: expect.stringContaining('FHIR_MCP_FHIR_DIALECT'),
    })
  })

  it('names a filter that the exchange ignores', async () => {
    const setting = await startSetting()
    setting.exchange.misbehave(({ path }) =>
      path.includes('/Observation') ? { kind: 'ignore', parameters: ['patient'] } : undefined,
    )
    const { passed, by } = await checked(await withToken(setting))
    expect(passed).toBe(false)
    expect(by.filters).toMatchObject({
      outcome: 'fail',
      found: expect.stringMatching(/^patient: ignored/),
      cure: expect.stringContaining('index that search parameter'),
    })
  })

  it('names each filter that is ignored beside those that are honoured', async () => {
    const setting = await startSetting()
    setting.exchange.misbehave(({ path, body }) =>
      path.includes('/Observation') && body.includes('_summary=count')
        ? { kind: 'ignore', parameters: ['date'] }
        : undefined,
    )
    const { by } = await checked(await withToken(setting))
    expect(by.filters?.found).toBe(
      'date (from), date (until): ignored by the exchange; patient, code: honoured.',
    )
  })

  it('warns when there is nothing to prove a filter with', async () => {
    const issuer = await startIssuer()
    const cohort = syntheticCohort().filter(({ resourceType }) => resourceType !== 'Observation')
    const exchange = await startExchange({ dialect: 'hapi', fhirVersion: 'R4', cohort })
    onTestFinished(async () => {
      await issuer.close()
      await exchange.close()
    })
    const { environment } = await startSetting()
    const own = { ...environment, FHIR_MCP_FHIR_BASE_URL: exchange.url, FHIR_MCP_AUTH_ISSUER: issuer.url }
    const { by } = await checked(await withToken({ issuer, exchange, environment: own }))
    expect(by.filters?.outcome).toBe('warn')
  })
})

describe('check of further issuers', () => {
  it('names the one whose metadata cannot be read, and is content with those that can be', async () => {
    const { environment } = await startSetting()
    const other = await startIssuer()
    onTestFinished(() => other.close())
    const issuers = (issuer: string) => ({ FHIR_MCP_AUTH_ISSUERS: JSON.stringify([{ issuer }]) })
    const good = await checked({ ...environment, ...issuers(other.url) })
    expect(good.by.issuer?.outcome).toBe('ok')
    const bad = await checked({ ...environment, ...issuers(`${other.url}/elsewhere`) })
    expect(bad.by.issuer).toMatchObject({ outcome: 'fail', found: expect.stringContaining('/elsewhere') })
  })
})

describe('check of rosters', () => {
  it('says which one the exchange refuses', async () => {
    const setting = await startSetting()
    setting.exchange.misbehave(({ path }) =>
      path.includes('study-b') ? { kind: 'status', status: 403 } : undefined,
    )
    const told = await checked(
      await withToken(setting, permissionsClaim({ studies: ['study-a', 'study-b'] })),
    )
    expect(told.passed).toBe(false)
    expect(told.by.rosters).toMatchObject({
      outcome: 'fail',
      found: expect.stringContaining('study study-b: FHIR_MCP_FORBIDDEN'),
      cure: expect.stringContaining('id in the claim'),
    })
    expect(told.by.filters?.outcome).toBe('ok')
  })

  it('warns of one beyond the limit, and of one with nobody in it', async () => {
    const setting = await startSetting()
    const small = { ...(await withToken(setting)), FHIR_MCP_ACCESS_ROSTER_LIMIT: '3' }
    expect((await checked(small)).by.rosters).toMatchObject({
      outcome: 'warn',
      found: 'study study-a: more than 3.',
      cure: expect.stringContaining('FHIR_MCP_ACCESS_ROSTER_LIMIT'),
    })
    const nobody = await withToken(setting, permissionsClaim({ studies: ['study-unknown'] }))
    expect((await checked(nobody)).by.rosters).toMatchObject({
      outcome: 'warn',
      cure: expect.stringContaining('ids of this exchange'),
    })
  })

  it('reads 20 and no more', async () => {
    const setting = await startSetting()
    const studies = Array.from({ length: 30 }, (_, n) => `study-${n}`)
    const { by } = await checked(await withToken(setting, permissionsClaim({ studies })))
    expect(by.rosters?.found).toContain('and 10 not looked at')
  })

  it('reads nothing where the record of it could not be kept', async () => {
    const setting = await startSetting()
    const path = join(temporaryFolder(), 'open.ndjson')
    writeFileSync(path, '', { mode: 0o644 })
    const { by } = await checked({ ...(await withToken(setting)), FHIR_MCP_AUDIT_PATH: path })
    expect(by.audit).toMatchObject({ outcome: 'fail', cure: expect.stringContaining('0600') })
    expect([by.rosters?.outcome, by.filters?.outcome]).toEqual(['skipped', 'skipped'])
    expect(setting.exchange.requests.every((request) => request.path.includes('/metadata'))).toBe(true)
  })
})

describe('check of the token', () => {
  it('says what its audience is and what it should be', async () => {
    const setting = await startSetting()
    const token = await withToken(setting, { ...permissionsClaim(), aud: 'somebody-else' })
    const { passed, by } = await checked(token)
    expect(passed).toBe(false)
    expect(by.audience).toMatchObject({
      outcome: 'fail',
      found: 'The token has somebody-else; expected is https://mcp.example.org/mcp.',
      cure: expect.stringContaining('FHIR_MCP_AUTH_AUDIENCE'),
    })
    expect([by.token?.outcome, by.claims?.outcome]).toEqual(['skipped', 'skipped'])
  })

  it('says that a token that is sent on has to be for the exchange too', async () => {
    const setting = await startSetting()
    const environment = await withToken(setting)
    const { by } = await checked({
      ...environment,
      FHIR_MCP_FHIR_CREDENTIALS: 'forward',
      FHIR_MCP_FHIR_AUDIENCE: 'https://exchange.example.org',
    })
    expect(by.audience?.found).toContain('has to hold https://exchange.example.org as well')
  })

  it('says that no audience is configured', async () => {
    const { environment } = await startSetting()
    const { FHIR_MCP_AUTH_AUDIENCE: _, ...others } = environment
    expect((await checked(others)).by.audience).toMatchObject({
      outcome: 'fail',
      cure: expect.stringContaining('FHIR_MCP_PUBLIC_URL'),
    })
  })

  it('says that serve needs the audience of what it sends on', async () => {
    const { environment } = await startSetting()
    const { by } = await checked({ ...environment, FHIR_MCP_FHIR_CREDENTIALS: 'forward' })
    expect(by.audience).toMatchObject({
      outcome: 'fail',
      cure: expect.stringContaining('FHIR_MCP_FHIR_AUDIENCE'),
    })
  })

  it('tells an expired one from one that is not accepted', async () => {
    const setting = await startSetting()
    const expired = await checked(await withToken(setting, permissionsClaim(), { expiresIn: -60 }))
    expect(expired.by.token).toMatchObject({
      outcome: 'fail',
      found: expect.stringContaining('FHIR_MCP_TOKEN_EXPIRED'),
      cure: expect.stringContaining('Get a new one'),
    })
    const another = await checked(await withToken(setting, permissionsClaim(), { typ: 'JWT' }))
    expect(another.by.token).toMatchObject({
      found: expect.stringContaining('FHIR_MCP_TOKEN_INVALID'),
      cure: expect.stringContaining('FHIR_MCP_AUTH_TOKEN_TYPES'),
    })
  })

  it('says that the claim is missing, and that it is empty', async () => {
    const setting = await startSetting()
    const missing = await checked(await withToken(setting, {}))
    expect(missing.passed).toBe(false)
    expect(missing.by.token?.outcome).toBe('ok')
    expect(missing.by.claims).toMatchObject({
      outcome: 'fail',
      found: 'jhe_permissions is not there, or not readable, in jwt.',
      cure: expect.stringContaining('docs/claims.md'),
    })
    const unreadable = await checked(
      await withToken(setting, { jhe_permissions: { studies: [{ id: 'secret value' }], organizations: [] } }),
    )
    expect(unreadable.by.claims).toMatchObject({
      outcome: 'fail',
      found:
        'A claim is there, but it cannot be read: the first wrong element is jhe_permissions.studies[0].id.',
    })
    expect(JSON.stringify(unreadable)).not.toContain('secret value')
    const empty = await checked(await withToken(setting, permissionsClaim()))
    expect(empty.by.claims).toMatchObject({ outcome: 'warn', cure: expect.stringContaining('sees nothing') })
    expect([empty.by.rosters?.outcome, empty.by.filters?.outcome]).toEqual(['skipped', 'skipped'])
  })

  it('says by how much the clock is off', async () => {
    const setting = await startSetting()
    const late = () => Date.now() + 120_000
    const { passed, by } = await checked(setting.environment, late)
    expect(passed).toBe(false)
    expect(by.clock).toMatchObject({
      outcome: 'fail',
      found: expect.stringMatching(/the issuer's is 1(19|20|21) s behind/),
      cure: expect.stringContaining('NTP'),
    })
  })

  it('tries the credential, and says what the token endpoint refused', async () => {
    const setting = await startSetting()
    const endpoint = await startTokenEndpoint(() => issued('t'))
    const environment = {
      ...(await withToken(setting)),
      FHIR_MCP_FHIR_CREDENTIALS: 'token-exchange',
      FHIR_MCP_FHIR_AUDIENCE: 'fhir-server',
      FHIR_MCP_FHIR_CLIENT_TOKEN_URL: endpoint.url,
      FHIR_MCP_FHIR_CLIENT_ID: 'us',
      FHIR_MCP_FHIR_CLIENT_SECRET: 'the-secret',
    }
    expect((await checked(environment)).by.credential).toMatchObject({
      outcome: 'ok',
      found: 'The token endpoint gives one, by token-exchange.',
    })
    const always = await startTokenEndpoint(() => ({
      status: 400,
      body: { error: 'invalid_target', error_description: 'words-of-the-endpoint' },
    }))
    const refused = await checked({ ...environment, FHIR_MCP_FHIR_CLIENT_TOKEN_URL: always.url })
    expect(refused.by.credential).toMatchObject({
      outcome: 'fail',
      found: expect.stringContaining('HTTP status 400, OAuth error invalid_target.'),
      cure: expect.stringContaining('FHIR_MCP_FHIR_AUDIENCE'),
    })
    expect(refused.output).not.toContain('words-of-the-endpoint')
  })

  it('tells a clock that is off by the token, where the issuer says no time', async () => {
    const setting = await startSetting()
    const environment = await withToken(setting)
    await setting.issuer.close()
    const slow = await checked(environment, () => Date.now() - 120_000)
    expect(slow.by.clock).toMatchObject({
      outcome: 'fail',
      found: expect.stringMatching(/the token was issued 1(19|20) s in the future/),
      cure: expect.stringContaining('NTP'),
    })
    // The control: a token that was issued just now, or some time ago, says nothing of clocks.
    const fast = await checked(environment, () => Date.now() + 30_000)
    expect(fast.by.clock?.outcome).toBe('ok')
  })

  it('says that no key of the issuer fits', async () => {
    const { environment } = await startSetting()
    const keys = await startExchange({ dialect: 'hapi', fhirVersion: 'R4' })
    onTestFinished(() => keys.close())
    keys.misbehave(() => ({ kind: 'status', status: 200, body: { keys: [{ kty: 'EC', crv: 'P-521' }] } }))
    const only = { ...environment, FHIR_MCP_AUTH_JWKS_URI: `${keys.origin}/jwks` }
    expect((await checked(only)).by.keys).toMatchObject({
      outcome: 'fail',
      cure: expect.stringContaining('FHIR_MCP_AUTH_ALGORITHMS'),
    })
  })
})

describe('check of a sign-in', () => {
  it('looks at the token that login kept', async () => {
    const upstream = await startUpstream()
    onTestFinished(() => upstream.close())
    const variables: Record<string, string> = {
      ...jupyterHealthVariables(upstream, temporaryFolder()),
      FHIR_MCP_AUDIT_PATH: join(temporaryFolder(), 'audit.ndjson'),
    }
    expect((await checked(variables)).by.token?.outcome).toBe('skipped')
    const openBrowser = async (url: string) => void (await createBrowser().signIn(url))
    expect((await finished(['login'], variables, openBrowser)).code).toBe(0)
    const { by, output } = await checked(variables)
    expect(by.issuer?.outcome).toBe('ok')
    expect(by.token?.outcome).toBe('ok')
    expect(by.claims?.found).toMatch(/^2 studies, /)
    expect(by.exchange?.outcome).toBe('fail')
    for (const secret of upstream.secrets) expect(output).not.toContain(secret)
    if (process.platform === 'win32') return
    chmodSync(variables.FHIR_MCP_LOGIN_FOLDER ?? '', 0o755)
    const open = await checked(variables)
    expect(open.by.token).toMatchObject({ outcome: 'fail', found: expect.stringContaining('0700') })
    expect(open.by.claims?.outcome).toBe('skipped')
  })

  it('looks at the upstream of the broker, whose tokens only the server has', async () => {
    const standalone = await startStandalone()
    const environment = {
      ...standalone.environment,
      FHIR_MCP_AUDIT_PATH: join(temporaryFolder(), 'audit.ndjson'),
    }
    const { passed, by } = await checked(environment)
    expect(passed).toBe(true)
    expect([by.issuer?.outcome, by.keys?.outcome, by.dialect?.found]).toEqual([
      'ok',
      'ok',
      'jupyterhealth, by its metadata.',
    ])
    expect(by.token?.outcome).toBe('skipped')
    const nowhere = { ...environment, FHIR_MCP_BROKER_UPSTREAM_ISSUER: 'http://127.0.0.1:9' }
    expect((await checked(nowhere)).by.issuer).toMatchObject({
      outcome: 'fail',
      cure: expect.stringContaining('FHIR_MCP_BROKER_UPSTREAM_ISSUER'),
    })
  })
})

describe('check of what is beside', () => {
  it('asks Redis where one is configured', async () => {
    const { environment } = await startSetting()
    const redis = await startRedisStub()
    onTestFinished(() => redis.close())
    expect((await checked({ ...environment, FHIR_MCP_LIMITS_REDIS: redis.url })).by.redis?.outcome).toBe('ok')
    await redis.close()
    const { by, output } = await checked({
      ...environment,
      FHIR_MCP_LIMITS_REDIS: redis.url.replace('redis://', 'redis://:s3cret@'),
    })
    expect(by.redis).toMatchObject({
      outcome: 'fail',
      found: 'What FHIR_MCP_LIMITS_REDIS names does not answer.',
    })
    expect(output).not.toContain('s3cret')
  })

  it('asks the server for AuditEvents, and warns when nothing is recorded', async () => {
    const { environment, exchange } = await startSetting()
    const fhir = { ...environment, FHIR_MCP_AUDIT_SINK: 'fhir', FHIR_MCP_AUDIT_FHIR_BASE_URL: exchange.url }
    expect((await checked(fhir)).by.audit?.outcome).toBe('ok')
    const nowhere = { ...fhir, FHIR_MCP_AUDIT_FHIR_BASE_URL: 'http://127.0.0.1:9/fhir' }
    expect((await checked(nowhere)).by.audit?.outcome).toBe('fail')
    const { FHIR_MCP_AUDIT_PATH: _, ...others } = environment
    expect((await checked({ ...others, FHIR_MCP_AUDIT_SINK: 'off' })).by.audit?.outcome).toBe('warn')
  })
})
