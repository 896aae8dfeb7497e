/** A scenario of the conformance suite, or one check of it, that cannot pass, and why. */
export interface ExpectedFailure {
  readonly scenario: string
  /** Without it the whole scenario may fail. */
  readonly check?: string
  readonly reason: string
}

/** A revision of the protocol that the suite has requirements for. */
export type Revision = '2025-11-25' | '2026-07-28'

const asksNothing = 'The server only answers: it asks a client for no sampling, elicitation or roots.'
const logsNowhere = 'No capability logging: what happens is in the log of the gateway, not with the client.'
const keepsNoStream = 'No capability subscribe: a stateless server keeps no stream to tell of a change.'
const needsNoCapability = 'No tool needs a capability of the client, so none can be refused for want of one.'
const givesNoSession =
  'Stateless: there is no session id, and a client may have any number of requests under way.'
const suiteTool = 'Needs a tool of the suite; passes on the server that has it.'

/** The last two only warn, because the tool that should ask is not there. */
const inputRequired = [
  'basic-elicitation',
  'basic-sampling',
  'basic-list-roots',
  'request-state',
  'multiple-input-requests',
  'multi-round',
  'non-tool-request',
  'result-type',
  'tampered-state',
  'capability-check',
  'missing-input-response',
  'ignore-extra-params',
]

const undeclaredCapability: readonly ExpectedFailure[] = [
  'sep-2575-server-rejects-undeclared-capability',
  'sep-2575-missing-capability-http-400',
].map((check) => ({ scenario: 'server-stateless', check, reason: needsNoCapability }))

/** What the plugin cannot do even with the suite's own tools, resources and prompts. */
export const expectedFailures: Readonly<Record<Revision, readonly ExpectedFailure[]>> = {
  '2025-11-25': [
    { scenario: 'logging-set-level', check: 'logging-set-level', reason: logsNowhere },
    { scenario: 'tools-call-with-logging', check: 'tools-call-with-logging', reason: logsNowhere },
    { scenario: 'tools-call-sampling', check: 'tools-call-sampling', reason: asksNothing },
    { scenario: 'tools-call-elicitation', check: 'tools-call-elicitation', reason: asksNothing },
    { scenario: 'elicitation-sep1034-defaults', check: 'elicitation-sep1034-general', reason: asksNothing },
    { scenario: 'elicitation-sep1330-enums', check: 'elicitation-sep1330-general', reason: asksNothing },
    {
      scenario: 'server-sse-multiple-streams',
      check: 'server-sse-multiple-streams-session',
      reason: givesNoSession,
    },
    { scenario: 'resources-subscribe', check: 'resources-subscribe', reason: keepsNoStream },
    { scenario: 'resources-unsubscribe', check: 'resources-unsubscribe', reason: keepsNoStream },
  ],
  '2026-07-28': [
    ...undeclaredCapability,
    ...inputRequired.map((name) => ({ scenario: `input-required-result-${name}`, reason: asksNothing })),
  ],
}

/** The same for the server without anything added. */
export const expectedFailuresOnRealServer: readonly ExpectedFailure[] = [
  ...undeclaredCapability,
  ...[
    'sep-2575-http-server-no-independent-requests-on-stream',
    'sep-2575-server-no-log-without-loglevel',
  ].map((check) => ({ scenario: 'server-stateless', check, reason: suiteTool })),
]

/** The scenarios that need no tool, resource or prompt of the suite. */
export const withoutFixtures: Readonly<Record<Revision, readonly string[]>> = {
  '2025-11-25': [
    'server-initialize',
    'ping',
    'completion-complete',
    'tools-list',
    'resources-list',
    'prompts-list',
    'dns-rebinding-protection',
  ],
  '2026-07-28': [
    'server-stateless',
    'completion-complete',
    'tools-list',
    'resources-list',
    'prompts-list',
    'dns-rebinding-protection',
    'caching',
    'http-header-validation',
    'sep-2164-resource-not-found',
    'input-required-result-unsupported-methods',
  ],
}
