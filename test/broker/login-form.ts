import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

/** The password of everybody at the test upstream. */
export const password = 'the-password-of-everybody'

/** The page on which a person signs in at the test upstream. */
export function loginForm(action: string): string {
  return `<!doctype html><html lang="en"><title>Sign in to the exchange</title>
<h1>Sign in to the exchange</h1>
<form method="post" action="${action}">
<label>User <input name="login" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button>Sign in</button>
</form></html>`
}

/** Who sent the form; undefined with a wrong password. */
export async function nameOf(request: IncomingMessage): Promise<string | undefined> {
  const form = new URLSearchParams(await text(request))
  return form.get('password') === password ? (form.get('login') ?? undefined) : undefined
}
