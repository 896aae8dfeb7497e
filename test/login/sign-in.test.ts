import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readEnvironment } from '../../src/config/env.ts'
import { freePort } from '../../src/demo/gateway.ts'
import { loginSettings } from '../../src/login/settings.ts'
import { type SignIn, signInByBrowser, signInByDevice, signInByPaste } from '../../src/login/sign-in.ts'
import { createBrowser, type Page } from './browser.ts'
import { confidentialVariables, finished, jupyterHealthVariables, start, temporaryFolder } from './machine.ts'
import { startUpstream, type Upstream, type UpstreamOptions } from './upstream.ts'

async function upstreamWith(options?: UpstreamOptions): Promise<Upstream> {
  const upstream = await startUpstream(options)
  onTestFinished(() => upstream.close())
  return upstream
}

const ada = [
  'subject        ada',
  'studies        2: 30006, 30007',
  'organizations  1: 20009 Northlake Clinic (manager)',
]

/** A browser that signs ada in where it is opened, and keeps what it saw. */
function someoneAt(pages: Promise<Page>[], person = 'ada') {
  return async (url: string) => {
    pages.push(createBrowser().signIn(url, { person }))
  }
}

describe('login in the browser', () => {
  it.each([
    ['a public client', {}, 'assistant'],
    ['a confidential client', confidentialVariables, 'gateway'],
  ])('signs in at a JupyterHealth Exchange with %s', async (_, more, client) => {
    const upstream = await upstreamWith()
    const environment = { ...jupyterHealthVariables(upstream, temporaryFolder()), ...more }
    const pages: Promise<Page>[] = []
    const { code, stdout, stderr } = await finished(['login'], environment, someoneAt(pages))
    expect([code, stdout.split('\n')[0]]).toEqual([0, 'Signed in.'])
    for (const line of [...ada, `client         ${client}`]) expect(stdout).toContain(line)
    expect(stderr).toMatch(
      /^Sign in in your browser; where it does not open, visit http:\/\/127\.0\.0\.1:\S+\n$/,
    )
    const whoami = await finished(['whoami'], environment)
    expect(whoami).toMatchObject({ code: 0, stderr: '' })
    for (const line of ada) expect(whoami.stdout).toContain(line)
  })

  it('asks for a code with PKCE, a state, a nonce and a loopback redirect', async () => {
    const upstream = await upstreamWith()
    let asked = new URLSearchParams()
    await finished(['login'], jupyterHealthVariables(upstream, temporaryFolder()), async (url) => {
      asked = new URL(url).searchParams
      await createBrowser().signIn(url)
    })
    expect(asked.get('redirect_uri')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/)
    expect(Object.fromEntries(asked)).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      client_id: 'assistant',
      scope: 'openid',
    })
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(asked.get(name)).toMatch(/^[\w-]{43}$/)
    }
    expect(asked.has('resource')).toBe(false)
  })

  it('ends on a page that says that it worked and nothing more', async () => {
    const upstream = await upstreamWith()
    const pages: Promise<Page>[] = []
    await finished(['login'], jupyterHealthVariables(upstream, temporaryFolder()), someoneAt(pages))
    const page = await pages[0]
    expect(page?.status).toBe(200)
    expect(
      page?.body
        .replace(/<(style|script)>.*?<\/\1>/g, '')
        .replace(/<[^>]+>/g, ' ')
        .trim()
        .split(/\s+/),
    ).toEqual('Signed in Signed in You are signed in. You can close this page.'.split(' '))
    expect(page?.headers.get('cache-control')).toBe('no-store')
    expect(page?.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/)
    expect(page?.headers.get('referrer-policy')).toBe('no-referrer')
  })

  it('keeps the tokens in a file of the owner alone, in a folder of the owner alone', async () => {
    const upstream = await upstreamWith()
    const environment = jupyterHealthVariables(upstream, temporaryFolder())
    await finished(['login'], environment, someoneAt([]))
    const folder = environment.FHIR_MCP_LOGIN_FOLDER ?? ''
    const [file = '', ...others] = readdirSync(folder)
    expect(others).toEqual([])
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600)
  })

  it('keeps one entry for each issuer and client', async () => {
    const [one, other] = [
      await upstreamWith(),
      await upstreamWith({ people: { bob: { jhe_permissions: { studies: [], organizations: [] } } } }),
    ]
    const folder = temporaryFolder()
    const first = jupyterHealthVariables(one, folder)
    const second = jupyterHealthVariables(other, folder)
    await finished(['login'], first, someoneAt([]))
    await finished(['login'], { ...first, ...confidentialVariables }, someoneAt([]))
    await finished(['login'], second, someoneAt([], 'bob'))
    expect(readdirSync(first.FHIR_MCP_LOGIN_FOLDER ?? '')).toHaveLength(3)
    expect((await finished(['whoami'], first)).stdout).toContain('client         assistant')
    const bob = (await finished(['whoami'], second)).stdout
    expect(bob).toContain('subject        bob')
    expect(bob).toContain('studies        none')
  })

  it('signs in where access tokens are JWTs for a resource, with offline access and the scopes of the tools', async () => {
    const resource = 'http://127.0.0.1:8765/mcp'
    const scopes = [
      ...['openid', 'offline_access', 'user/Patient.rs', 'user/Observation.rs'],
      ...['user/Device.rs', 'user/Condition.rs'],
    ]
    const upstream = await upstreamWith({ resource, scopes })
    const environment = {
      ...jupyterHealthVariables(upstream, temporaryFolder()),
      FHIR_MCP_FHIR_CREDENTIALS: 'none',
      FHIR_MCP_AUTH_SOURCES: 'jwt',
      FHIR_MCP_AUTH_AUDIENCE: resource,
      FHIR_MCP_FHIR_TYPES: 'Condition',
    }
    let asked = new URLSearchParams()
    const { code, stdout } = await finished(['login'], environment, async (url) => {
      asked = new URL(url).searchParams
      await createBrowser().signIn(url)
    })
    expect([code, asked.get('resource'), asked.get('prompt')]).toEqual([0, resource, 'consent'])
    expect(asked.get('scope')).toBe(
      'openid offline_access user/Patient.rs user/Observation.rs user/Condition.rs',
    )
    for (const line of ada) expect(stdout).toContain(line)
  })

  it('signs in at a provider in the style of Keycloak: JWTs of type JWT for a name that is no URI', async () => {
    const upstream = await upstreamWith({ audience: 'fhir-mcp' })
    const environment = {
      ...jupyterHealthVariables(upstream, temporaryFolder()),
      FHIR_MCP_FHIR_CREDENTIALS: 'none',
      FHIR_MCP_AUTH_SOURCES: 'jwt',
      FHIR_MCP_AUTH_AUDIENCE: 'fhir-mcp',
      FHIR_MCP_AUTH_TOKEN_TYPES: 'at+jwt,JWT',
    }
    const { code, stdout, stderr } = await finished(['login'], environment, someoneAt([]))
    expect(code, stderr).toBe(0)
    for (const line of ada) expect(stdout).toContain(line)
    const strict = { ...environment, FHIR_MCP_AUTH_TOKEN_TYPES: 'at+jwt' }
    expect((await finished(['login'], strict, someoneAt([]))).stderr).toContain('auth.tokenTypes')
  })

  it('asks for the scopes, the port and no resource as configured', async () => {
    const port = await freePort()
    const redirectUri = `http://127.0.0.1:${port}/callback`
    const upstream = await upstreamWith({ redirectUris: [redirectUri] })
    const environment = {
      ...jupyterHealthVariables(upstream, temporaryFolder()),
      FHIR_MCP_AUTH_AUDIENCE: 'https://mcp.example.org/mcp',
      FHIR_MCP_LOGIN_SCOPE: 'openid email',
      FHIR_MCP_LOGIN_RESOURCE: 'none',
      FHIR_MCP_LOGIN_PORT: String(port),
    }
    let asked = new URLSearchParams()
    const { code } = await finished(['login'], environment, async (url) => {
      asked = new URL(url).searchParams
      await createBrowser().signIn(url)
    })
    expect([code, asked.get('scope'), asked.has('resource')]).toEqual([0, 'openid email', false])
    expect(asked.get('redirect_uri')).toBe(redirectUri)
  })

  it('sends the secret in the form where the issuer takes it only there', async () => {
    const upstream = await upstreamWith({ clientAuth: 'client_secret_post' })
    const environment = { ...jupyterHealthVariables(upstream, temporaryFolder()), ...confidentialVariables }
    expect((await finished(['login'], environment, someoneAt([]))).code).toBe(0)
  })

  it('says what went wrong, on the page and in the terminal, and keeps nothing', async () => {
    const nobody = { people: { ada: { email: 'ada@example.org' } } }
    const cases: [UpstreamOptions, Record<string, string>, string, string][] = [
      [
        {},
        {},
        'stranger',
        'FHIR_MCP_UNAUTHENTICATED: Sign in first: the request has no access token. The sign-in was denied.',
      ],
      [nobody, {}, 'ada', 'FHIR_MCP_NO_PERMISSIONS: The token carries no readable permissions.'],
      [
        {},
        { ...confidentialVariables, FHIR_MCP_LOGIN_CLIENT_SECRET: 'wrong' },
        'ada',
        'The issuer does not accept this client',
      ],
    ]
    for (const [options, more, person, words] of cases) {
      const upstream = await upstreamWith(options)
      const environment = { ...jupyterHealthVariables(upstream, temporaryFolder()), ...more }
      const pages: Promise<Page>[] = []
      const { code, stdout, stderr } = await finished(['login'], environment, someoneAt(pages, person))
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toContain(words)
      const page = await pages[0]
      expect(page?.status).toBe(400)
      expect(page?.body).toContain(words)
      expect((await finished(['whoami'], environment)).stderr).toContain('FHIR_MCP_UNAUTHENTICATED')
    }
  })

  it('says when the issuer is not there, is no issuer, or is down', async () => {
    const upstream = await upstreamWith()
    const environment = jupyterHealthVariables(upstream, temporaryFolder())
    const elsewhere = { ...environment, FHIR_MCP_AUTH_ISSUER: 'http://127.0.0.1:9' }
    expect((await finished(['login'], elsewhere)).stderr).toContain('FHIR_MCP_ISSUER_UNAVAILABLE')
    const noIssuer = { ...environment, FHIR_MCP_AUTH_ISSUER: `${upstream.url}/o` }
    expect((await finished(['login'], noIssuer)).stderr).toContain('FHIR_MCP_ISSUER_UNAVAILABLE')
    upstream.failWith(503)
    const down = await finished(['login'], environment, someoneAt([]))
    expect(down.stderr).toContain('FHIR_MCP_ISSUER_UNAVAILABLE')
    expect((await finished(['login'], environment, someoneAt([]))).code).toBe(0)
  })

  it('ends when it is asked to stop, and when the port is taken', async () => {
    const upstream = await upstreamWith()
    const environment = jupyterHealthVariables(upstream, temporaryFolder())
    const running = start(['login'], environment)
    const url = await running.shown(/visit (\S+)\n/)
    const port = new URL(new URL(url).searchParams.get('redirect_uri') ?? '').port
    const second = await finished(['login'], { ...environment, FHIR_MCP_LOGIN_PORT: port })
    expect(second.stderr).toContain(`FHIR_MCP_LOGIN_PORT ${port} cannot be listened on`)
    running.stop()
    expect(await running.code).toBe(1)
    expect(running.written().stderr).toContain('The sign-in was stopped.')
    await expect(fetch(`http://127.0.0.1:${port}/callback`)).rejects.toThrow()
  })

  it('takes a browser that cannot be opened for one that is elsewhere on this machine', async () => {
    const upstream = await upstreamWith()
    const running = start(['login'], jupyterHealthVariables(upstream, temporaryFolder()), async () => {
      throw new Error('no display')
    })
    await createBrowser().signIn(await running.shown(/visit (\S+)\n/))
    expect(await running.code).toBe(0)
  })
})

