/** Scopes that give access to data, with what they let a client do, in the words of the consent page. */
const dataScopeWords = {
  'user/Patient.rs': 'See who takes part: participant codes, birth dates, names, contact details',
  'user/Observation.rs': 'Read measurements, such as heart rate and blood pressure',
  'user/ResearchStudy.rs': 'Read studies: titles, descriptions, numbers of participants',
} as const

const offlineWords = 'Stay connected, without asking you to sign in each time'

/** A scope that gives access to data. */
export type DataScope = keyof typeof dataScopeWords

/** All scopes that give access to data. */
export const dataScopes = Object.keys(dataScopeWords).filter(isDataScope)

/** Every scope that a client may ask for. */
export const allScopes: readonly string[] = ['openid', 'offline_access', ...dataScopes]

/** Whether a scope gives access to data. */
export function isDataScope(scope: string): scope is DataScope {
  return Object.hasOwn(dataScopeWords, scope)
}

/** What the person is told about a scope that may be taken away. */
export function wordsOf(scope: DataScope | 'offline_access'): string {
  return scope === 'offline_access' ? offlineWords : dataScopeWords[scope]
}

/**
 * The scope of a request for authorization. A token without any SMART scope is not narrowed by scopes, so a request for none
 * is one for all of them, by name (RFC 6749 §3.3: a default). Scopes that nobody knows are left to the provider.
 */
export function completeScope(scope: string | null): string {
  const words = (scope ?? '').split(' ').filter((word) => word !== '')
  return (words.some(isDataScope) ? words : [...words, ...dataScopes]).join(' ')
}
