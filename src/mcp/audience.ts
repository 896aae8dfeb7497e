import type { Options } from '../config/options.ts'

/** Our audience is by default the URL that clients know us by. */
export function audienceOf({ auth, publicUrl, path }: Options): { audience?: string | string[] } {
  if (auth.audience !== undefined) return { audience: auth.audience }
  return publicUrl === undefined ? {} : { audience: `${publicUrl.replace(/\/+$/, '')}${path}` }
}
