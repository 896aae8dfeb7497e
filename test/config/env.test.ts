import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  brokerSettingsOf,
  brokerVariables,
  commandVariables,
  optionVariables,
  readEnvironment,
  valuesOf,
} from '../../src/config/env.ts'

const enough = {
  FHIR_MCP_FHIR_BASE_URL: 'https://fhir.example.org/fhir',
  FHIR_MCP_FHIR_CREDENTIALS: 'none',
  FHIR_MCP_AUTH_ISSUER: 'https://login.example.org',
}

const read = (more: Record<string, string> = {}) => readEnvironment({ ...enough, ...more })

function fileWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'fhir-mcp-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'secret')
  writeFileSync(path, text)
  return path
}

describe('the variables', () => {
  it('are named after the options', () => {
    const names = optionVariables.map(({ name }) => name)
    expect(names).toEqual(
      expect.arrayContaining([
        'FHIR_MCP_FHIR_BASE_URL',
        'FHIR_MCP_AUTH_JWKS_URI',
        'FHIR_MCP_AUTH_INTROSPECTION_CLIENT_SECRET',
        'FHIR_MCP_ACCESS_ENROLLED_R5_NOT_ENROLLED',
        'FHIR_MCP_RESULTS_CURSOR_KEY',
        'FHIR_MCP_PUBLIC_URL',
      ]),
    )
    expect(new Set(names).size).toBe(names.length)
  })

  it('have defaults for everything but three', () => {
    const { options } = read()
    expect(options).toMatchObject({
      fhir: { dialect: 'auto', connections: 10 },
      access: {
        rosterSeconds: 60,
        enrolled: {
          r4: ['on-study', 'on-study-intervention', 'on-study-observation', 'follow-up', 'off-study'],
        },
      },
      path: '/mcp',
      sse: true,
    })
    expect(() => readEnvironment({})).toThrow('FHIR_MCP_FHIR_BASE_URL is required')
    expect(optionVariables.filter(({ leaf }) => leaf.required).map(({ name }) => name)).toEqual(
      Object.keys(enough),
    )
  })

  it('carry texts, numbers, booleans, lists and objects', () => {
    const { options } = read({
      FHIR_MCP_FHIR_CONNECTIONS: '4',
      FHIR_MCP_AUTH_CLOCK_TOLERANCE: '2.5',
      FHIR_MCP_SSE: 'false',
      FHIR_MCP_AUTH_SOURCES: 'introspection, userinfo',
      FHIR_MCP_AUTH_AUDIENCE: 'https://a.example.org, https://b.example.org',
      FHIR_MCP_AUTH_INTROSPECTION_URL: 'https://login.example.org/introspect',
      FHIR_MCP_AUTH_INTROSPECTION_CLIENT_ID: 'us',
      FHIR_MCP_AUTH_INTROSPECTION_CLIENT_SECRET: 'a,b',
      FHIR_MCP_AUTH_SUPERUSER_CLAIM: 'is_superuser',
      FHIR_MCP_AUTH_SUPERUSER_VALUE: 'true',
      FHIR_MCP_ACCESS_ROLES: '{"viewer":["list_studies"]}',
      FHIR_MCP_ALLOWED_HOSTS: '',
      OTHER: 'passed over',
    })
    expect(options).toMatchObject({
      fhir: { connections: 4 },
      auth: {
        clockTolerance: 2.5,
        sources: ['introspection', 'userinfo'],
        audience: ['https://a.example.org', 'https://b.example.org'],
        introspection: { clientSecret: 'a,b' },
        superuser: { claim: 'is_superuser', value: true },
      },
      access: { roles: { viewer: ['list_studies'] } },
      sse: false,
      allowedHosts: [],
    })
    expect(read({ FHIR_MCP_AUTH_AUDIENCE: 'one' }).options.auth.audience).toBe('one')
    const admins = { FHIR_MCP_AUTH_SUPERUSER_CLAIM: 'role', FHIR_MCP_AUTH_SUPERUSER_VALUE: 'admin' }
    expect(read(admins).options.auth.superuser).toEqual({ claim: 'role', value: 'admin' })
  })

  it('may be files', () => {
    const path = fileWith('very-secret\n')
    const { options, command } = read({
      FHIR_MCP_AUTH_CLAIM_FILE: path,
      FHIR_MCP_ACCESS_TOKEN_FILE: path,
      FHIR_MCP_PORT: '1234',
    })
    expect(options.auth.claim).toBe('very-secret')
    expect(command).toEqual({ FHIR_MCP_ACCESS_TOKEN: 'very-secret', FHIR_MCP_PORT: '1234' })
  })
})

