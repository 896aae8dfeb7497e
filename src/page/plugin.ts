import type { FastifyInstance } from 'fastify'
import { createAddress } from '../../plugins/address.ts'
import { createHostGuard } from '../../plugins/hosts.ts'
import { addressKey, limitersOver } from '../../plugins/limiter.ts'
import type { Options } from '../config/options.ts'
import { createMemoryWindows } from '../limits/windows.ts'
import { implementation } from '../mcp/implementation.ts'
import { type PageAddress, pageAddress } from './address.ts'
import { createPageCookies } from './cookies.ts'
import { pageRoutes } from './routes.ts'
import { setUpsFor } from './set-ups.ts'
import type { PageSettings } from './settings.ts'
import { createSignIn } from './sign-in.ts'

/** What the page leans on. */
export interface PageParts {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly settings: PageSettings
  /** The options of the plugin that the page stands beside. */
  readonly options: Options
}

/**
 * Registers the start page. Its routes are not logged one by one: URLs here carry codes and states. Requests are counted by
 * address, as those of the MCP endpoint, but apart from them and in the memory of this process.
 */
export async function registerPage(app: FastifyInstance, parts: PageParts): Promise<void> {
  const { now, options, settings } = parts
  const { resourceUrl } = createAddress(app, options)
  const windows = createMemoryWindows(now)
  app.addHook('onClose', async () => windows.close())
  const limiter = await limitersOver(windows)
  const count = limiter({
    name: 'page',
    max: options.limits.requestsPerAddress,
    keyOf: addressKey,
    detail: 'This address has sent too many.',
  })
  /** The address is known once the server listens. */
  const site = once(() => {
    const address = pageAddress(resourceUrl(), options.path)
    const { signIn } = settings
    return {
      address,
      cookies: createPageCookies(address, options.results.cursorKey, now),
      signIn: signIn && createSignIn(app, address, signIn),
      head: headOf(address, options),
    }
  })
  await app.register(
    async (scope) => {
      scope.addHook('onRequest', createHostGuard(options))
      scope.addHook('onRequest', count)
      await pageRoutes(scope, { app, site })
    },
    { logLevel: 'warn' },
  )
}

function headOf(address: PageAddress, { fhir }: Options) {
  return {
    address,
    server: implementation,
    exchange: fhir.dialect === 'jupyterhealth' ? 'a JupyterHealth Exchange' : 'a FHIR server',
    setUps: setUpsFor(address.mcpUrl),
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
