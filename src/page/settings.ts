/** How the page signs people in. */
export interface PageSignIn {
  readonly issuer: URL
  readonly clientId: string
  readonly clientSecret: string | undefined
  /** Resource indicator (RFC 8707); undefined where none is asked for. */
  readonly resource: string | undefined
  /** Whether the issuer is the broker of this server, and is asked without the network. */
  readonly inside: boolean
}

/** What the page is told. */
export interface PageSettings {
  /** Undefined: the page does without a sign-in, and says what does instead. */
  readonly signIn: PageSignIn | undefined
}
