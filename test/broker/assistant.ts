import { auth, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js'
import { decodeJwt, type JWTPayload } from 'jose'
import { Browser, type Visited } from './browser.ts'

const redirectUri = 'http://127.0.0.1:33418/callback'

/** What a person does on the consent page. */
export interface Decision {
  readonly decision: 'allow' | 'deny'
  /** Scopes that stay; by default all that are offered. */
  readonly scopes?: readonly string[]
}

/** An MCP client with the official SDK's OAuth, and the browser of the person who uses it. */
export class Assistant implements OAuthClientProvider {
  readonly mcpUrl: string
  readonly browser: Browser
  readonly redirectUrl: string
  readonly clientMetadata: OAuthClientMetadata
  readonly clientMetadataUrl?: string
  information: OAuthClientInformationMixed | undefined
  stored: OAuthTokens | undefined
  verifier = ''
  sentTo: URL | undefined
  /** The consent page that was shown last. */
  page: Visited | undefined
  #state = 0

  constructor(mcpUrl: string, metadata: Partial<OAuthClientMetadata> = {}, documentUrl?: string) {
    this.mcpUrl = mcpUrl
    this.redirectUrl = metadata.redirect_uris?.[0] ?? redirectUri
    this.browser = new Browser(this.redirectUrl)
    this.clientMetadata = {
      client_name: 'A test assistant',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      ...metadata,
    }
    if (documentUrl !== undefined) this.clientMetadataUrl = documentUrl
  }

  state() {
    this.#state += 1
    return `state-of-the-client-${this.#state}`
  }
  clientInformation() {
    return this.information
  }
  saveClientInformation(information: OAuthClientInformationMixed) {
    this.information = information
  }
  tokens() {
    return this.stored
  }
  saveTokens(tokens: OAuthTokens) {
    this.stored = tokens
  }
  redirectToAuthorization(url: URL) {
    this.sentTo = url
  }
  saveCodeVerifier(verifier: string) {
    this.verifier = verifier
  }
  codeVerifier() {
    return this.verifier
  }
  invalidateCredentials(scope: string) {
    if (scope === 'all' || scope === 'tokens') this.stored = undefined
    if (scope === 'all' || scope === 'client') this.information = undefined
  }

  /** Registers where that is needed, and says where the browser is to go. */
  async start(): Promise<URL> {
    this.stored = undefined
    const result = await auth(this, { serverUrl: this.mcpUrl })
    if (result !== 'REDIRECT' || this.sentTo === undefined) throw new Error('nothing to sign in to')
    return this.sentTo
  }

  /** Goes through the person's part; returns where the client is answered. */
  async approve(url: URL, { decision, scopes }: Decision = { decision: 'allow' }): Promise<URL> {
    const arrived = await this.browser.visit(url)
    if (!arrived.html.includes('<form')) {
      if (arrived.url.href.startsWith(this.redirectUrl)) return arrived.url
      throw new Error(`no consent page but ${arrived.status}: ${arrived.html}`)
    }
    this.page = arrived
    const offered = [...arrived.html.matchAll(/name="scope" value="([^"]*)"/g)].map(([, scope = '']) => scope)
    const kept = (scopes ?? offered).map((scope) => ['scope', scope] as const)
    const back = await this.browser.submit(arrived, [...kept, ['decision', decision]])
    return back.url
  }

  /** Signs in to the end. */
  async signIn(decision?: Decision): Promise<OAuthTokens> {
    const back = await this.approve(await this.start(), decision)
    return this.redeem(back)
  }

  /** Redeems what came back. */
  async redeem(back: URL): Promise<OAuthTokens> {
    const code = back.searchParams.get('code')
    if (code === null) throw new Error(back.search)
    await auth(this, { serverUrl: this.mcpUrl, authorizationCode: code })
    if (this.stored === undefined) throw new Error('no tokens')
    return this.stored
  }

  get claims(): JWTPayload {
    return decodeJwt(this.stored?.access_token ?? '')
  }

  /** Refreshes as the SDK does. */
  async refresh(): Promise<'AUTHORIZED' | 'REDIRECT'> {
    return auth(this, { serverUrl: this.mcpUrl })
  }

  /** Calls a tool as the SDK does, with this provider. */
  async call(tool: string, args: Record<string, unknown> = {}): Promise<string> {
    const client = new Client({ name: 'assistant', version: '1.0.0' })
    const transport = new StreamableHTTPClientTransport(new URL(this.mcpUrl), { authProvider: this })
    await client.connect(transport)
    try {
      const result = await client.callTool({ name: tool, arguments: args })
      return JSON.stringify(result)
    } finally {
      await client.close()
    }
  }
}

/** A form by POST, as a client sends it. */
export async function post(
  url: string,
  form: Record<string, string>,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form) })
  const text = await response.text()
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) }
}
