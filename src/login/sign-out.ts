import { type Configuration, tokenRevocation } from 'openid-client'
import { isFhirMcpError } from '../errors.ts'
import { openIssuer, withRevocation } from './issuer-client.ts'
import type { LoginSettings } from './settings.ts'
import type { TokenFile } from './token-file.ts'
import type { TokenSet } from './token-set.ts'

/** How a sign-out ended: nothing was kept; removed and revoked; removed, but the issuer may still take the tokens. */
export type SignedOut = 'nothing' | 'revoked' | 'removed'

/**
 * Removes the kept tokens, whatever else fails, and revokes them where the issuer can (RFC 7009). A file that is not the
 * owner's alone is removed without being read.
 */
export async function signOut(settings: LoginSettings, file: TokenFile): Promise<SignedOut> {
  return file.locked(async () => {
    let kept: TokenSet | undefined
    try {
      kept = await file.read()
    } catch (thrown) {
      if (!isFhirMcpError(thrown, 'CONFIG')) throw thrown
      await file.remove()
      return 'removed'
    }
    await file.remove()
    if (kept === undefined) return 'nothing'
    return (await revoked(settings, kept)) ? 'revoked' : 'removed'
  })
}

async function revoked(settings: LoginSettings, { refreshToken, accessToken }: TokenSet): Promise<boolean> {
  try {
    const issuer = withRevocation(await openIssuer(settings), settings)
    if (issuer.serverMetadata().revocation_endpoint === undefined) return false
    if (refreshToken !== undefined) await revoke(issuer, refreshToken, 'refresh_token')
    await revoke(issuer, accessToken, 'access_token')
    return true
  } catch {
    return false
  }
}

function revoke(issuer: Configuration, token: string, hint: string): Promise<void> {
  return tokenRevocation(issuer, token, { token_type_hint: hint })
}