describe('login with a browser elsewhere', () => {
  it('takes the address that the browser ended on', async () => {
    const upstream = await upstreamWith()
    const running = start(
      ['login', '--no-browser'],
      jupyterHealthVariables(upstream, temporaryFolder()),
      async () => {
        throw new Error('a browser was opened')
      },
    )
    const redirect = await createBrowser().redirectOf(await running.shown(/Sign in at (\S+)\n/))
    await expect(fetch(redirect)).rejects.toThrow()
    running.stdin.write(`  ${redirect.href}\n`)
    expect(await running.code).toBe(0)
    for (const line of ada) expect(running.written().stdout).toContain(line)
  })

  it('refuses an address of another place, of another sign-in, or none', async () => {
    const upstream = await upstreamWith()
    const environment = jupyterHealthVariables(upstream, temporaryFolder())
    const cases: [(redirect: URL) => string, string][] = [
      [() => 'not an address', 'The address must begin with http://127.0.0.1:'],
      [() => '', 'The address must begin with'],
      [(redirect) => redirect.href.replace('/callback', '/other'), 'The address must begin with'],
      [(redirect) => redirect.href.replace('127.0.0.1', 'localhost'), 'The address must begin with'],
      [(redirect) => redirect.href.replace(/state=[^&]+/, 'state=mine'), 'does not belong to this sign-in'],
      [
        (redirect) => redirect.href.replace(/iss=[^&]+/, 'iss=http://evil.example'),
        'does not belong to this sign-in',
      ],
    ]
    for (const [changed, words] of cases) {
      const running = start(['login', '--no-browser'], environment)
      const redirect = await createBrowser().redirectOf(await running.shown(/Sign in at (\S+)\n/))
      running.stdin.write(`${changed(redirect)}\n`)
      expect(await running.code).toBe(1)
      expect(running.written().stderr).toContain(words)
    }
    const ended = start(['login', '--no-browser'], environment)
    await ended.shown(/Paste/)
    ended.stdin.end()
    expect(await ended.code).toBe(1)
    const stopped = start(['login', '--no-browser'], environment)
    await stopped.shown(/Paste/)
    stopped.stop()
    expect(await stopped.code).toBe(1)
    expect(stopped.written().stderr).toContain('The sign-in was stopped.')
    expect((await finished(['whoami'], environment)).code).toBe(1)
  })
})