describe('the variables of the broker', () => {
  const key = { kty: 'EC', alg: 'ES256', kid: 'one', d: 'secret' }
  const required = {
    FHIR_MCP_BROKER_UPSTREAM_ISSUER: 'https://exchange.example.org/o',
    FHIR_MCP_BROKER_UPSTREAM_CLIENT_ID: 'gateway',
    FHIR_MCP_BROKER_KEYS: JSON.stringify(key),
    FHIR_MCP_BROKER_COOKIE_SECRETS: 'a-cookie-secret-of-32-characters',
    FHIR_MCP_BROKER_ENCRYPTION_KEY: 'one',
  }
  const settings = (more: Record<string, string> = {}) =>
    brokerSettingsOf(valuesOf({ ...required, ...more }), 'https://gateway.example.org')

  it('are named after its options, with its address from the plugin', () => {
    const names = brokerVariables.map(({ name }) => name)
    expect(names).toEqual(
      expect.arrayContaining([
        'FHIR_MCP_BROKER_PATH',
        'FHIR_MCP_BROKER_UPSTREAM_CLIENT_SECRET',
        'FHIR_MCP_BROKER_CLAIMS_INTROSPECTION_CLIENT_SECRET',
        'FHIR_MCP_BROKER_STORAGE_REDIS',
        'FHIR_MCP_BROKER_STORAGE_PREFIX',
        'FHIR_MCP_BROKER_REGISTRATION_LIMIT',
      ]),
    )
    expect(names.join(' ')).not.toMatch(/PUBLIC_URL|RESOURCE/)
    const others = [...optionVariables.map(({ name }) => name), ...Object.keys(commandVariables)]
    expect(new Set([...names, ...others]).size).toBe(names.length + others.length)
    expect(brokerVariables.filter(({ leaf }) => leaf.required).map(({ name }) => name)).toEqual(
      Object.keys(required),
    )
    expect(brokerVariables.filter(({ leaf }) => leaf.description === undefined)).toEqual([])
  })

  it('are for serve alone: the plugin has none of them', () => {
    expect(brokerSettingsOf(valuesOf(enough), 'https://gateway.example.org')).toBeUndefined()
    expect(read(required).options).toEqual(read().options)
  })

  it('carry keys, storage and lists', () => {
    expect(settings()).toMatchObject({
      publicUrl: 'https://gateway.example.org',
      path: '/oauth',
      keys: [key],
      cookieSecrets: [required.FHIR_MCP_BROKER_COOKIE_SECRETS],
      encryptionKey: 'one',
      storage: 'memory',
      claims: { sources: ['id_token'] },
      registration: { dynamic: true },
    })
    const other = { ...key, kid: 'two' }
    expect(
      settings({
        FHIR_MCP_BROKER_KEYS: JSON.stringify([key, other]),
        FHIR_MCP_BROKER_ENCRYPTION_KEY: 'one,two',
        FHIR_MCP_BROKER_STORAGE_REDIS_FILE: fileWith('redis://:secret@redis:6379\n'),
        FHIR_MCP_BROKER_STORAGE_PREFIX: 'us:',
        FHIR_MCP_BROKER_UPSTREAM_SCOPE: 'openid offline_access',
        FHIR_MCP_BROKER_UPSTREAM_PARAMETERS: '{"access_type":"offline"}',
        FHIR_MCP_BROKER_CLAIMS_SOURCES: 'userinfo, id_token',
        FHIR_MCP_BROKER_REGISTRATION_DYNAMIC: 'false',
        FHIR_MCP_BROKER_CONSENT_LIFETIME: '0',
      }),
    ).toMatchObject({
      keys: [key, other],
      encryptionKey: ['one', 'two'],
      storage: { redis: 'redis://:secret@redis:6379', prefix: 'us:' },
      upstream: { scope: 'openid offline_access', parameters: { access_type: 'offline' } },
      claims: { sources: ['userinfo', 'id_token'] },
      registration: { dynamic: false },
      consentLifetime: 0,
    })
  })

  it('are refused without the one that turns it on', () => {
    expect(() => settings({ FHIR_MCP_BROKER_UPSTREAM_ISSUER: '' })).toThrow(
      'FHIR_MCP_BROKER_UPSTREAM_ISSUER is required with FHIR_MCP_BROKER_UPSTREAM_CLIENT_ID',
    )
  })

  it('are named where a part of them is wrong', () => {
    const message = (more: Record<string, string>) => {
      try {
        return String(settings(more))
      } catch (thrown) {
        return String(thrown)
      }
    }
    expect(message({ FHIR_MCP_BROKER_KEYS: '[{"kty":"EC","kid":""}]' })).toContain(
      'FHIR_MCP_BROKER_KEYS: alg is required; FHIR_MCP_BROKER_KEYS: kid must have at least 1; FHIR_MCP_BROKER_KEYS: d is required.',
    )
    expect(message({ FHIR_MCP_BROKER_STORAGE_PREFIX: 'us:' })).toContain(
      'FHIR_MCP_BROKER_STORAGE_REDIS is required',
    )
    expect(message({ FHIR_MCP_BROKER_CLAIMS_SOURCES: 'introspection' })).toContain(
      'FHIR_MCP_BROKER_CLAIMS_INTROSPECTION_URL is required with the source introspection',
    )
  })
})

