type Members = Readonly<Record<string, unknown>>

/**
 * A JSON-RPC message, or a batch of them, as MCP means it: serialisers of many languages write `null` for what is not there,
 * and no param of MCP means anything by it. What a tool is given is left as it is: the tool's schema says what that means.
 */
export function tolerantMessage(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(tolerantMessage)
  if (!isObject(body) || typeof body.method !== 'string') return body
  const { id, params, ...rest } = body
  const isNotification = body.method.startsWith('notifications/')
  return {
    ...rest,
    ...('id' in body && !(isNotification && id === null) ? { id } : {}),
    ...('params' in body && params !== null ? { params: paramsOf(body.method, params) } : {}),
  }
}

function paramsOf(method: string, params: unknown): unknown {
  if (!isObject(params)) return params
  const { arguments: given, ...others } = params
  const read = withoutNulls(others)
  if (!('arguments' in params) || given === null) return read
  return { ...read, arguments: method === 'prompts/get' ? textsOf(given) : objectOf(given) }
}

function withoutNulls(members: Members): Members {
  const kept = Object.entries(members).filter(([, value]) => value !== null)
  return Object.fromEntries(
    kept.map(([name, value]) => [name, isObject(value) ? withoutNulls(value) : value]),
  )
}

/** Arguments of a prompt are texts, an id that is a number as well. */
function textsOf(given: unknown): unknown {
  if (!isObject(given)) return given
  return Object.fromEntries(
    Object.entries(withoutNulls(given)).map(([name, value]) => [
      name,
      typeof value === 'number' || typeof value === 'boolean' ? String(value) : value,
    ]),
  )
}

/** Arguments that a client wrote as JSON into a text. */
function objectOf(given: unknown): unknown {
  if (typeof given !== 'string') return given
  try {
    const parsed: unknown = given.trim() === '' ? {} : JSON.parse(given)
    return isObject(parsed) ? parsed : given
  } catch {
    return given
  }
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
