import { describe, expect, it } from 'vitest'
import { setUpsFor } from '../../src/page/set-ups.ts'
import { escapeHtml } from '../../src/pages/html.ts'
import { finished } from '../login/machine.ts'
import { person, serving, startPageSetting } from './setting.ts'

const enough = {
  FHIR_MCP_PORT: '0',
  FHIR_MCP_FHIR_BASE_URL: 'https://exchange.internal.example/fhir',
  FHIR_MCP_FHIR_CREDENTIALS: 'none',
  FHIR_MCP_AUTH_ISSUER: 'https://login.example.org',
  FHIR_MCP_AUTH_AUDIENCE: 'fhir-mcp',
}

async function pageOf(more: Readonly<Record<string, string>> = {}) {
  const running = await serving({ ...enough, FHIR_MCP_PAGE: 'true', ...more })
  const port = await running.shown(/Server listening at http:\/\/127\.0\.0\.1:(\d+)/)
  return { local: `http://127.0.0.1:${port}`, running }
}

describe('the start page', () => {
  it('says what this is, its address, and how each client is set up', async () => {
    const { local } = await pageOf()
    const { html, status, headers } = await person().visit(local)
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(html).toContain('Model Context Protocol')
    expect(html).toContain(`>${local}/mcp</pre>`)
    const setUps = setUpsFor(`${local}/mcp`)
    expect(setUps.length).toBeGreaterThanOrEqual(7)
    for (const { title, steps } of setUps) {
      expect(html).toContain(`<summary>${escapeHtml(title)}</summary>`)
      for (const { text } of steps)
        if (text !== undefined) expect(html).toContain(`>${escapeHtml(text)}</pre>`)
    }
  })

  it('offers no client that could not come here, and says why', async () => {
    const { local } = await pageOf()
    expect((await person().visit(local)).html).toContain('needs a server at a public https address')
    const open = await pageOf({ FHIR_MCP_PUBLIC_URL: 'https://mcp.example.org' })
    const { html } = await person().visit(open.local)
    expect(html).not.toContain('needs a server at a public https address')
    expect(html).toContain('MCP server URL: https://mcp.example.org/mcp')
  })

  it('says the kind of exchange and never its address, nor the issuer', async () => {
    const { local } = await pageOf({ FHIR_MCP_FHIR_DIALECT: 'jupyterhealth' })
    const { html } = await person().visit(local)
    expect(html).toContain('from a JupyterHealth Exchange')
    expect(html).not.toContain('exchange.internal.example')
    expect(html).not.toContain('login.example.org')
  })

  it('is at the public address, prefix and path included', async () => {
    const { local } = await pageOf({
      FHIR_MCP_PUBLIC_URL: 'https://mcp.example.org/research/',
      FHIR_MCP_PATH: '/r5/mcp',
      FHIR_MCP_PAGE_CLIENT_ID: 'page',
    })
    const { html } = await person().visit(local)
    expect(html).toContain('>https://mcp.example.org/research/r5/mcp</pre>')
    expect(html).toContain('href="https://mcp.example.org/research/page/sign-in"')
    expect(html).toContain('src="/research/page/copy.js"')
    expect(html).not.toContain(local)
  })

  it('serves its one script itself', async () => {
    const { local } = await pageOf()
    const { html } = await person().visit(local)
    const scripts = [...html.matchAll(/<script[^>]*>/g)].map(([tag]) => tag)
    expect(scripts).toEqual(['<script src="/page/copy.js" defer>'])
    const script = await fetch(`${local}/page/copy.js`)
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(await script.text()).toContain('navigator.clipboard')
    // Links lead elsewhere; nothing is loaded from there, and no form goes there.
    expect(html.replace(/<a href="https:[^"]*" rel="noreferrer">/g, '')).not.toMatch(
      /(href|src|action)="(?!\/|http:\/\/127\.0\.0\.1)/,
    )
  })

  it('is not there unless it is asked for', async () => {
    const running = await serving(enough)
    const port = await running.shown(/Server listening at http:\/\/127\.0\.0\.1:(\d+)/)
    for (const path of ['/', '/page/sign-in', '/page/callback', '/page/copy.js']) {
      expect((await fetch(`http://127.0.0.1:${port}${path}`)).status).toBe(404)
    }
  })

  it('is no client of the broker unless it is asked for', async () => {
    const authorize = async (origin: string) => {
      const asked = new URLSearchParams({
        ...{ client_id: 'start-page', response_type: 'code', redirect_uri: `${origin}/page/callback` },
        ...{ code_challenge: 'a'.repeat(43), code_challenge_method: 'S256', state: 'state' },
      })
      return fetch(`${origin}/oauth/authorize?${asked}`, { redirect: 'manual' })
    }
    const without = await startPageSetting({ FHIR_MCP_PAGE: 'false' })
    expect((await authorize(without.origin)).status).toBe(400)
    const control = await startPageSetting()
    expect((await authorize(control.origin)).status).toBe(303)
  })

  it.each([
    [{ FHIR_MCP_PAGE: 'yes' }, 'FHIR_MCP_PAGE must be true or false'],
    [{ FHIR_MCP_PAGE_CLIENT_ID: 'page' }, 'FHIR_MCP_PAGE true is required with FHIR_MCP_PAGE_CLIENT_ID'],
    [
      { FHIR_MCP_PAGE: 'true', FHIR_MCP_PAGE_CLIENT_SECRET: 'hunter2' },
      'FHIR_MCP_PAGE_CLIENT_ID is required with FHIR_MCP_PAGE_CLIENT_SECRET',
    ],
    [
      {
        FHIR_MCP_PAGE: 'true',
        FHIR_MCP_PAGE_CLIENT_ID: 'page',
        FHIR_MCP_PUBLIC_URL: 'http://mcp.example.org',
      },
      'FHIR_MCP_PUBLIC_URL must be an https URL',
    ],
    [
      {
        FHIR_MCP_PAGE: 'true',
        FHIR_MCP_PAGE_CLIENT_ID: 'page',
        FHIR_MCP_AUTH_ISSUER: 'http://login.example.org',
      },
      'FHIR_MCP_AUTH_ISSUER must be an https URL',
    ],
    [
      {
        ...{ FHIR_MCP_PAGE: 'true', FHIR_MCP_PAGE_CLIENT_ID: 'page', FHIR_MCP_FHIR_CREDENTIALS: 'held' },
        ...{ FHIR_MCP_AUTH_ISSUER: '', FHIR_MCP_AUTH_AUDIENCE: '', FHIR_MCP_PORT: '18765' },
        FHIR_MCP_BROKER_UPSTREAM_ISSUER: 'https://login.example.org',
        FHIR_MCP_BROKER_UPSTREAM_CLIENT_ID: 'gateway',
        FHIR_MCP_BROKER_KEYS: '{"kty":"EC","alg":"ES256","kid":"one","d":"hunter2"}',
        FHIR_MCP_BROKER_COOKIE_SECRETS: 'hunter2-hunter2-hunter2-hunter2-hunter2',
        FHIR_MCP_BROKER_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64url'),
      },
      'FHIR_MCP_PAGE_CLIENT_ID must be left out with the broker',
    ],
  ])('fails at start for settings that contradict each other: %o', async (given, message) => {
    const { code, stderr } = await finished(['serve'], { ...enough, ...given })
    expect(code).toBe(1)
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('hunter2')
  })
})