describe('login on another device', () => {
  it('shows a page and a code, and waits for somebody to enter it', async () => {
    const upstream = await upstreamWith({ deviceFlow: true })
    const running = start(['login', '--device'], jupyterHealthVariables(upstream, temporaryFolder()))
    const page = await running.shown(/visit (\S+) and/)
    const code = await running.shown(/enter the code (\S+)\n/)
    await createBrowser().answerDevice(page, code, 'ada')
    expect(await running.code).toBe(0)
    for (const line of ada) expect(running.written().stdout).toContain(line)
    expect(upstream.deviceRequests).toEqual([
      expect.objectContaining({ code_challenge: expect.any(String), code_challenge_method: 'S256' }),
    ])
  })

  it('says that the issuer does not allow it to this client', async () => {
    const upstream = await upstreamWith({ deviceFlow: true, deviceGrantClosed: true })
    const refused = await finished(['login', '--device'], jupyterHealthVariables(upstream, temporaryFolder()))
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('does not let this client sign in by a code (device grant)')
  })

  it('says when the person says no, when it is stopped, and where the issuer does not offer it', async () => {
    const upstream = await upstreamWith({ deviceFlow: true })
    const environment = jupyterHealthVariables(upstream, temporaryFolder())
    const running = start(['login', '--device'], environment)
    const page = await running.shown(/visit (\S+) and/)
    const code = await running.shown(/enter the code (\S+)\n/)
    await createBrowser().answerDevice(page, code, undefined)
    expect(await running.code).toBe(1)
    expect(running.written().stderr).toContain('The sign-in was denied.')
    const stopped = start(['login', '--device'], environment)
    await stopped.shown(/enter the code/)
    stopped.stop()
    expect(await stopped.code).toBe(1)
    expect(stopped.written().stderr).toContain('The sign-in was stopped.')
    const without = jupyterHealthVariables(await upstreamWith(), temporaryFolder())
    const refused = await finished(['login', '--device'], without)
    expect(refused.stderr).toContain('The issuer does not offer the device grant; use login --no-browser.')
  })
})

