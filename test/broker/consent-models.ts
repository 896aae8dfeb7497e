import type { ConsentModel } from '../../src/broker/consent/model.ts'

const scopes = [
  { scope: 'user/ResearchStudy.rs', words: 'Read studies: titles, descriptions' },
  {
    scope: 'user/Patient.rs',
    words: 'See who takes part: participant codes, birth dates, names, contact details',
  },
  { scope: 'user/Observation.rs', words: 'Read measurements, such as heart rate and blood pressure' },
  { scope: 'offline_access', words: 'Stay connected, without asking you to sign in each time' },
]

/** A client whose metadata document is proven, for somebody at one clinic. */
export const proven: ConsentModel = {
  clientName: 'Claude',
  clientId: 'https://claude.example/oauth/client.json',
  clientHost: 'claude.example',
  redirectHost: 'claude.example',
  redirectIsLoopback: false,
  person: 'Ada Northlake <ada@northlake.example>',
  scopes,
  studies: [
    { id: '30006', name: 'Sleep and blood pressure', organization: 'Northlake Clinic' },
    { id: '30007', name: 'Glucose at night', organization: 'Northlake Clinic' },
    { id: '30008', name: undefined, organization: 'Northlake Clinic' },
  ],
  organizations: [{ id: '20009', name: 'Northlake Clinic', role: 'manager' }],
  everything: false,
  resourceHost: 'mcp.northlake.example',
  action: '/interaction/Zs7o2',
  csrf: 'a-token-of-the-form',
}

/** A program on the person's device that registered itself, with very many studies of several organizations. */
export const many: ConsentModel = {
  ...proven,
  clientName: 'Study Explorer',
  clientId: 'GaPGx2Qm1nUgWU2C0aVdE',
  clientHost: undefined,
  redirectHost: '127.0.0.1:53122',
  redirectIsLoopback: true,
  studies: Array.from({ length: 1200 }, (_, index) => ({
    id: String(index),
    name: `Study of a condition, number ${index}`,
    organization: `Clinic ${index % 4}`,
  })),
  organizations: Array.from({ length: 7 }, (_, index) => ({
    id: String(index),
    name: `Clinic ${index}`,
    role: 'viewer',
  })),
}

/** Texts that try to be more than text. */
export const hostileTexts = [
  '<script>alert(1)</script>',
  '</title></style></textarea><img src=x onerror=alert(1)>',
  '"><button name="decision" value="allow">Deny</button>',
  "' autofocus onfocus='alert(1)",
  '"/><meta http-equiv="refresh" content="0;url=https://evil.example">',
  '<!-- ',
  '--> <form action="https://evil.example">',
  ']]><svg/onload=alert(1)>',
  '&lt;b&gt; &amp; &#x3c;script&#x3e;',
  'javascript:alert(1)',
  '\u0000<\u0000b>',
  'Northlake\u202Ecinilc\u202D verified \u2066admin',
  '\u200B\u2060\u00AD\uFEFF\u3164',
  '\uD800 a lone half',
  'Za\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308lgo',
  'Claude\n\n\n\nVerified by Northlake Clinic',
  'W'.repeat(10_000),
  'עברית العربية with English',
  '{{7*7}} <%= 7*7 %>',
] as const

/** A model in which every text is this one. */
export function madeOf(text: string): ConsentModel {
  return {
    clientName: text,
    clientId: text,
    clientHost: text,
    redirectHost: text,
    redirectIsLoopback: false,
    person: text,
    scopes: [{ scope: text, words: text }],
    studies: [
      { id: text, name: text, organization: text },
      { id: text, name: undefined, organization: undefined },
    ],
    organizations: [
      { id: text, name: text, role: text },
      { id: text, name: undefined, role: undefined },
    ],
    everything: false,
    resourceHost: text,
    action: text,
    csrf: text,
  }
}
