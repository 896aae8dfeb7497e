import type { NameOf } from '../config/parse.ts'
import { fhirMcpError, isFhirMcpError } from '../errors.ts'

/** A word with dots, or the first one of a sentence. */
const settings = /^[a-z]\w*(?=[ :])|\b[a-z]\w*(?:\.\w+)+/g

/**
 * Registers something whose errors call a setting as a gateway does, `results.cursorKey`: whoever reads them here gave
 * variables. Throws what `register` throws, CONFIG with the name of the variable.
 */
export async function callingByVariables(
  nameOf: NameOf,
  register: () => PromiseLike<unknown>,
): Promise<void> {
  try {
    await register()
  } catch (thrown) {
    if (!isFhirMcpError(thrown) || thrown.code !== 'FHIR_MCP_CONFIG' || thrown.detail === undefined)
      throw thrown
    const detail = thrown.detail.replace(settings, (path) => nameOf(path.split('.')))
    throw fhirMcpError('CONFIG', { detail })
  }
}
