/** A scope that a client asks for (data scopes, and `offline_access` for staying signed in), in the words of the person who decides on it. */
export interface ConsentScope {
  /** As OAuth writes it: `user/Observation.rs`. */
  readonly scope: string
  /** What it lets the client do: "Read measurements". */
  readonly words: string
}

/** A study that the person's permissions name. */
export interface ConsentStudy {
  readonly id: string
  /** Its title, where it is known. */
  readonly name: string | undefined
  /** Name of its organization, else its id; undefined where the permissions do not say whose it is. */
  readonly organization: string | undefined
}

/** An organization that the person's permissions name. */
export interface ConsentOrganization {
  readonly id: string
  readonly name: string | undefined
  readonly role: string | undefined
}

/** Everything that the consent page shows or sends back. Every text in it comes from others and is to be escaped. */
export interface ConsentModel {
  /** What the client calls itself; anybody may write anything there. */
  readonly clientName: string | undefined
  /** Its client id; for a client id metadata document, the URL of that document. */
  readonly clientId: string
  /** Host of the metadata document, where the client id is its URL: the one thing about the client that is proven. */
  readonly clientHost: string | undefined
  /** Where the person is sent with the answer: host with port, or a private-use scheme. */
  readonly redirectHost: string
  /** Whether the answer goes to a program on the person's own machine (RFC 8252, §7.3). */
  readonly redirectIsLoopback: boolean
  /** Who is signed in, by name or e-mail where the upstream says so, else the subject. */
  readonly person: string
  readonly scopes: readonly ConsentScope[]
  readonly studies: readonly ConsentStudy[]
  readonly organizations: readonly ConsentOrganization[]
  /** Whether the person is a superuser: reaches every study and every patient, whatever is listed. */
  readonly everything: boolean
  /** Name of the exchange or gateway that guards the data: the host of the MCP resource. */
  readonly resourceHost: string
  /** Where the form is posted. */
  readonly action: string
  /** To be sent back in the form as `csrf`. */
  readonly csrf: string
}

/**
 * Form of the page, by POST as application/x-www-form-urlencoded: `csrf`, `decision` (`allow` or `deny`), and one `scope`
 * for each scope that stays; all are ticked to begin with. Without a data scope left, nothing is allowed.
 */
export const consentFields = { csrf: 'csrf', decision: 'decision', scope: 'scope' } as const

/** What the error page shows: a code of the catalog, its message and its cure. Never a text of the upstream or the client. */
export interface ErrorModel {
  /** `FHIR_MCP_…` */
  readonly code: string
  readonly message: string
  readonly cure: string
}

/** The step between the form and the way back to the client. */
export interface ContinueModel {
  /** Where the authorization server goes on: a URL of its own, without a code or a token in it. */
  readonly href: string
  readonly redirectHost: string
  readonly redirectIsLoopback: boolean
}