describe('a sign-in that nobody comes to', () => {
  const settingsOf = async (options: UpstreamOptions) => {
    const upstream = await upstreamWith(options)
    const settings = loginSettings(readEnvironment(jupyterHealthVariables(upstream, temporaryFolder())))
    if (settings === undefined) throw new Error('no client')
    return settings
  }
  const never = () => new Promise<never>(() => undefined)
  const untilAborted = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

  it.each<[string, SignIn]>([
    ['in the browser', signInByBrowser(async () => undefined)],
    ['elsewhere', signInByPaste(untilAborted)],
    ['on another device', signInByDevice],
  ])('%s is given up', async (_, signIn) => {
    const settings = await settingsOf({ deviceFlow: true })
    const lines: string[] = []
    const parts = { settings, tell: (line: string) => void lines.push(line), patience: 1 }
    const { signal } = new AbortController()
    await expect(signIn(parts, never, signal)).rejects.toMatchObject({
      code: 'FHIR_MCP_UNAUTHENTICATED',
      detail: 'Nobody signed in in time.',
    })
    await expect(signIn({ ...parts, patience: 60_000 }, never, AbortSignal.abort())).rejects.toMatchObject({
      detail: 'The sign-in was stopped.',
    })
  })

  it('writes no code of an issuer that a terminal would obey', async () => {
    const settings = await settingsOf({ deviceFlow: true, userCode: '\u001b[2JABCD' })
    const lines: string[] = []
    const parts = { settings, tell: (line: string) => void lines.push(line), patience: 60_000 }
    await expect(signInByDevice(parts, never, new AbortController().signal)).rejects.toMatchObject({
      code: 'FHIR_MCP_TOKEN_INVALID',
    })
    expect(lines).toEqual([])
  })
})

