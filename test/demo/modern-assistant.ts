import {
  Client,
  type OAuthClientInformationMixed,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type OAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import { Browser, type Visited } from '../broker/browser.ts'

const redirectUri = 'http://localhost:41222/callback'

/** An MCP client of the second SDK that knows a URL, and the browser of the person who uses it. */
export class ModernAssistant implements OAuthClientProvider {
  readonly mcpUrl: string
  readonly browser = new Browser(redirectUri)
  readonly redirectUrl = redirectUri
  readonly clientMetadata = {
    client_name: 'A modern assistant',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  }
  information: OAuthClientInformationMixed | undefined
  stored: OAuthTokens | undefined
  sentTo: URL | undefined
  discovered: OAuthDiscoveryState | undefined
  #verifier = ''

  constructor(mcpUrl: string) {
    this.mcpUrl = mcpUrl
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
    this.#verifier = verifier
  }
  codeVerifier() {
    return this.#verifier
  }
  discoveryState() {
    return this.discovered
  }
  saveDiscoveryState(state: OAuthDiscoveryState) {
    this.discovered = state
  }
  invalidateCredentials(scope: string) {
    if (scope === 'all' || scope === 'tokens') this.stored = undefined
    if (scope === 'all' || scope === 'discovery') this.discovered = undefined
    if (scope === 'all' || scope === 'client') this.information = undefined
  }

  /** Calls a tool; where a sign-in is needed, `choose` says what the person does on the page. */
  async call(tool: string, choose?: (page: Visited) => Promise<Visited>): Promise<string> {
    const transport = new StreamableHTTPClientTransport(new URL(this.mcpUrl), { authProvider: this })
    const client = new Client({ name: 'modern', version: '1.0.0' })
    try {
      await client.connect(transport)
    } catch (thrown) {
      if (!(thrown instanceof UnauthorizedError) || choose === undefined) throw thrown
      const back = await choose(await this.browser.visit(this.sentTo ?? ''))
      await transport.finishAuth(back.url.searchParams)
      return this.call(tool)
    }
    try {
      return JSON.stringify(await client.callTool({ name: tool, arguments: {} }))
    } finally {
      await client.close()
    }
  }
}