describe('a wrong setting', () => {
  const wrong = [
    [{ FHIR_MCP_FHIR_BASEURL: 'x' }, 'FHIR_MCP_FHIR_BASEURL is not a variable'],
    [{ FHIR_MCP_FHIR_DIALECT: 'epic' }, 'FHIR_MCP_FHIR_DIALECT must be one of auto, hapi, jupyterhealth'],
    [{ FHIR_MCP_FHIR_BASE_URL: 'ftp://x' }, 'FHIR_MCP_FHIR_BASE_URL must be an http or https URL'],
    [{ FHIR_MCP_FHIR_CONNECTIONS: 'ten' }, 'FHIR_MCP_FHIR_CONNECTIONS must be a number'],
    [{ FHIR_MCP_FHIR_CONNECTIONS: '0' }, 'FHIR_MCP_FHIR_CONNECTIONS must be at least 1'],
    [{ FHIR_MCP_FHIR_CONNECTIONS: '1e9' }, 'FHIR_MCP_FHIR_CONNECTIONS must be a number'],
    [{ FHIR_MCP_FHIR_CONNECTIONS: '1001' }, 'FHIR_MCP_FHIR_CONNECTIONS must be at most 1000'],
    [{ FHIR_MCP_FHIR_CONNECTIONS: '1.5' }, 'FHIR_MCP_FHIR_CONNECTIONS must be a whole number'],
    [{ FHIR_MCP_FHIR_TIMEOUT: '0' }, 'FHIR_MCP_FHIR_TIMEOUT must be more than 0'],
    [{ FHIR_MCP_SSE: 'yes' }, 'FHIR_MCP_SSE must be true or false'],
    [{ FHIR_MCP_AUTH_SOURCES: ',' }, 'FHIR_MCP_AUTH_SOURCES must have at least 1'],
    [{ FHIR_MCP_AUTH_SOURCES: 'jwt,magic' }, 'FHIR_MCP_AUTH_SOURCES must be one of'],
    [{ FHIR_MCP_ACCESS_ROLES: '{' }, 'FHIR_MCP_ACCESS_ROLES must be JSON'],
    [{ FHIR_MCP_ACCESS_ROLES: '[1]' }, 'FHIR_MCP_ACCESS_ROLES must be an object'],
    [{ FHIR_MCP_PATH: 'mcp' }, 'FHIR_MCP_PATH must match'],
    [{ FHIR_MCP_AUTH_INTROSPECTION_CLIENT_ID: 'us' }, 'FHIR_MCP_AUTH_INTROSPECTION_URL is required'],
    [
      { FHIR_MCP_AUTH_CLAIM_FILE: '/no/such/file' },
      'FHIR_MCP_AUTH_CLAIM_FILE names a file that cannot be read',
    ],
  ] as const

  for (const [given, message] of wrong) {
    it(`fails at start: ${message}`, () => {
      expect(() => read(given)).toThrow(message)
      expect(() => read(given)).toThrow(expect.objectContaining({ code: 'FHIR_MCP_CONFIG' }))
    })
  }

  it('is never repeated: it may be a secret', () => {
    const secret = {
      FHIR_MCP_FHIR_DIALECT: 'hunter2',
      FHIR_MCP_AUTH_JWKS_URI: 'hunter2',
      FHIR_MCP_ACCESS_ROLES: '"hunter2"',
    }
    expect(() => read(secret)).toThrow('FHIR_MCP_FHIR_DIALECT')
    try {
      read(secret)
    } catch (thrown) {
      expect(String(thrown)).not.toContain('hunter2')
    }
  })

  it('is one that is given twice', () => {
    const twice = { FHIR_MCP_AUTH_CLAIM: 'a', FHIR_MCP_AUTH_CLAIM_FILE: fileWith('b') }
    expect(() => read(twice)).toThrow('FHIR_MCP_AUTH_CLAIM is given twice')
  })

  it('within an object is named beside its variable', () => {
    expect(() => read({ FHIR_MCP_ACCESS_ROLES: '{"viewer":"all"}' })).toThrow(
      'FHIR_MCP_ACCESS_ROLES: viewer must be a list',
    )
  })

  it('is named with all others at once', () => {
    expect(() => read({ FHIR_MCP_FHIR_CONNECTIONS: '0', FHIR_MCP_BODY_LIMIT: '-1' })).toThrow(
      /FHIR_MCP_FHIR_CONNECTIONS.*FHIR_MCP_BODY_LIMIT/,
    )
  })
})
