import { describe, expect, it } from 'vitest'
import { clausesFor, parseScopes, scopesFor, whyScopesNarrow } from '../../src/access/scopes.ts'

const anybody = { patientOnly: false, categories: undefined }
const own = { patientOnly: true, categories: undefined }
const observation = { types: ['Observation'] }
const observationClauses = (scope: string) => clausesFor(parseScopes(scope), observation)

describe('scopes', () => {
  // What Keycloak, Auth0, Entra and a JupyterHealth Exchange put into a token that nobody asked SMART scopes of.
  it.each([
    ...[undefined, '', ' ', []],
    'openid profile email offline_access',
    'profile email roles web-origins acr',
    'openid profile email address phone read:patients',
    'access_as_user User.Read Files.Read.All',
    'openid email read write',
    'https://www.googleapis.com/auth/userinfo.email api://1/Data launcher fhirUsers',
  ])('narrow nothing when there are none of SMART: %j', (scope) => {
    const scopes = parseScopes(scope)
    expect(scopes.present).toBe(false)
    expect(clausesFor(scopes, observation)).toEqual([anybody])
  })

  it.each([
    ...['launch', 'launch/patient', 'LAUNCH/encounter', 'fhirUser', 'fhiruser', 'online_access'],
    ...['patient/', 'USER/Observation.rs', 'System/*.read', 'user/anything at all'],
    ...['practitioner/Observation.rs', 'group/*.read', 'x/Patient.cruds?category=a'],
  ])('narrow to nothing by a word of SMART that gives no data: %s', (word) => {
    const scopes = parseScopes(`openid ${word} email`)
    expect(scopes.present).toBe(true)
    expect(clausesFor(scopes, observation)).toEqual([])
    expect(scopes.decidedBy).toBe(word.split(' ')[0])
  })

  it('narrow a token without any to nothing where every token needs them', () => {
    const scopes = parseScopes('openid profile', true)
    expect(clausesFor(scopes, observation)).toEqual([])
    expect(whyScopesNarrow(scopes)).toContain('auth.requireScopes')
    expect(clausesFor(parseScopes('user/Observation.rs', true), observation)).toEqual([anybody])
  })

  it('say which word narrows, unless anything could be written in it', () => {
    expect(whyScopesNarrow(parseScopes('openid launch/patient user/Patient.rs'))).toContain(
      'scope launch/patient is',
    )
    const strange = whyScopesNarrow(parseScopes('launch/<b>ignore</b>'))
    expect(strange).toContain('Its scope is one of SMART')
    expect(strange).not.toContain('ignore')
  })

  it.each([
    'user/Observation.read',
    'user/Observation.*',
    'user/*.read',
    'user/*.*',
    'system/Observation.read',
    'user/Observation.rs',
    'user/Observation.cruds',
    'user/*.rs',
    'system/*.cruds',
  ])('let everybody be read by %s', (scope) => {
    expect(observationClauses(scope)).toEqual([anybody])
  })

  it.each(['patient/Observation.read', 'patient/Observation.rs', 'patient/*.*', 'patient/*.rs'])(
    'let the patient context be read by %s',
    (scope) => {
      expect(observationClauses(scope)).toEqual([own])
    },
  )

  it.each([
    ['for writing only', 'user/Observation.write'],
    ['for writing only, in the new form', 'user/Observation.cud'],
    ['for reading without searching', 'user/Observation.r'],
    ['for searching without reading', 'user/Observation.s'],
    ['with letters in the wrong order', 'user/Observation.sr'],
    ['with no letters', 'user/Observation.'],
    ['with other letters', 'user/Observation.rsx'],
    ['for another type', 'user/Patient.rs'],
    ['for a type of lower case', 'user/observation.rs'],
    ['for a type that only begins alike', 'user/ObservationDefinition.rs'],
    ['with a restriction in the old form', 'user/Observation.read?category=laboratory'],
    ['with an empty restriction', 'user/Observation.rs?'],
    ['with a restriction of nothing', 'user/Observation.rs?&'],
    ['with another restriction', 'user/Observation.rs?status=final'],
    ['with two restrictions', 'user/Observation.rs?category=laboratory&status=final'],
    ['with two categories of one name', 'user/Observation.rs?category=a&category=b'],
    ['with an empty category', 'user/Observation.rs?category='],
    ['with a list of empty categories', 'user/Observation.rs?category=,'],
    ['with a modifier', 'user/Observation.rs?category:not=laboratory'],
    ['without a type', 'user/.rs'],
    ['without anything', 'patient/'],
  ])('grant nothing, but narrow, when one is %s', (_, scope) => {
    expect(parseScopes(scope).present).toBe(true)
    expect(observationClauses(scope)).toEqual([])
  })

  it.each([
    'users/Observation',
    'user',
    'patient',
    'user:Observation.rs',
    'x/y/Observation.rs',
    'launched/x',
  ])('do not narrow by %s, which is not of SMART', (scope) => {
    expect(parseScopes(scope).present).toBe(false)
  })

  it('may be restricted to categories, encoded or not', () => {
    const system = 'http://terminology.hl7.org/CodeSystem/observation-category'
    const clause = (...categories: string[]) => [{ patientOnly: false, categories }]
    expect(observationClauses(`user/Observation.rs?category=${system}|vital-signs`)).toEqual(
      clause(`${system}|vital-signs`),
    )
    expect(
      observationClauses(`user/Observation.rs?category=${encodeURIComponent(`${system}|survey`)}`),
    ).toEqual(clause(`${system}|survey`))
    expect(observationClauses('user/Observation.rs?category=laboratory,survey')).toEqual(
      clause('laboratory', 'survey'),
    )
  })

  it('add up, by type and by *', () => {
    const scopes = parseScopes(
      'patient/Observation.rs user/Observation.rs?category=survey\tuser/*.read\nopenid',
    )
    expect(clausesFor(scopes, observation)).toEqual([
      own,
      { patientOnly: false, categories: ['survey'] },
      anybody,
    ])
    expect(clausesFor(scopes, { types: ['Patient'] })).toEqual([anybody])
  })

  it('meet a need by any one of its types', () => {
    const need = { types: ['ResearchStudy', 'Group'] }
    expect(clausesFor(parseScopes('user/Group.rs'), need)).toEqual([anybody])
    expect(clausesFor(parseScopes('user/ResearchStudy.rs'), need)).toEqual([anybody])
    expect(clausesFor(parseScopes('user/Patient.rs'), need)).toEqual([])
  })

  it.each(['constructor', 'toString', '__proto__'])('find nothing on a prototype by the type %s', (type) => {
    expect(clausesFor(parseScopes('user/Patient.rs'), { types: [type] })).toEqual([])
  })

  it('may come as a list', () => {
    expect(clausesFor(parseScopes(['openid', 'user/Observation.rs']), observation)).toEqual([anybody])
  })

  it('are asked for once each, by the first type of a need', () => {
    const needs = [{ types: ['ResearchStudy', 'Group'] }, observation, observation]
    expect(scopesFor(needs)).toEqual(['user/ResearchStudy.rs', 'user/Observation.rs'])
  })
})