describe('an ID token that is encrypted', () => {
  it('is called what it is', async () => {
    const upstream = await upstreamWith({ encryptedIdTokens: true })
    const environment = jupyterHealthVariables(upstream, temporaryFolder())
    const refused = await finished(['login'], environment, someoneAt([]))
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('The issuer encrypts the ID tokens of this client')
  })
})

describe('logout', () => {
  it.each([
    ['where the metadata say', {}],
    ['beside its token endpoint, as a JupyterHealth Exchange does', { unnamedRevocation: true }],
  ])('revokes the tokens at the issuer, %s, and removes them', async (_, options) => {
    const upstream = await upstreamWith(options)
    const environment = jupyterHealthVariables(upstream, temporaryFolder())
    await finished(['login'], environment, someoneAt([]))
    const folder = environment.FHIR_MCP_LOGIN_FOLDER ?? ''
    const [file = ''] = readdirSync(folder)
    const { accessToken } = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    expect(upstream.isActive(accessToken)).toBe(true)
    expect((await finished(['logout'], environment)).stdout).toBe(
      'Signed out: the tokens are revoked and removed.\n',
    )
    expect(upstream.isActive(accessToken)).toBe(false)
    expect(readdirSync(folder)).toEqual([])
    expect((await finished(['logout'], environment)).stdout).toBe('Nobody was signed in.\n')
  })

  it('removes them where the issuer cannot revoke, and says so', async () => {
    for (const stop of [true, false]) {
      const upstream = await upstreamWith(stop ? {} : { revocation: false })
      const environment = jupyterHealthVariables(upstream, temporaryFolder())
      await finished(['login'], environment, someoneAt([]))
      if (stop) await upstream.close()
      expect((await finished(['logout'], environment)).stdout).toContain('removed here, but not revoked')
      expect(readdirSync(environment.FHIR_MCP_LOGIN_FOLDER ?? '')).toEqual([])
    }
  })
})

describe('whoami', () => {
  it('tells whose the token of the environment is', async () => {
    const upstream = await upstreamWith()
    const environment = jupyterHealthVariables(upstream, temporaryFolder())
    await finished(['login'], environment, someoneAt([]))
    const folder = environment.FHIR_MCP_LOGIN_FOLDER ?? ''
    const [file = ''] = readdirSync(folder)
    const { accessToken, idToken } = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    const { FHIR_MCP_LOGIN_CLIENT_ID: client = '', ...rest } = environment
    const given = {
      FHIR_MCP_ACCESS_TOKEN: accessToken,
      FHIR_MCP_ID_TOKEN: idToken,
      FHIR_MCP_AUTH_CLIENTS: client,
    }
    const { code, stdout } = await finished(['whoami'], { ...rest, ...given })
    expect(code).toBe(0)
    for (const line of ada) expect(stdout).toContain(line)
  })

  it('writes nothing of the issuer that a terminal would obey', async () => {
    const obeyed = '\u001b[2J\u0007'
    const organizations = [{ id: '1', name: `Clinic${obeyed}`, role: `member${obeyed}` }]
    const jhe_permissions = { studies: [], organizations }
    const upstream = await upstreamWith({ people: { ada: { jhe_permissions } } })
    const environment = jupyterHealthVariables(upstream, temporaryFolder())
    const { stdout } = await finished(['login'], environment, someoneAt([]))
    expect(stdout).toContain('1 Clinic [2J (member [2J)')
    expect(stdout).not.toContain('\u001b')
  })

  it('needs a client', async () => {
    const upstream = await upstreamWith()
    const { FHIR_MCP_LOGIN_CLIENT_ID: _, ...without } = jupyterHealthVariables(upstream, temporaryFolder())
    for (const command of ['login', 'logout', 'whoami']) {
      expect((await finished([command], without)).stderr).toContain('FHIR_MCP_LOGIN_CLIENT_ID is required.')
    }
  })
})
