/** What ends the name of a variable that holds a secret: a password may stand in the URL of a Redis. */
const secretEnd = /_(?:SECRETS?|TOKEN|KEYS?|PASSWORD|REDIS)$/

/** Whether a variable is there for a secret, by its name. */
export function isSecretVariable(name: string): boolean {
  return secretEnd.test(name)
}

/** Whether a variable holds a secret: by its name, or by a URL with a password in it. */
export function holdsSecret(name: string, text: string): boolean {
  if (isSecretVariable(name)) return true
  return URL.canParse(text) && new URL(text).password !== ''
}
