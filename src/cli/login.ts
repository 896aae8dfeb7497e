import { createInterface } from 'node:readline/promises'
import type { Readable } from 'node:stream'
import { type Environment, readEnvironment } from '../config/env.ts'
import { type SignIn, signInByBrowser, signInByDevice, signInByPaste } from '../login/sign-in.ts'
import { signOut } from '../login/sign-out.ts'
import { openSystemBrowser } from '../login/system-browser.ts'
import { requiredLoginParts } from './login-parts.ts'
import type { Surroundings } from './surroundings.ts'
import { whoLines } from './whoami.ts'

/** How somebody signs in. */
export type LoginMode = 'browser' | 'no-browser' | 'device'

/** How long a sign-in waits for the person, in milliseconds. */
export const signInPatience = 300_000

/** `login`: signs in, keeps the tokens, and says who it is. What to do is told on stderr. Throws FhirMcpError. */
export async function login(mode: LoginMode, surroundings: Surroundings): Promise<void> {
  const { environment, stderr, stdout } = surroundings
  const { settings, accept } = requiredLoginParts(readEnvironment(environment), environment)
  const tell = (line: string) => void stderr.write(`${line}\n`)
  const stop = new AbortController()
  void surroundings.stopped.then(() => stop.abort())
  const signIn = signInOf(mode, surroundings)
  const { principal } = await signIn({ settings, tell, patience: signInPatience }, accept, stop.signal)
  stdout.write(`Signed in.\n${whoLines(principal).join('\n')}\n`)
}

/** `logout`: removes the kept tokens and revokes them where the issuer can. */
export async function logout(
  environment: Environment,
  { stdout }: Pick<Surroundings, 'stdout'>,
): Promise<void> {
  const { settings, file } = requiredLoginParts(readEnvironment(environment), environment)
  stdout.write(`${endings[await signOut(settings, file)]}\n`)
}

const endings = {
  nothing: 'Nobody was signed in.',
  revoked: 'Signed out: the tokens are revoked and removed.',
  removed: 'Signed out: the tokens are removed here, but not revoked; they work until they expire.',
} as const

function signInOf(mode: LoginMode, { stdin, openBrowser = openSystemBrowser }: Surroundings): SignIn {
  if (mode === 'device') return signInByDevice
  return mode === 'no-browser'
    ? signInByPaste((signal) => readLine(stdin, signal))
    : signInByBrowser(openBrowser)
}

/** One line of the terminal; an end of input is an empty one. */
async function readLine(stdin: Readable, signal: AbortSignal): Promise<string> {
  const lines = createInterface({ input: stdin })
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve)
      lines.once('close', () => resolve(''))
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  } finally {
    lines.close()
  }
}
